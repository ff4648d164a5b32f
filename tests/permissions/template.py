"""What a synthesised template says of permissions, with resources by the names of the matrix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tests.infra.synthesis import properties, resources, text
from tests.permissions.names import RESOURCES, ROLES
from tests.permissions.policies import listed

if TYPE_CHECKING:
    from tests.infra.synthesis import Template
    from tests.permissions.policies import Statement

_NAMES: Final = {logical_id: name for name, logical_id in RESOURCES.items()}


def identity_statements(template: Template, role: str) -> list[Statement]:
    """Every statement of a role's policies, with resources by name.

    Roles of this project have nothing but policies of their own.
    """
    logical_id = role_id(template, role)
    described = template["Resources"][logical_id]["Properties"]
    assert not {"Policies", "ManagedPolicyArns"} & set(described)
    return [
        statement | {"Resource": [named(each) for each in listed(statement["Resource"])]}
        for policy in resources(template, "AWS::IAM::Policy").values()
        if {"Ref": logical_id} in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def role_id(template: Template, role: str) -> str:
    """Logical id of a role, or of whatever begins like it and ends in eight digits."""
    pattern = rf"{ROLES[f'{role}.role']}[0-9A-F]{{8}}"
    (found,) = (each for each in template["Resources"] if re.fullmatch(pattern, each))
    return found


def trust_statements(template: Template, role: str) -> list[Statement]:
    """Statements of who may assume a role."""
    described = properties(template, "AWS::IAM::Role", role_id(template, role))
    return list(described["AssumeRolePolicyDocument"]["Statement"])


def named(resource: Any) -> str:
    """Resource of a statement, with what the stack makes by its name in the matrix."""

    def name(found: re.Match[str]) -> str:
        return f"<{_NAMES[found[1]]}>" if found[1] in _NAMES else found[0]

    return re.sub(r"<([A-Za-z]+)[0-9A-F]{8}(?:\.Arn)?>", name, text(resource))
