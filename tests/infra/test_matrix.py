"""What the policies in the template allow and refuse, line by line of the matrix."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from tests.infra.synthesis import synthesised
from tests.permissions.matrix import PROBES, ROLES, SENDER
from tests.permissions.policies import is_allowed
from tests.permissions.template import identity_statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.synthesis import Template

DEPLOYMENTS = {
    "aws": {"openlineage_url": "https://lineage.example.com"},
    "local": {"target": "local"},
    "customer's key": {"encryption": "customer"},
}
CASES = [
    (deployment, role)
    for deployment, context in DEPLOYMENTS.items()
    for role in ROLES
    if role != SENDER or "openlineage_url" in context
]


@pytest.fixture(scope="module")
def template_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Template]:
    @cache
    def template(deployment: str) -> Template:
        return synthesised(tmp_path_factory.mktemp("matrix"), **DEPLOYMENTS[deployment])

    return template


@pytest.mark.parametrize(("deployment", "role"), CASES)
def test_policies_allow_what_the_matrix_says_and_nothing_else(
    template_of: Callable[[str], Template], deployment: str, role: str
) -> None:
    statements = identity_statements(template_of(deployment), role)

    may = {
        str(probe)
        for probe in PROBES
        if is_allowed(statements, probe.action, probe.resource, probe.prefix)
    }

    assert may == {str(probe) for probe in PROBES if role in probe.allowed}


@pytest.mark.parametrize(("deployment", "role"), CASES)
def test_another_evaluator_comes_to_the_same_answers(
    template_of: Callable[[str], Template], deployment: str, role: str
) -> None:
    statements = identity_statements(template_of(deployment), role)
    policy = parse_policy_document({"Version": "2012-10-17", "Statement": statements})

    for probe in PROBES:
        request = EvalContext(
            principal_arn=f"arn:aws:sts::123456789012:assumed-role/{role}/probe",
            principal_type="AssumedRole",
            principal_account="123456789012",
            action=probe.action,
            resource_arn=probe.resource,
            region="eu-west-1",
            service_context={"s3:prefix": probe.prefix} if probe.prefix else {},
        )
        decision = evaluate(request, [policy]).decision
        ours = is_allowed(statements, probe.action, probe.resource, probe.prefix)
        assert (decision == "Allow") == ours, str(probe)


def test_denial_counts_for_more_than_any_permission() -> None:
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "<output>/manifests/*"}

    assert is_allowed([allow, deny], "s3:GetObject", "<output>/manifests/a", None)
    assert is_allowed([allow, deny], "s3:PutObject", "<output>/reports/a", None)
    assert not is_allowed([allow, deny], "s3:PutObject", "<output>/manifests/a/b", None)
    assert not is_allowed([deny], "s3:GetObject", "<output>/reports/a", None)


@pytest.mark.parametrize(
    "unknown",
    [
        {"NotResource": "<output>/a"},
        {"Condition": {"StringEquals": {"s3:prefix": "a"}}},
        {"Condition": {"StringLike": {"s3:prefix": "a", "aws:PrincipalTag/b": "c"}}},
    ],
)
def test_what_the_evaluator_does_not_know_is_no_refusal(unknown: dict[str, object]) -> None:
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", **unknown}
    with pytest.raises(NotImplementedError):
        is_allowed([statement], "s3:ListBucket", "<output>", "a")
