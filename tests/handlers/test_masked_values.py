"""Values of a masked column: in the output, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pipeline.errors import UnexpectedError
from tests.handlers.cloud import OUTPUT
from tests.handlers.orders import KEY, Deployments, Orders, csv, order

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

SECRET = "coffee"
MASKED = Orders(columns={"item": {"classification": "confidential"}}, when_missing="keep")
RAGGED = b"9," + SECRET.encode() + b"\n"


def everything_told(cloud: Cloud, run: dict[str, Any]) -> str:
    """Text of all that a run has left beside its output."""
    kinds = ("quarantine/", "repairs/", "profiles/", "reports/", "manifests/", "lineage/")
    keys = [key for kind in kinds for key in cloud.keys(kind)]
    left = [cloud.read(f"s3://{OUTPUT}/{key}").decode("utf-8", "replace") for key in keys]
    return "\n".join([str(run), *left])


def test_rejected_rows_show_no_masked_value(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN a row that breaks a rule, and one that cannot be taken apart
    deploy(MASKED)
    body = csv(order(1, item=SECRET), order(2, day=40, item=SECRET)) + RAGGED

    # WHEN
    run = cloud.run(cloud.upload(KEY, body))

    # THEN
    assert (run["rows"]["written"], run["rows"]["rejected"]) == (1, 2)
    assert SECRET not in everything_told(cloud, run)
    (place,) = run["rejects"]["quarantine"]
    broken, ragged = cloud.records(place)
    assert (broken["column"], broken["value"], broken["line"]) == ("day", "40", 3)
    assert (broken["raw"]["item"], broken["raw"]["id"]) == ("***", "2")
    assert (ragged["raw"], ragged["line"]) == ("***", 4)


@pytest.mark.parametrize("dataset", [MASKED, Orders(when_missing="keep")])
def test_an_unforeseen_error_does_not_quote_masked_values(
    cloud: Cloud,
    deploy: Deployments,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    dataset: Orders,
) -> None:
    # GIVEN a defect whose message has a value in it
    def defect(*_: object) -> NoReturn:
        raise ValueError(f"cannot read {SECRET!r}")

    deploy(dataset)
    event = cloud.upload(KEY, csv(order(1, item=SECRET)))
    monkeypatch.setattr("functions.validate.handler.check_quality", defect)

    # WHEN
    with pytest.raises(UnexpectedError) as raised:
        cloud.run(event)

    # THEN it is told where nothing is masked
    told = f"{raised.value}{raised.value.__cause__!r}{capsys.readouterr().out}"
    assert (SECRET in told) is (dataset is not MASKED)
    assert "ValueError" in raised.value.message
