"""What the matrix names, by its logical id without the eight hexadecimal digits at the end."""

from __future__ import annotations

from typing import Final

from pipeline.constants import STAGES, state_name

ROLES: Final = {
    **{f"{stage}.role": f"{state_name(stage)}Role" for stage in STAGES},
    "machine.role": "PipelineMachineRole",
    "trigger.role": "TriggerRole",
    "sender.role": "LineageRole",
}
RESOURCES: Final = {
    **{stage: f"{state_name(stage)}Function" for stage in STAGES},
    **{f"{stage}.logs": f"{state_name(stage)}Logs" for stage in STAGES},
    "input": "StorageInput",
    "output": "StorageOutput",
    "staging": "StorageStaging",
    "machine": "PipelineMachine",
    "dead_letters": "MessagingDeadLetters",
    "undelivered": "MessagingUndeliveredEvents",
    "alerts": "MessagingAlerts",
}
