"""Findings of checkov and of cdk-nag's AwsSolutions that stand, each with its reason.

What can be put right is put right. checkov finds its part in the template's metadata, so that it is
clean for everybody who runs it; cdk-nag is told by `infra.compliance.nag` when it runs. A test runs
both on templates without acknowledgements, and demands that each of these is needed and none is
missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import CfnResource

from infra.settings import Encryption, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from constructs import IConstruct

    Condition = Callable[[Settings], bool]

CHECKOV: Final = "CKV"


@dataclass(frozen=True)
class Acknowledgement:
    """A rule's finding that stands.

    Attributes
    ----------
    where
        Regular expression of the constructs' paths below the stack, to be matched from the start.
    finding
        Regular expression of what cdk-nag's rule found there, for rules that find several things.
    when
        Settings with which the finding is there.
    """

    rule: str
    where: str
    reason: str
    finding: str = ""
    when: Condition = lambda _settings: True

    def covers(self, rule: str, path: str, settings: Settings) -> bool:
        """Whether the rule's finding (`RULE` or `RULE[FINDING]`) at a path is this one."""
        name, _, finding = rule.rstrip("]").partition("[")
        return (
            name == self.rule
            and re.fullmatch(self.finding, finding) is not None
            and re.match(self.where, path) is not None
            and self.when(settings)
        )


def _services_keys(settings: Settings) -> bool:
    return settings.encryption is Encryption.SERVICE


def _no_access_logs(settings: Settings) -> bool:
    return not settings.access_logs


def _no_network(settings: Settings) -> bool:
    return not _network(settings)


def _network(settings: Settings) -> bool:
    return settings.network is not None


def _no_reserve(settings: Settings) -> bool:
    return any(size.reserved_concurrency is None for size in settings.stages.values())


def _lineage(settings: Settings) -> bool:
    return settings.lineage is not None


STAGE: Final = "(Validate|Clean|Transform|Enrich|Write)"
FUNCTION: Final = f"({STAGE}|Lineage)"
KEEPS_NO_LOG: Final = (
    "context access_logs=true brings the log; environment=dev leaves it out, for its files are "
    "copies or made up"
)

