"""The dashboard's words: what to type, and the console's pages to open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.dashboard.widgets import COLUMNS
from infra.pointers import RUNBOOK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_stepfunctions as sfn

    from infra.messaging import Messaging
    from infra.pointers import Pointers

COMMANDS: Final = {
    "What failed": "dead-letters list",
    "Why": "dead-letters show EXECUTION",
    "Run it again": "dead-letters replay EXECUTION",
    "Which rows were rejected": "quarantine list",
    "What a run cost": "cost EXECUTION",
}
"""What is typed most, by the question that it answers."""
_HEIGHT: Final = 4


def what_to_type(pointers: Pointers) -> cloudwatch.TextWidget:
    """Commands, complete for this stack."""
    lines = [f"- {why}: `{pointers.command(words)}`" for why, words in COMMANDS.items()]
    return _half("\n".join(["### What to type", *lines]))


def where_to_look(
    pointers: Pointers,
    *,
    machine: sfn.StateMachine,
    messaging: Messaging,
    functions: Mapping[str, lambda_.Function],
) -> cloudwatch.TextWidget:
    """Pages of the console, each a click away; plain words where there is no console."""
    runs = {
        "executions": pointers.console("states", f"/statemachines/view/{machine.state_machine_arn}")
    }
    queues = {
        "dead letters": _queue(pointers, messaging.dead_letters),
        "undelivered events": _queue(pointers, messaging.undelivered_events),
    }
    logs = {
        stage: pointers.console(
            "cloudwatch", f"logsV2:log-groups/log-group/{function.log_group.log_group_name}"
        )
        for stage, function in functions.items()
    }
    return _half(
        f"### Where to look\n- Runs: {_links(runs)}\n- Queues: {_links(queues)}\n"
        f"- Logs: {_links(logs)}\n- What an alarm or an error means: {RUNBOOK}"
    )


def _queue(pointers: Pointers, queue: sqs.Queue) -> str:
    """Page of a queue, which the console finds by its URL, escaped."""
    host = f"sqs.{Aws.REGION}.{Aws.URL_SUFFIX}"
    return pointers.console(
        "sqs/v3", f"/queues/https%3A%2F%2F{host}%2F{Aws.ACCOUNT_ID}%2F{queue.queue_name}"
    )


def _links(pages: Mapping[str, str]) -> str:
    return ", ".join(f"[{name}]({page})" if page else name for name, page in pages.items())


def _half(markdown: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(markdown=markdown, width=COLUMNS // 2, height=_HEIGHT)
