"""How a person gets from an alert to the execution it is about: commands, and a page to open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws, CfnCondition, Fn
from constructs import Construct

from infra.settings import Target

if TYPE_CHECKING:
    from infra.settings import Settings

RUNBOOK: Final = "docs/runbook.md"


class Pointers(Construct):
    """Commands of the `pipeline` command line, complete for this stack, and its console's pages.

    The command line finds the local cloud by itself, and the local cloud has no such pages.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._aws = settings.target is Target.AWS
        self._host = self._console_host() if self._aws else ""

    def command(self, words: str) -> str:
        """Command `pipeline <words>`, to be copied into a shell."""
        options = f" --region {Aws.REGION} --stack {Aws.STACK_NAME}" if self._aws else ""
        return f"pipeline {words}{options}"

    def page(self, execution_arn: str) -> str:
        """Where the execution can be looked at; empty where there is nothing but the commands."""
        return self.console("states", f"/v2/executions/details/{execution_arn}")

    def console(self, service: str, place: str) -> str:
        """Page of a service's console; empty where there is no console."""
        if not self._aws:
            return ""
        return f"https://{Aws.REGION}.{self._host}/{service}/home?region={Aws.REGION}#{place}"

    def _console_host(self) -> str:
        """Host of the console, which is another one in China and for the US government.

        A mapping would have to name all partitions; an unknown one could not be deployed to.
        """
        host = "console.aws.amazon.com"
        for name, partition, other in (
            ("IsChina", "aws-cn", "console.amazonaws.cn"),
            ("IsGovCloud", "aws-us-gov", "console.amazonaws-us-gov.com"),
        ):
            condition = CfnCondition(
                self, name, expression=Fn.condition_equals(Aws.PARTITION, partition)
            )
            host = Fn.condition_if(condition.logical_id, other, host).to_string()
        return host