ACKNOWLEDGEMENTS: Final = (
    # --- Functions ---------------------------------------------------------------------------
    Acknowledgement(
        "CKV_AWS_115",
        f"{STAGE}/Function/Resource",
        "reserved concurrency is taken from all other functions of the account: a setting "
        "(<stage>.reserved_concurrency), without which throttled invocations are retried and told",
        when=_no_reserve,
    ),
    Acknowledgement(
        "CKV_AWS_116",
        f"{STAGE}/Function/Resource",
        "a function's own dead-letter queue serves asynchronous invocations; the state machine "
        "waits for this one and puts what fails into the queue DeadLetters",
    ),
    Acknowledgement(
        "CKV_AWS_115",
        "Lineage/Function/Resource",
        "it has one small event for each run, and what waits is sent again",
        when=_lineage,
    ),
    Acknowledgement(
        "CKV_AWS_116",
        "Lineage/Function/Resource",
        "events that could not be sent go to the queue UndeliveredEvents, by a failure destination "
        "that this check does not look at",
        when=_lineage,
    ),
    Acknowledgement(
        "CKV_AWS_117",
        f"{FUNCTION}/Function/Resource",
        "the stages call nothing but S3, where their roles say what they may; a VPC is a setting "
        "(subnet_ids)",
        when=_no_network,
    ),
    Acknowledgement(
        "CKV_AWS_173",
        f"{FUNCTION}/Function/Resource",
        "the variables are names of buckets and of the stack, no secrets, and encrypted with "
        "Lambda's own key; encryption=customer takes the customer's",
        when=_services_keys,
    ),
    Acknowledgement(
        "AwsSolutions-L1",
        f"{FUNCTION}/Function/Resource",
        "Python 3.13 gets security fixes from Lambda until June 2029; layers and tests are "
        "pinned to it, and move to another version together",
    ),
    # --- Roles -------------------------------------------------------------------------------
    Acknowledgement(
        "AwsSolutions-IAM5",
        f"({FUNCTION}|Pipeline/Machine)/Role/DefaultPolicy/Resource",
        "tracing, the delivery of a state machine's log, and network interfaces admit no resource",
        finding=r"Resource::\*",
    ),
    Acknowledgement(
        "CKV_AWS_111",
        f"{FUNCTION}/Role/DefaultPolicy/Resource",
        "network interfaces have no name before Lambda makes them, with the function's role; the "
        "code that runs with it is refused to (infra/network.py)",
        when=_network,
    ),
    Acknowledgement(
        "AwsSolutions-IAM5",
        f"{FUNCTION}/Role/DefaultPolicy/Resource",
        "keys hold dataset, run and partition, which nobody knows before the run: the permission "
        "ends at the prefix, or at the stage's own file below it",
        finding=r"Resource::<Storage\w+\.Arn>/.+",
    ),
    Acknowledgement(
        "AwsSolutions-IAM5",
        "Pipeline/Machine/Role/DefaultPolicy/Resource",
        "versions of the five functions, each named by its ARN",
        finding=rf"Resource::<{STAGE}Function\w+\.Arn>:\*",
    ),
    # --- Logs and messages ---------------------------------------------------------------------
    Acknowledgement(
        "CKV_AWS_158",
        f"({FUNCTION}|Pipeline)/Logs/Resource",
        "CloudWatch Logs encrypts with a key of its own; encryption=customer takes the customer's",
        when=_services_keys,
    ),
    Acknowledgement(
        "CKV_AWS_26",
        "Messaging/Alerts/Resource",
        "alerts hold names and counts, no rows. The one key that costs nothing, alias/aws/sns, "
        "admits neither CloudWatch nor EventBridge and would silence every alarm; "
        "encryption=customer takes a key that admits them",
        when=_services_keys,
    ),
    Acknowledgement(
        "CKV_AWS_27",
        "Messaging/(DeadLetters|UndeliveredEvents)/Resource",
        "encrypted with SQS's own key (SqsManagedSseEnabled), which this check does not look at",
        when=_services_keys,
    ),
    Acknowledgement(
        "AwsSolutions-SQS3",
        "Messaging/(DeadLetters|UndeliveredEvents)/Resource",
        "these are the dead-letter queues: filled by the state machine's Catch and by EventBridge",
    ),
    # --- Buckets -----------------------------------------------------------------------------
    Acknowledgement(
        "CKV_AWS_18",
        "Storage/AccessLogs/Resource",
        "it holds the access logs; logging access to them would log itself",
    ),
    Acknowledgement(
        "CKV_AWS_18",
        "Storage/(Input|Output|Staging)/Resource",
        KEEPS_NO_LOG,
        when=_no_access_logs,
    ),
    Acknowledgement(
        "AwsSolutions-S1",
        "Storage/(Input|Output|Staging)/Resource",
        KEEPS_NO_LOG,
        when=_no_access_logs,
    ),
    Acknowledgement(
        "CKV_AWS_21",
        "Storage/(AccessLogs|Staging)/Resource",
        "what lies here is written once, or made anew from the versioned input, and expires",
    ),
)


def acknowledge_checkov(stack: IConstruct, settings: Settings) -> None:
    """Write into the template's metadata what checkov is to leave out, and why."""
    ours = [one for one in ACKNOWLEDGEMENTS if one.rule.startswith(CHECKOV) and one.when(settings)]
    for resource in _resources(stack):
        path = path_below(stack, resource.node.path)
        skipped = [
            {"id": one.rule, "comment": one.reason} for one in ours if re.match(one.where, path)
        ]
        if skipped:
            resource.add_metadata("checkov", {"skip": skipped})


def path_below(stack: IConstruct, path: str) -> str:
    """Path of a construct without the stack's name, which is a setting."""
    return path.removeprefix(f"{stack.node.path}/")


def _resources(stack: IConstruct) -> Iterable[CfnResource]:
    return (found for found in stack.node.find_all() if isinstance(found, CfnResource))
