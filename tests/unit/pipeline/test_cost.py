from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cost import (
    COMPUTE,
    GB,
    STAGE_LOG_BYTES,
    STATE_LOG_DOCUMENTS,
    added,
    billed_seconds,
    cost_of,
    invocation_usage,
    request_usage,
    run_usage,
    stage_usage,
)
from pipeline.prices import Prices, prices_for
from pipeline.run import Run, Source, StageRecord

US, FRANKFURT = prices_for("us-east-1"), prices_for("eu-central-1")

QUANTITIES = st.floats(min_value=0, max_value=1e9, allow_nan=False)
USAGES = st.dictionaries(st.sampled_from(sorted(US.items)), QUANTITIES)


def record(stage: str = "clean", **changes: Any) -> StageRecord:
    known = StageRecord(
        stage=stage,
        rows_in=10,
        rows_out=10,
        counts={},
        seconds=1.0,
        bytes_in=0,
        bytes_out=0,
        peak_memory_mb=200,
        cold_start=False,
        memory_mb=1024,
    )
    return replace(known, **changes)


def run(*stages: StageRecord) -> Run:
    source = Source("b", "input/flights/f.csv", "v1", "e", 100, "0A")
    return Run("r" * 32, "flights", "p", source, "s", stages=list(stages))


def priced(prices: Prices, **usd: float) -> Prices:
    return replace(prices, usd={**prices.usd, **usd})


# --- AWS's own examples -------------------------------------------------------------------------
def test_lambda_s_published_example() -> None:
    """512 MB, 3 million times a second each, less the free tier: $18.34 + $0.40 ("AWS Lambda
    pricing", example 1, at the price of that day).
    """
    one = invocation_usage(billed_seconds(1.0), memory_mb=512)
    month = {item: quantity * 3_000_000 for item, quantity in one.items()}
    assert month[COMPUTE] == pytest.approx(1_500_000)
    billable = {COMPUTE: month[COMPUTE] - 400_000, "lambda_request": 2_000_000}

    cost = cost_of(billable, priced(US, **{COMPUTE: 0.00001667}))

    assert [round(line.usd, 2) for line in cost.lines] == [18.34, 0.40]
    assert cost.usd == pytest.approx(18.74, abs=0.005)


def test_x_ray_s_published_example() -> None:
    """48,800 traces beyond the free tier cost $0.24 ("AWS X-Ray pricing", example 1)."""
    assert round(cost_of({"trace": 48_800}, US).usd, 2) == 0.24


# --- Bills by hand ------------------------------------------------------------------------------
def test_bill_of_a_stage_by_hand() -> None:
    # GIVEN 1,769 MB for 1.2344 s after 0.3 s of initialisation: 1,535 ms are billed
    stage = record(
        seconds=1.2344,
        init_seconds=0.3,
        cold_start=True,
        memory_mb=1769,
        requests={"get": 20, "put": 7, "list": 3, "delete": 5},
    )
    # WHEN
    cost = cost_of(stage_usage(stage), FRANKFURT)
    # THEN
    assert {line.item: line.usd for line in cost.lines} == pytest.approx(
        {
            COMPUTE: 1.535 * 1769 / 1024 * 0.0000133334,
            "lambda_request": 0.0000002,
            "s3_put": 10 * 0.0000054,
            "s3_get": 20 * 0.00000043,
            "log_gb": STAGE_LOG_BYTES / 1024**3 * 0.63,
        }
    )


