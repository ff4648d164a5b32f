"""The estimate of a run's cost: in its manifest, its report and its summary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cli.costs.standing import metric_series
from functions.write import estimate
from functions.write.estimate import with_commit
from pipeline.constants import ENV_METRICS_DETAIL, STAGES
from pipeline.cost import COMPUTE, TRANSITIONS
from pipeline.metrics import MetricsDetail
from pipeline.prices import PricesError, prices_for
from pipeline.run import StageRecord
from tests.handlers.emf import told
from tests.handlers.orders import KEY, Deployments, csv, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")


def finished(cloud: Cloud, deploy: Deployments) -> dict[str, Any]:
    deploy()
    *_, run = cloud.states(cloud.upload(KEY, csv(order(1), order(2, day=2))), STAGES)
    return run


def lines(cost: dict[str, Any]) -> dict[str, float]:
    return {line["item"]: line["quantity"] for line in cost["lines"]}


def test_manifest_report_and_summary_have_the_same_cost(cloud: Cloud, deploy: Deployments) -> None:
    run = finished(cloud, deploy)

    cost = run["cost"]
    assert cost == cloud.document(run["manifest"])["run"]["cost"]
    assert cost == cloud.document(run["report"])["cost"]
    assert cost["region"] == "eu-central-1"
    assert cost["as_of"] == prices_for("eu-central-1").as_of


def test_the_estimate_is_made_of_what_the_stages_did(cloud: Cloud, deploy: Deployments) -> None:
    run = finished(cloud, deploy)

    used = lines(run["cost"])
    sent = [record["requests"] for record in run["stages"]]
    done = sum(record["seconds"] + record["init_seconds"] for record in run["stages"][:4])
    assert used["lambda_request"] == len(STAGES)
    assert used["state_transition"] == TRANSITIONS
    assert used[COMPUTE] > done * 1769 / 1024
    # What the last stage was still to send when the estimate was made is in it.
    assert used["s3_put"] == sum(each.get("put", 0) + each.get("list", 0) for each in sent)
    assert used["s3_get"] == sum(each.get("get", 0) for each in sent)


def test_what_follows_the_estimate_is_in_it(cloud: Cloud, deploy: Deployments) -> None:
    """Twelve files are published eight at a time: two rounds, after seven requests one by one."""
    write = StageRecord(**finished(cloud, deploy)["stages"][-1])
    begun = replace(write, seconds=1.0, requests={"put": 2, "get": 1})

    done = with_commit(begun, files=12)

    assert done.seconds == pytest.approx(1.0 + (7 + 2) * 0.05)
    assert done.requests == {"put": 2 + 5 + 12, "list": 1, "get": 1, "delete": 1}


@pytest.mark.parametrize("detail", MetricsDetail)
def test_each_custom_metric_of_a_good_run_is_forecast(
    cloud: Cloud,
    deploy: Deployments,
    printed: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    detail: MetricsDetail,
) -> None:
    monkeypatch.setenv(ENV_METRICS_DETAIL, detail)
    deploy()
    event = cloud.upload(KEY, csv(order(1))) | {"time": datetime.now(UTC).isoformat()}

    assert [*cloud.states(event, STAGES)][-1]["outcome"] == "SUCCEEDED"

    series = {(one.metric, one.dimensions) for one in told(printed())}
    assert len(series) == metric_series(detail, datasets=1)


def test_no_run_fails_because_nobody_knows_its_price(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(region: str) -> None:
        raise PricesError(f"prices.json cannot be read ({region})")

    monkeypatch.setattr(estimate, "prices_for", broken)

    run = finished(cloud, deploy)

    assert run["outcome"] == "SUCCEEDED"
    assert run["cost"] is None
    assert cloud.document(run["manifest"])["run"]["cost"] is None
