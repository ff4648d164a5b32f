"""What leaves a function that fails: a name, words, the run so far; small enough for the state."""

from __future__ import annotations

import errno
import gzip
import json
import sys
import traceback
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pipeline import errors, guard
from pipeline.constants import STAGES
from pipeline.errors import PipelineError
from tests.handlers.cloud import STAGING
from tests.handlers.orders import ITEMS_IN_BUCKET, KEY, Deployments, Orders, csv, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud
    from tests.handlers.faults import Faults

BODY = csv(
    order(1),
    order(2, day=99),
    order(3, code="c1"),
    order(4, quantity=0),
    order(5, item="gold"),
    order(6),
)
MOST_CHARACTERS = 32_768
"""Of an error's cause: https://docs.aws.amazon.com/step-functions/latest/apireference/
API_TaskFailedEventDetails.html"""


def failure(work: Callable[[], Any]) -> PipelineError:
    with pytest.raises(PipelineError) as failed:
        work()
    return failed.value


def told(error: PipelineError) -> Any:
    """The document that the error's text is."""
    document = json.loads(str(error))
    assert document["message"] == error.message
    return document["run"]


def cause_of(error: PipelineError, *, ascii_only: bool) -> str:
    """The cause that Step Functions gets, as the runtime's client writes it."""
    trace = traceback.format_list(traceback.extract_tb(error.__traceback__))
    answer = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": "8f507cfc-xmpl-4697-b07a-ac58fc914c95",
        "stackTrace": trace,
    }
    return json.dumps(answer, ensure_ascii=ascii_only)


def assert_fits(error: PipelineError) -> None:
    for ascii_only in (True, False):
        cause = cause_of(error, ascii_only=ascii_only)
        assert len(cause) < MOST_CHARACTERS
        assert len(cause.encode()) < 4 * MOST_CHARACTERS


# --- The run so far ------------------------------------------------------------------------

SO_FAR = {
    "validate": {"read": 6, "rejected": 1},
    "clean": {"read": 6, "rejected": 1, "duplicates": 1},
    "transform": {"read": 6, "rejected": 1, "duplicates": 1, "filtered": 1},
    "enrich": {"read": 6, "rejected": 1, "duplicates": 1, "filtered": 1, "dropped_by_lookup": 1},
    "write": {
        "read": 6,
        "written": 2,
        "rejected": 1,
        "duplicates": 1,
        "filtered": 1,
        "dropped_by_lookup": 1,
    },
}


@pytest.mark.parametrize("stage", STAGES)
def test_failure_tells_the_run_with_the_rows_so_far(
    cloud: Cloud, deploy: Deployments, faults: Faults, stage: str
) -> None:
    # GIVEN a stage that has done its work and cannot store it
    deploy()
    event = cloud.upload(KEY, BODY)
    runs = [None, *cloud.states(event, STAGES[: STAGES.index(stage)])]

    # WHEN
    with faults.answering("PutObject", 403, "AccessDenied"):
        error = failure(lambda: cloud.run_stage(stage, event, runs[-1]))

    # THEN
    assert isinstance(error, errors.PermissionDeniedError)
    run = told(error)
    assert run["rows"] == dict.fromkeys(run["rows"], 0) | SO_FAR[stage]
    assert (run["dataset"], run["source"]["key"]) == ("orders", KEY)
    assert run["source"]["version_id"] == event["detail"]["object"]["version-id"]
    before = runs[-1]
    if before is not None:
        assert run["run_id"] == before["run_id"]
        assert run["rejects"]["quarantine"] == before["rejects"]["quarantine"]
        assert run["rejects"]["top_rules"][0]["column"] == "day"
    assert_fits(error)


def test_failure_before_anything_is_known_tells_no_run(cloud: Cloud) -> None:
    error = failure(lambda: cloud.run_stage("validate", {}, None))

    assert error.run is None
    assert str(error) == error.message
    assert_fits(error)


