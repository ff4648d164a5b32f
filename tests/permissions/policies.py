"""What policies say, worked out from their text alone; only what this project's policies need.

Whatever an evaluator of policies would have to know beside that is an error here, so that nothing
is ever taken for a refusal that has not been understood. The rules are those of
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
"""

from __future__ import annotations

import re
from typing import Any, Final

Statement = dict[str, Any]

KNOWN: Final = {"Sid", "Effect", "Action", "Resource", "Condition"}


def is_allowed(statements: list[Statement], action: str, resource: str, prefix: str | None) -> bool:
    """Whether identity policies allow an action: some statement does, and none denies it.

    `prefix` is that of a listing, None for one without and for every other action.
    """
    effects = {
        statement["Effect"]
        for statement in statements
        if _covers(statement, action, resource, prefix)
    }
    return effects == {"Allow"}


def listed(value: Any) -> list[Any]:
    """An element of a policy, which may stand alone, as a list."""
    return value if isinstance(value, list) else [value]


def _covers(statement: Statement, action: str, resource: str, prefix: str | None) -> bool:
    if unknown := set(statement) - KNOWN:
        raise NotImplementedError(f"statement with {unknown}")
    return (
        # Actions are told apart whatever their case, resources by it.
        any(matches(each.lower(), action.lower()) for each in listed(statement["Action"]))
        and any(matches(each, resource) for each in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), prefix)
    )


def _holds(condition: Statement, prefix: str | None) -> bool:
    if not condition:
        return True
    patterns = condition.get("StringLike", {}).get("s3:prefix")
    if condition != {"StringLike": {"s3:prefix": patterns}}:
        raise NotImplementedError(f"condition {condition}")
    return prefix is not None and any(matches(each, prefix) for each in listed(patterns))


def matches(pattern: str, value: str) -> bool:
    """Whether a value is of a pattern: `*` is any text, slashes and all, `?` one character."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None
