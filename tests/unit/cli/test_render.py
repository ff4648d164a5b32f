from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from cli.history import state_runs
from cli.outcome import RunError, RunResult
from cli.render import accounting_line, outcome_line, progress_table, shortened, state_line
from cli.summary import advice, how_to_look, summary
from pipeline.constants import DEFAULT_STACK_NAME
from tests.unit.cli.events import at, entered, exited, failed_task, lambda_cause, task
from tests.unit.cli.events import summary as run_summary


class FakeTarget:
    dead_letter_queue_url = "http://queue"
    stack = DEFAULT_STACK_NAME
    cloud = SimpleNamespace(is_local=True)


TARGET: Any = FakeTarget()


def result(status: str = "SUCCEEDED", **more: Any) -> RunResult:
    record: dict[str, Any] = {
        "execution_arn": "arn:aws:states:us-east-1:0:execution:machine:run-1",
        "status": status,
        "dataset": "flights",
        "source": {},
        "rows": {"read": 10, "written": 9, "rejected": 1, "duplicates": 0, "filtered": 0}
        | {"dropped_by_lookup": 0},
        "outputs": ["s3://out/processed/flights/1.parquet"],
        "quarantine": None,
        "report": None,
        "duration_s": 6.5,
    }
    return RunResult(**(record | more))


def text(renderable: Any) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_a_line_tells_stage_seconds_and_rows() -> None:
    events = [
        entered("Validate", 0),
        *task(0, result=run_summary(("validate", 336776, 336770))),
        exited("Validate", 1.26),
    ]

    line = state_line("", state_runs(events)[0], at(9))

    assert line.split() == ["✓", "validate", "1.3", "s", "336,776", "->", "336,770", "rows"]


def test_a_line_tells_the_error_of_every_attempt_that_failed() -> None:
    cause = lambda_cause("StorageThrottledError", "S3 asked\nto slow down")
    events = [
        entered("Clean", 0),
        *failed_task(0, "StorageThrottledError", cause),
        *failed_task(2, "StorageThrottledError", cause),
    ]

    line = state_line("f.csv", state_runs(events)[0], at(3))

    assert line.startswith("f.csv: ↻ clean")
    assert line.endswith("attempt 2 of 2: StorageThrottledError: S3 asked to slow down")


def test_the_live_table_leaves_out_the_plumbing() -> None:
    names = ("Start", "Validate", "SendToDeadLetterQueue", "Failed")
    states = state_runs([entered(name, 0) for name in names])

    shown = text(progress_table("f.csv", states, at(1)))

    assert "validate" in shown
    assert "dead letter" in shown
    assert "Start" not in shown
    assert "Failed" not in shown


def test_the_books_are_shown_as_an_equation() -> None:
    assert accounting_line(result().rows) == (
        "read 10 = written 9 + rejected 1 + duplicates 0 + filtered 0 + dropped_by_lookup 0"
    )


def test_rows_that_were_made_of_others_stand_beside_those_that_were_read() -> None:
    assert accounting_line({"read": 10, "expanded": 5, "written": 14, "rejected": 1}) == (
        "read 10 + expanded 5 = written 14 + rejected 1"
    )


def test_an_outcome_says_what_it_means() -> None:
    assert str(outcome_line("f.csv", result("ALREADY_PROCESSED"))) == (
        "f.csv: ALREADY_PROCESSED in 6.5 s - "
        "this version of the file was committed before; nothing was done again"
    )


def test_a_failure_says_where_what_and_what_to_do() -> None:
    error = RunError("clean", "StepError", "no column [x]", 400)

    lines = [str(line) for line in summary("f.csv", result("FAILED", error=error), FakeTarget())]  # type: ignore[arg-type]

    assert lines[0] == "f.csv: FAILED in 6.5 s"
    assert "  stage       clean" in lines
    assert "  error       StepError (400)" in lines
    assert "  message     no column [x]" in lines
    assert any("dead-letter queue http://queue" in line for line in lines)
    assert lines[-4:] == [
        "  details     pipeline show run-1",
        "  as a page   pipeline report run-1",
        "  dead letter pipeline dead-letters show run-1",
        "  replay      pipeline dead-letters replay run-1",
    ]
    assert "  rows        read 10, written 9, rejected 1 when it failed" in lines


@pytest.mark.parametrize(
    ("usd", "words"),
    [(0.000912, "$0.000912"), (0.00003021, "$0.00003021"), (0.5, "$0.5"), (1234.5, "$1,234.50")],
)
def test_a_cost_is_told_with_the_figures_that_it_has(usd: float, words: str) -> None:
    cost = {"usd": usd, "region": "eu-central-1", "as_of": "2026-11-23"}
    lines = [str(line) for line in summary("f.csv", result(cost=cost), TARGET)]
    assert f"  cost        about {words} (eu-central-1, list prices as of 2026-11-23)" in lines


def test_a_merge_says_so() -> None:
    merged = result(merges={"run_id": "r1", "manifest_etag": "e", "rows": 1200})

    lines = [str(line) for line in summary("f.csv", merged, FakeTarget())]  # type: ignore[arg-type]

    assert "  merge       merge of 1,200 quarantined rows of the run r1" in lines


