"""The dashboard as it is deployed; what only a deployment knows is filled in by examples."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.constants import STAGES
from tests.infra.synthesis import ROOT, Template, empty_plans, resources, synthesised, text

if TYPE_CHECKING:
    from pathlib import Path

STACK = "LambdaPipelines"
PLACES = {
    "<AWS::Region>": "eu-central-1",
    "<AWS::StackName>": STACK,
    "<AWS::AccountId>": "111122223333",  # AWS's own in its documentation
    "<AWS::URLSuffix>": "amazonaws.com",
}


SAID_AND_DONE = {"AlarmDescription", "AlarmActions", "OKActions", "Tags"}
"""Properties of an alarm that its state does not depend on, nor so the picture."""


@dataclass(frozen=True)
class Names:
    """What the stack's resources are called in their metrics' dimensions."""

    stack: str
    functions: dict[str, str]
    machine: str
    dead_letters: str
    undelivered: str
    uploads: str


@dataclass(frozen=True)
class Definition:
    """Body of the dashboard, its alarms' rules by ARN, and the resources' names."""

    body: dict[str, Any]
    alarms: dict[str, dict[str, Any]]
    names: Names
    datasets: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Hash of all that the picture is made of, but for the simulated metrics."""
        whole = json.dumps([self.body, self.alarms], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


def present_definition(folder: Path) -> Definition:
    """The dashboard of the repository's datasets in a production account; `folder` is scratch."""
    datasets = tuple(sorted(path.parent.name for path in ROOT.glob("datasets/*/pipeline.yaml")))
    return definition_of(synthesised(folder, compiler=empty_plans(*datasets)), datasets)


def definition_of(template: Template, datasets: tuple[str, ...]) -> Definition:
    """The dashboard of a template."""
    return Definition(
        body=dashboard_body(template),
        alarms={
            f"<{logical_id}.Arn>": {
                name: resolved(value)
                for name, value in resource["Properties"].items()
                if name not in SAID_AND_DONE
            }
            for logical_id, resource in resources(template, "AWS::CloudWatch::Alarm").items()
        },
        names=_names(template),
        datasets=datasets,
    )


def dashboard_body(template: Template) -> dict[str, Any]:
    """Body of the template's one dashboard, with names for references."""
    (dashboard,) = resources(template, "AWS::CloudWatch::Dashboard").values()
    return dict(json.loads(_filled(text(dashboard["Properties"]["DashboardBody"]))))


def resolved(value: Any) -> Any:
    """Part of a template with texts for references."""
    match value:
        case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Join": _} | {"Fn::If": _}:
            return _filled(text(value))
        case dict():
            return {name: resolved(inner) for name, inner in value.items()}
        case list():
            return [resolved(inner) for inner in value]
    return value


def _filled(value: str) -> str:
    for place, example in PLACES.items():
        value = value.replace(place, example)
    return value


def _names(template: Template) -> Names:
    def one(kind: str, start: str) -> str:
        (found,) = (name for name in resources(template, kind) if name.startswith(start))
        return found

    return Names(
        stack=STACK,
        functions={
            stage: f"<{one('AWS::Lambda::Function', stage.capitalize())}>" for stage in STAGES
        },
        machine=f"<{one('AWS::StepFunctions::StateMachine', 'Pipeline')}>",
        dead_letters=f"<{one('AWS::SQS::Queue', 'MessagingDeadLetters')}.QueueName>",
        undelivered=f"<{one('AWS::SQS::Queue', 'MessagingUndeliveredEvents')}.QueueName>",
        uploads=f"<{one('AWS::Events::Rule', 'Trigger')}>",
    )
