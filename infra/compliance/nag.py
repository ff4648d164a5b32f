"""cdk-nag's AwsSolutions rules, run while the CDK synthesises: `cdk synth --context nag=true`.

The rules are a development tool, which an ordinary deployment neither needs nor waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.compliance.acknowledgements import ACKNOWLEDGEMENTS, path_below

if TYPE_CHECKING:
    from aws_cdk import Stack

    from infra.compliance.acknowledgements import Acknowledgement
    from infra.settings import Settings


@dataclass(frozen=True)
class Finding:
    """Something that a rule found: `AwsSolutions-L1`, `AwsSolutions-IAM5[Resource::*]`."""

    rule: str
    path: str
    """Path of the construct below the stack."""

    def acknowledgement(self, settings: Settings) -> Acknowledgement | None:
        """Return the acknowledgement that covers it, None if it is to be put right."""
        covering = (one for one in ACKNOWLEDGEMENTS if one.covers(self.rule, self.path, settings))
        return next(covering, None)


def findings(stack: Stack) -> list[Finding]:
    """All that the rules find, acknowledged or not."""
    report = AwsSolutionsChecks().validate_scope(stack)
    return [
        Finding(violation.rule_name, path_below(stack, resource.construct_path or ""))
        for violation in report.violations
        for resource in violation.violating_resources
    ]


def demand_rules(app: App, stack: Stack, settings: Settings) -> None:
    """Let `app.synth()` fail on every finding that is not acknowledged.

    cdk-nag takes acknowledgements one by one, by the exact text of the finding.
    """
    constructs = {path_below(stack, one.node.path): one for one in stack.node.find_all()}
    for finding in findings(stack):
        if acknowledged := finding.acknowledgement(settings):
            given = Acknowledgment(id=finding.rule, reason=acknowledged.reason)
            Validations.of(constructs[finding.path]).acknowledge(given)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