def test_a_stage_that_a_replay_took_over_says_so() -> None:
    run = run_summary(("validate", 10, 9))
    run["stages"][0]["resumed"] = True
    events = [entered("Validate", 0), *task(0, result=run), exited("Validate", 0.1)]

    assert state_line("", state_runs(events)[0], at(9)).endswith("taken over from the failed run")


def test_rejects_and_rows_without_a_match_are_told_with_their_reasons() -> None:
    rules = [{"column": f"c{n}", "rule": "maximum", "rows": 1000} for n in range(6)]
    lookups = {
        "airlines": {"matched": 10, "unmatched": 0, "missing_key": 0},
        "planes": {"matched": 1, "unmatched": 7602, "missing_key": 3},
    }

    lines = [str(line) for line in summary("f", result(top_rules=rules, lookups=lookups), TARGET)]

    (rejected,) = [line for line in lines if line.startswith("  rejected")]
    assert rejected.startswith("  rejected    c0: maximum (1,000), c1: maximum (1,000), ")
    assert rejected.endswith("c4: maximum (1,000) and 1 more reasons")
    assert "  unmatched   7,602 rows in planes" in lines


def test_repairs_are_told_by_column() -> None:
    # GIVEN
    counts = [
        {"stage": "validate", "column": None, "repair": "cells", "cells": 1},
        {"stage": "validate", "column": "city", "repair": "encoding", "cells": 2},
        {"stage": "clean", "column": "city", "repair": "dependency", "cells": 1200},
    ]
    repairs = {"counts": counts, "files": ["s3://out/repairs/d/r/clean.jsonl"]}

    # WHEN
    lines = [str(line) for line in summary("f", result(repairs=repairs), FakeTarget())]  # type: ignore[arg-type]

    # THEN
    assert "  repaired    1,202 cells (city: 1,202), 1 row" in lines
    assert "  repairs     s3://out/repairs/d/r/clean.jsonl" in lines


def test_quality_rules_that_only_warn_are_told() -> None:
    found = {
        "name": "",
        "rule": "nullValues",
        "columns": ["city"],
        "severity": "warning",
        "rows": 1200,
        "expected": "must be 0",
    }
    named = found | {"name": "size", "rule": "rowCount", "columns": [], "severity": "info"}

    lines = [str(line) for line in summary("f", result(checks=[found, named]), TARGET)]

    assert "  warning     nullValues of city: 1,200 rows, must be 0" in lines
    assert "  info        size (rowCount): 1,200 rows, must be 0" in lines


def test_rows_that_were_put_right_as_a_whole_are_no_cells() -> None:
    # GIVEN
    counts = [{"stage": "validate", "column": None, "repair": "csv_quotes", "cells": 110}]

    # WHEN
    lines = [str(line) for line in summary("f", result(repairs={"counts": counts}), TARGET)]

    # THEN
    assert "  repaired    110 rows" in lines


def test_a_query_on_each_dataset_shows_its_output() -> None:
    # GIVEN
    results = [result(), result(), result(dataset="port-calls"), result(dataset="x", outputs=[])]

    # WHEN
    lines = [str(line) for line in how_to_look(results, FakeTarget())]  # type: ignore[arg-type]

    # THEN
    assert lines == [
        "Look at the output:",
        '  pipeline query flights "SELECT * FROM flights LIMIT 10"',
        """  pipeline query port-calls 'SELECT * FROM "port-calls" LIMIT 10'""",
        "Stop the local cloud (its data goes with it): pipeline down",
    ]


def test_a_query_in_aws_names_the_cloud() -> None:
    # GIVEN
    session = SimpleNamespace(profile_name="work")
    target: Any = FakeTarget()
    target.cloud = SimpleNamespace(is_local=False, region="eu-west-1", session=session)
    target.stack = "Ours"

    # WHEN
    lines = [str(line) for line in how_to_look([result()], target)]

    # THEN
    assert lines[1:] == [
        '  pipeline query flights "SELECT * FROM flights LIMIT 10"'
        " --profile work --region eu-west-1 --stack Ours"
    ]


def test_advice_depends_on_whose_fault_it_is() -> None:
    theirs, ours = RunError("clean", "E", "m", 400), RunError("clean", "E", "m", 500)

    assert "correct the file" in advice(result("FAILED"), theirs)
    assert "replay the run" in advice(result("FAILED"), theirs)
    assert "when the cause is gone, replay the run" in advice(result("FAILED"), ours)
    assert "pipeline status" in advice(result("NOT_STARTED", execution_arn=None), ours)


def test_many_outputs_are_counted_not_listed() -> None:
    outputs = [f"s3://out/{number}" for number in range(30)]

    lines = [str(line) for line in summary("f", result(outputs=outputs), FakeTarget())]  # type: ignore[arg-type]

    assert [line.strip() for line in lines[-2:]] == [
        "and 25 more",
        "as a page   pipeline report run-1",
    ]
    assert sum("s3://out/" in line for line in lines) == 5


def test_a_long_message_is_cut_to_one_line() -> None:
    assert shortened("a\n  b") == "a b"
    assert shortened("x" * 500, width=10) == "xxxxxxxxx…"
