"""Functions in subnets of the account's own, for accounts whose rules ask for it.

Subnets and security groups are given, and so is the way out of them: the stages need S3 (a gateway
endpoint costs nothing). Logs, and the metrics in them, travel by the service's own network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from infra.settings import Settings

INTERFACE_ACTIONS: Final = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda needs to put a function into a VPC (AWSLambdaVPCAccessExecutionRole)."""


def join_network(function: lambda_.Function, role: iam.Role, settings: Settings) -> None:
    """Put a function into the VPC's subnets that the settings name, if they name some.

    Lambda makes the interfaces with the function's own role, before there is anything to narrow
    the permission to. The code that runs with the same role is refused it: only its requests carry
    lambda:SourceFunctionArn (Lambda's developer guide on functions in a VPC).
    """
    if settings.network is None:
        return
    role.add_to_policy(iam.PolicyStatement(actions=list(INTERFACE_ACTIONS), resources=["*"]))
    role.add_to_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=list(INTERFACE_ACTIONS),
            resources=["*"],
            conditions={"Null": {"lambda:SourceFunctionArn": "false"}},
        )
    )
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
        subnet_ids=list(settings.network.subnet_ids),
        security_group_ids=list(settings.network.security_group_ids),
    )
