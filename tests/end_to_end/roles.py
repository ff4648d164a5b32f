"""The deployed stack's roles, and somebody with the credentials of one of them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from tests.permissions.names import RESOURCES, ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.cloud import Cloud


class Account:
    """The account of a local cloud: what the stack has made, and the root's way to its roles."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.ids = self._physical_ids()

    def _physical_ids(self) -> dict[str, str]:
        pages = self.cloud.client("cloudformation").get_paginator("list_stack_resources")
        found = {
            item["LogicalResourceId"][:-8]: item["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.cloud.status["stack"])
            for item in page["StackResourceSummaries"]
        }
        named = (RESOURCES | ROLES).items()
        return {name: found[logical_id] for name, logical_id in named if logical_id in found}

    def caller(self, role: str) -> Caller:
        """Return somebody who has assumed a role, given by its name in IAM.

        Only services may assume the stack's roles, so the account's root is let in for this
        moment. What the role may do then is in its own policies, which are not touched.
        """
        iam, sts = self.cloud.client("iam"), self.cloud.client("sts")
        found = iam.get_role(RoleName=role)["Role"]
        trust = _policy(
            Effect="Allow", Action="sts:AssumeRole", Principal={"AWS": _root_of(found["Arn"])}
        )
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
        try:
            made = sts.assume_role(RoleArn=found["Arn"], RoleSessionName="probe")["Credentials"]
        finally:
            before = json.dumps(found["AssumeRolePolicyDocument"])
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=before)
        return Caller(self, role, made)

    @contextmanager
    def almighty(self) -> Iterator[Caller]:
        """Make a role that may do everything, for as long as the block lasts."""
        iam, name = self.cloud.client("iam"), "probe-of-everything"
        nobody = _policy(Effect="Deny", Action="sts:AssumeRole", Principal="*")
        everything = _policy(Effect="Allow", Action="*", Resource="*")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=nobody)
        iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=everything)
        try:
            yield self.caller(name)
        finally:
            for each in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=each)
            iam.delete_role(RoleName=name)


class Caller:
    """Somebody with a role's credentials and nothing else."""

    def __init__(self, account: Account, role: str, credentials: dict[str, str]) -> None:
        self.account = account
        self.role = role
        self._credentials = credentials
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return a boto3 client with the role's credentials."""
        if service not in self._clients:
            self._clients[service] = boto3.client(  # type: ignore[call-overload]
                service,
                endpoint_url=self.account.cloud.status["endpoint_url"],
                region_name=self.account.cloud.status["region"],
                aws_access_key_id=self._credentials["AccessKeyId"],
                aws_secret_access_key=self._credentials["SecretAccessKey"],
                aws_session_token=self._credentials["SessionToken"],
            )
        return self._clients[service]


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _root_of(arn: str) -> str:
    """ARN of the root of the account that a role is in."""
    return f"{arn.rpartition(':')[0]}:root"