def test_failure_half_way_counts_what_was_read(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an array of many batches that breaks off
    monkeypatch.setattr("pipeline.formats.json_array.BLOCK_BYTES", 1024)
    deploy()
    body = json.dumps([order(n) for n in range(1, 401)]).encode()

    # WHEN
    error = failure(lambda: cloud.run_pipeline("input/orders/a.json", body.rstrip(b"]")))

    # THEN
    assert isinstance(error, errors.MalformedJsonError)
    assert 300 < told(error)["rows"]["read"] < 400


# --- Small enough --------------------------------------------------------------------------

NASTY = ["x", "ü", "\N{PILE OF POO}", "\x01", '"', "\\", "\ud800", "\0", "'\"\\\n"]


@pytest.mark.parametrize("text", NASTY, ids=[repr(text) for text in NASTY])
def test_message_of_anything_fits(cloud: Cloud, deploy: Deployments, text: str) -> None:
    # GIVEN a step that fails with a very long message, and a key as long as S3 allows
    step = f"def broken(frame):\n    if len(frame): raise ValueError({text!r} * 100_000)\n"
    step += "    return frame\n"
    deploy(Orders(steps=step, options={"transform": [{"python": "broken"}]}))
    body = BODY
    name = text if text.isprintable() and text.encode("utf-8", "ignore") else "k"
    key = "input/orders/" + name * (1000 // len(name.encode()))
    event = cloud.upload(key, body)

    # WHEN
    error = failure(lambda: cloud.run(event))

    # THEN
    assert isinstance(error, errors.StepError)
    assert_fits(error)
    assert told(error)["source"]["key"] == key
    str(error).encode()


def test_names_of_columns_do_not_burst_a_failure(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN rejects in columns with very long names, and a failure after that
    deploy()
    event = cloud.upload(KEY, BODY)
    (run,) = cloud.states(event, STAGES[:1])
    long = "\N{PILE OF POO}" * 30_000
    run["rejects"]["top_rules"] = [
        {"stage": "validate", "column": long, "rule": "type", "rows": n} for n in range(20)
    ]
    monkeypatch.setattr("pipeline.runtime.MAX_PAYLOAD_BYTES", 10**9)
    cloud.s3.delete_object(Bucket=STAGING, Key=run["data"]["key"])

    # WHEN
    error = failure(lambda: cloud.run_stage("clean", event, run))

    # THEN
    assert isinstance(error, errors.ObjectNotVisibleError)
    assert len(told(error)["rejects"]["top_rules"]) == 5
    assert_fits(error)


def test_endless_recursion_has_a_short_trace(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a defect of ours that ends in a recursion
    deploy()
    event = cloud.upload(KEY, BODY)

    def endless(*arguments: Any, **named: Any) -> Any:
        return endless(*arguments, **named)

    monkeypatch.setattr("functions.validate.handler.validate.arrow", endless, raising=False)

    # WHEN
    error = failure(lambda: cloud.run(event))

    # THEN
    assert isinstance(error, errors.UnexpectedError)
    assert "RecursionError: maximum recursion depth exceeded" in error.message
    assert len(traceback.extract_tb(error.__traceback__)) < 50 < sys.getrecursionlimit()
    assert_fits(error)


def test_endless_recursion_of_a_step_is_the_steps_fault(cloud: Cloud, deploy: Deployments) -> None:
    step = "def endless(frame):\n    return endless(frame) if len(frame) else frame\n"
    deploy(Orders(steps=step, options={"transform": [{"python": "endless"}]}))

    error = failure(lambda: cloud.run_pipeline(KEY, BODY))

    assert isinstance(error, errors.StepError)
    assert "RecursionError" in error.message
    assert_fits(error)


# --- Time and memory -----------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_stage_stops_before_its_timeout(cloud: Cloud, deploy: Deployments, stage: str) -> None:
    # GIVEN a function whose time is over by the time of its first batch
    deploy()
    event = cloud.upload(KEY, BODY)
    runs = [None, *cloud.states(event, STAGES[: STAGES.index(stage)])]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 0)

    # WHEN
    error = failure(lambda: cloud.run_stage(stage, event, runs[-1], context))

    # THEN
    assert isinstance(error, errors.TimeLimitError)
    assert error.status_code == 500
    assert "timeout_s" in error.message
    assert told(error)["run_id"]
    assert cloud.keys("processed/") == cloud.keys("manifests/") == cloud.keys("pending/") == []


@pytest.mark.parametrize("stage", STAGES)
def test_stage_stops_before_its_memory_is_full(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    # GIVEN a function of less memory than this process has already
    deploy()
    event = cloud.upload(KEY, BODY)
    runs = [None, *cloud.states(event, STAGES[: STAGES.index(stage)])]
    monkeypatch.setenv(guard.ENV_MEMORY_MB, "16")

    # WHEN
    error = failure(lambda: cloud.run_stage(stage, event, runs[-1]))

    # THEN
    assert isinstance(error, errors.MemoryLimitError)
    assert "memory size of 16 MB" in error.message
    assert cloud.keys("processed/") == cloud.keys("manifests/") == cloud.keys("pending/") == []


OUT_OF_MEMORY = {
    "Python's": "raise MemoryError",
    "numpy's": "import numpy; return numpy.ones(2**45)",
    "Arrow's": "import pyarrow; return pyarrow.allocate_buffer(2**60)",
}


@pytest.mark.parametrize("statement", OUT_OF_MEMORY.values(), ids=OUT_OF_MEMORY)
def test_step_that_has_no_memory_left_is_a_function_that_is_too_small(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    # GIVEN
    step = f"def huge(frame):\n    if len(frame): {statement}\n    return frame\n"
    deploy(Orders(steps=step, options={"transform": [{"python": "huge"}]}))
    monkeypatch.setenv(guard.ENV_MEMORY_MB, "10240")

    # WHEN
    error = failure(lambda: cloud.run_pipeline(KEY, BODY))

    # THEN
    assert isinstance(error, errors.MemoryLimitError)
    assert "split the file" in error.message
    assert error.status_code == 500


# --- Every leaf ----------------------------------------------------------------------------

GOOD = BODY.splitlines()
STEP = {"transform": [{"python": "s"}]}


def s3_answers(operation: str, status: int, code: str = "") -> Callable[..., None]:
    """Let S3 answer so."""

    def answering(stack: ExitStack, faults: Faults) -> None:
        stack.enter_context(faults.answering(operation, status, code))

    return answering


def full_disk(*_: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


IN_BUCKET = {"enrich": [ITEMS_IN_BUCKET]}
RAISED: dict[str, dict[str, Any]] = {
    "StorageThrottledError": {"s3": s3_answers("GetObject", 503, "SlowDown")},
    "StorageUnavailableError": {"s3": s3_answers("PutObject", 500, "InternalError")},
    "ObjectNotVisibleError": {"s3": s3_answers("GetObject", 404, "NoSuchVersion")},
    "ObjectChangedError": {"s3": s3_answers("PutObject", 409, "ConditionalRequestConflict")},
    "PermissionDeniedError": {"s3": s3_answers("PutObject", 403, "AccessDenied")},
    "StorageRefusedError": {"s3": s3_answers("PutObject", 400, "InvalidRequest")},
    "EmptyFileError": {"body": b" \n"},
    "BinaryFileError": {"body": BODY + b"\0"},
    "EncodingError": {"body": BODY + b"\xff"},
    "CompressionError": {"body": b"\x1f\x8b\x08\0\0\0\0\0\0\0"},
    "MalformedCsvError": {"body": BODY.replace(b"id,", b'"id,', 1)},
    "MalformedJsonError": {"body": b"[1]", "key": "input/orders/a.json"},
    "SizeLimitError": {"limits": {"maxBytes": 50}},
    "CompressionRatioLimitError": {
        "limits": {"maxCompressionRatio": 20},
        "body": gzip.compress(csv() + b"1,c1,1,2,tea\n" * 3_000),
        "patched": {"pipeline.formats.compression._RATIO_GRACE_BYTES": 1},
    },
    "ColumnLimitError": {"limits": {"maxColumns": 4}},
    "RowLimitError": {"limits": {"maxRowBytes": 60}, "body": csv(order(1, item="t" * 90))},
    "NestingLimitError": {
        "limits": {"maxNesting": 3},
        "key": "input/orders/a.json",
        "body": b'{"id": [[[[1]]]]}\n',
    },
    "NoRowsError": {"body": GOOD[0]},
    "MissingColumnError": {"body": BODY.replace(b"item", b"thing", 1)},
    "ExtraColumnError": {
        "orders": Orders(options={"drift": {"extra_column": "reject-file"}}),
        "body": BODY.replace(b"item", b"item,colour", 1),
    },
    "DuplicateColumnError": {"body": BODY.replace(b"item", b"item,item", 1)},
    "TooManyRejectsError": {"orders": Orders(options={"rejects": {"max_rows": 0}})},
    "QualityError": {
        "orders": Orders(
            columns={"item": {"quality": [{"metric": "nullValues", "mustBeGreaterThan": 5}]}}
        )
    },
    "LookupMissError": {"when_missing": "fail"},
    "LookupNotFoundError": {"orders": Orders(options=IN_BUCKET)},
    "LookupTableError": {
        "orders": Orders(options=IN_BUCKET),
        "uploads": {"lookups/items/items.csv": b"thing,price\ntea,3\n"},
    },
    "DiskLimitError": {
        "orders": Orders(options={"write": {"sort_by": ["id"]}}),
        "patched": {
            "functions.write.outputs._SORTED_BYTES": 1,
            "functions.write.sorting._Run.written": full_disk,
        },
    },
    "UnknownDatasetError": {"key": "input/nothing/a.csv"},
    "InvalidEventError": {"event": {"replay": "all"}},
    "InvalidPlanError": {"plan": "{"},
    "PlanChangedError": {"redeployed": Orders(last_day=30)},
    "ReplayRefusedError": {"event": {"replay": {"quarantine": "0" * 32}}},
    "StepError": {
        "orders": Orders(
            steps="def s(frame):\n    return frame if frame.empty else 1\n", options=STEP
        )
    },
    "TimeLimitError": {"context": SimpleNamespace(get_remaining_time_in_millis=lambda: 0)},
    "MemoryLimitError": {"memory": "16"},
    "UnexpectedError": {"environment": "OUTPUT_BUCKET"},
    "PayloadTooLargeError": {"event": {"padding": "x" * 250_000}},
    "UnbalancedBooksError": {"books": 1},
}
"""What brings each error about; the last one needs a run summary that has been tampered with."""


def orders_of(case: dict[str, Any]) -> Orders:
    """The dataset of a case."""
    orders = replace(case.get("orders", Orders()), limits=case.get("limits", {}))
    return replace(orders, when_missing=case.get("when_missing", orders.when_missing))


@pytest.mark.parametrize("name", errors.leaf_names(PipelineError))
def test_every_error_is_met_by_a_handler(
    *,
    cloud: Cloud,
    deploy: Deployments,
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    name: str,
) -> None:
    # GIVEN
    case = RAISED[name]
    deploy(orders_of(case))
    for key, content in case.get("uploads", {}).items():
        cloud.upload(key, content)
    event = cloud.upload(case.get("key", KEY), case.get("body", BODY)) | case.get("event", {})
    for target, value in case.get("patched", {}).items():
        monkeypatch.setattr(target, value)
    if "environment" in case:
        monkeypatch.delenv(case["environment"])
    if "memory" in case:
        monkeypatch.setenv(guard.ENV_MEMORY_MB, case["memory"])
    if "plan" in case:
        (tmp_path / "plans" / "orders").mkdir(parents=True)
        (tmp_path / "plans" / "orders" / "plan.json").write_text(case["plan"])
        monkeypatch.setenv("DATASETS_DIR", str(tmp_path / "plans"))

    def work() -> None:
        run: dict[str, Any] | None = None
        for stage in STAGES:
            run = cloud.run_stage(stage, event, run, case.get("context"))
            run["rows"]["read"] += case.get("books", 0)
            if "redeployed" in case:
                deploy(case["redeployed"])

    # WHEN
    with ExitStack() as stack:
        if "s3" in case:
            case["s3"](stack, faults)
        error = failure(work)

    # THEN
    assert type(error).__name__ == name
    assert f"s3://landing/{case.get('key', KEY)}" in error.message
    assert_fits(error)


def test_nothing_but_leaves_is_told() -> None:
    assert set(RAISED) == set(errors.leaf_names(PipelineError))