def test_bill_of_a_run_by_hand() -> None:
    # GIVEN five stages, one of them at its second attempt
    stages = [
        *(record(stage) for stage in ("validate", "clean", "transform")),
        record("enrich", retries=1),
        record("write", requests={"put": 6, "delete": 1}),
    ]
    summary = run(*stages[:4])
    # WHEN
    usage = run_usage(summary, stages, event_bytes=600)
    # THEN five stages and four states around them, each retry one transition and one request more
    assert usage["state_transition"] == 9 + 1
    assert usage["lambda_request"] == 5 + 1
    assert usage[COMPUTE] == pytest.approx(5)
    # AND the upload, and each change in the output bucket, may be an event
    assert usage["event"] == 1 + 6 + 1
    assert usage["trace"] == 1
    state = len(json.dumps(summary.to_json())) + 600
    logged = 5 * STAGE_LOG_BYTES + STATE_LOG_DOCUMENTS * state
    assert usage["log_gb"] == pytest.approx(logged / GB)


def test_a_notice_is_one_state_more() -> None:
    stages = [record("write")]
    told = replace(run(), notice={"subject": "s", "message": "m"})

    with_notice, without = (run_usage(each, stages) for each in (told, run()))

    assert with_notice["state_transition"] == without["state_transition"] + 1


@pytest.mark.parametrize(
    ("seconds", "init", "billed"),
    [
        (0.07, 0, 0.07),
        (0.0701, 0, 0.071),
        (0.0, 0.0, 0.0),
        (1.1, 0.2, 1.3),
        (0.0004, 0.0004, 0.001),
    ],
)
def test_time_is_billed_by_the_millisecond_rounded_up(
    seconds: float, init: float, billed: float
) -> None:
    assert billed_seconds(seconds, init) == billed


def test_the_first_512_mb_of_storage_are_free() -> None:
    assert invocation_usage(2.0, memory_mb=1024)["lambda_storage_gb_second"] == 0
    assert invocation_usage(2.0, memory_mb=1024, storage_mb=512 + 1024)[
        "lambda_storage_gb_second"
    ] == pytest.approx(2)


def test_deletes_are_free_and_listings_cost_what_puts_cost() -> None:
    assert request_usage({"delete": 1000}) == {"s3_get": 0, "s3_put": 0}
    assert request_usage({"list": 2, "put": 3, "get": 4}) == {"s3_get": 4, "s3_put": 5}


# --- What holds of all costs --------------------------------------------------------------------
def test_nothing_costs_nothing_and_has_no_line() -> None:
    cost = cost_of({"s3_put": 0}, US)

    assert cost.usd == 0
    assert cost.lines == ()


@given(USAGES, USAGES)
def test_the_cost_of_a_sum_is_the_sum_of_the_costs(
    one: dict[str, float], other: dict[str, float]
) -> None:
    together = cost_of(added((one, other)), US).usd
    assert together == pytest.approx(cost_of(one, US).usd + cost_of(other, US).usd)


@given(USAGES, st.sampled_from(sorted(US.items)), QUANTITIES)
def test_more_never_costs_less(usage: dict[str, float], item: str, more: float) -> None:
    assert cost_of(added((usage, {item: more})), US).usd >= cost_of(usage, US).usd


@given(st.floats(0, 900), st.floats(0, 10), st.integers(128, 10_240))
def test_the_billed_time_is_never_less_and_never_a_millisecond_more(
    seconds: float, init: float, memory_mb: int
) -> None:
    billed = billed_seconds(seconds, init)
    assert -1e-8 <= billed - (seconds + init) < 0.001 + 1e-8
    usage = invocation_usage(billed, memory_mb=memory_mb)
    assert usage[COMPUTE] == pytest.approx(billed * memory_mb / 1024)


def test_the_document_of_a_run_is_short_and_adds_up() -> None:
    stages = [record(stage) for stage in ("validate", "clean", "transform", "enrich", "write")]
    document = cost_of(run_usage(run(), stages), FRANKFURT).to_json()

    assert document["currency"] == "USD"
    assert document["region"] == "eu-central-1"
    assert document["as_of"] == FRANKFURT.as_of
    assert sum(line["usd"] for line in document["lines"]) == pytest.approx(
        document["usd"], abs=1e-7
    )
    assert len(json.dumps(document)) < 1000
