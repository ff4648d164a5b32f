"""No role of the deployed stack may do more than the matrix says: each tries all of it.

That the roles may do enough is shown by all other tests of this folder, whose runs are held to
them. `tests/permissions/matrix.py` has the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.probing import Probing
from tests.end_to_end.roles import Account
from tests.permissions.matrix import PROBES, ROLES, SENDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.cloud import Cloud

ASKED_ABOUT_THE_WRONG_ARN = {"logs:PutLogEvents", "logs:CreateLogStream"}
"""Here a log group's ARN, which ends in `:*` in AWS and in the policies, is looked for without that
ending, so that nobody may write to any log with a role's credentials; the service itself does."""
ASKED = [probe for probe in PROBES if probe.action not in ASKED_ABOUT_THE_WRONG_ARN]


@pytest.fixture(scope="module")
def account(cloud: Cloud) -> Account:
    return Account(cloud)


@pytest.fixture(scope="module")
def probing(account: Account) -> Iterator[Probing]:
    made = Probing(account)
    yield made
    made.clear()


@pytest.mark.parametrize("role", [role for role in ROLES if role != SENDER])
def test_role_may_do_this_and_nothing_else(account: Account, probing: Probing, role: str) -> None:
    caller = account.caller(account.ids[f"{role}.role"])

    may = {str(probe) for probe in ASKED if not probing.is_refused(caller, probe)}

    assert may == {str(probe) for probe in ASKED if role in probe.allowed}


def test_whoever_may_do_everything_is_refused_nothing_but_the_roles(
    account: Account, probing: Probing
) -> None:
    # GIVEN somebody whose policy allows everything: what others are refused does work
    with account.almighty() as caller:
        # WHEN
        refused = {str(probe) for probe in ASKED if probing.is_refused(caller, probe)}

    # THEN only the role itself has a say in who assumes it
    assert refused == {"sts:AssumeRole <clean.role>"}
