"""The customer managed key: what it encrypts, and who may use it for what.

A service that may not use the key of a topic fails without a word to anybody: every alarm is
raised and none is told. So whoever publishes stands here by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra.settings import Encryption
from pipeline.constants import LOOKUP_STAGE, STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from infra.settings import Settings
    from infra.storage import Storage

KEY_ID: Final = "DataKey"
USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""What putting something into an encrypted bucket, queue or topic takes; reading takes the first.

Decrypt is in it because parts of an upload are read back, and because queue and topic check the
data key that they reuse.
"""

LOG_USE: Final = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)
"""What CloudWatch Logs asks for, which its documentation writes with wildcards."""


def data_key(scope: Construct, settings: Settings) -> kms.IKey | None:
    """Key of the stack that `scope` is in, made when it is first asked for.

    None where the services encrypt with their own.
    """
    if settings.encryption is Encryption.SERVICE:
        return None
    stack = Stack.of(scope)
    made = stack.node.try_find_child(KEY_ID)
    if made is not None:
        return cast("kms.IKey", made)
    if settings.kms_key_arn:
        return kms.Key.from_key_arn(stack, KEY_ID, settings.kms_key_arn)
    return _new_key(stack, settings)


def _new_key(stack: Stack, settings: Settings) -> kms.Key:
    """Key that goes when the data go, and not before."""
    key = kms.Key(
        stack,
        KEY_ID,
        description=f"Lambda Pipelines: data of the stack {settings.stack_name}",
        alias=settings.stack_name,
        enable_key_rotation=True,
        removal_policy=settings.data_removal_policy,
    )
    for statement in service_statements():
        key.add_to_resource_policy(statement)
    return key


def service_statements() -> list[iam.PolicyStatement]:
    """What a key's policy must say beside admitting the account's own policies.

    An existing key (`kms_key_arn`) needs them, too: docs/key-policy.json has them, to be filled in.
    Step Functions is not among them: it comes as the state machine's role.
    """
    return [_alarms(), _events(), _logs()]


def _alarms() -> iam.PolicyStatement:
    """Let this account's alarms publish to the topic."""
    return iam.PolicyStatement(
        sid="AlarmsPublish",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=list(USE),
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
    )


def _events() -> iam.PolicyStatement:
    """Let EventBridge publish to the topic and send to the queues.

    Without a condition: SNS's developer guide ("Managing Amazon SNS encryption keys and costs")
    says that aws:SourceAccount and aws:SourceArn in a key's policy are not supported for
    EventBridge's way to encrypted topics. Nor are conditions in a topic's own policy
    (EventBridge's user guide, "Using resource-based policies"): only the queues name their rules.
    """
    return iam.PolicyStatement(
        sid="EventsPublishAndSend",
        principals=[iam.ServicePrincipal("events.amazonaws.com")],
        actions=list(USE),
        resources=["*"],
    )


def _logs() -> iam.PolicyStatement:
    """Let CloudWatch Logs encrypt the stack's log groups (its user guide, "Encrypt log data")."""
    group = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group"
    names = (f"{Aws.STACK_NAME}-*", f"/aws/vendedlogs/states/{Aws.STACK_NAME}")
    return iam.PolicyStatement(
        sid="LogGroupsEncrypt",
        principals=[iam.ServicePrincipal(_endpoint("logs"))],
        actions=list(LOG_USE),
        resources=["*"],
        conditions={
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": [f"{group}:{name}" for name in names]}
        },
    )


def grant_key(
    settings: Settings,
    *,
    roles: Mapping[str, iam.Role],
    storage: Storage,
    machine: iam.IGrantable,
) -> None:
    """Let the stages' roles and the state machine use the customer's key, if there is one."""
    key = data_key(storage, settings)
    if key is None:
        return
    for stage, role in roles.items():
        read = [storage.input] if stage in (STAGES[0], LOOKUP_STAGE) else []
        admit_objects(role, key, read=read, written=[storage.output, storage.staging])
    admit_messages(machine, key, "sqs", "sns")


def admit_objects(
    role: iam.Role, key: kms.IKey, *, read: Iterable[s3.Bucket] = (), written: Iterable[s3.Bucket]
) -> None:
    """Let a role use the key for objects of these buckets, through S3 alone.

    Which objects, the role's permissions on the buckets say. A bucket key is used in the name of
    the bucket, an object that was uploaded without one in its own.
    """
    for actions, buckets in ((USE[:1], read), (USE, written)):
        if arns := [bucket.bucket_arn for bucket in buckets]:
            context = [*arns, *(f"{arn}/*" for arn in arns)]
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=list(actions),
                    resources=[key.key_arn],
                    conditions={
                        "StringEquals": {"kms:ViaService": _endpoint("s3")},
                        "ArnLike": {"kms:EncryptionContext:aws:s3:arn": context},
                    },
                )
            )


def admit_messages(role: iam.IGrantable, key: kms.IKey, *services: str) -> None:
    """Let a role use the key for messages, through these services (`sqs`, `sns`) alone."""
    role.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=list(USE),
            resources=[key.key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": [_endpoint(service) for service in services]}
            },
        )
    )


def admit_variables(role: iam.Role, key: kms.IKey) -> None:
    """Let a function's role decrypt the variables of functions of this account.

    Lambda makes a grant for it when the function is made; this lasts when the role is made anew.
    """
    functions = f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:{Aws.ACCOUNT_ID}:function:*"
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[key.key_arn],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": functions}},
        )
    )


def _endpoint(service: str) -> str:
    """Name of a service in this region, as kms:ViaService and principals have it."""
    return f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}"
