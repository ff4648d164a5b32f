"""Athena by a fake of a few lines, whose answers have the form that the API's reference gives."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from cli.errors import CliError
from cli.query_athena import athena_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.query import Answer

QUERY = "SELECT * FROM flights"
OUTPUTS = {"QueryDatabase": "lambdapipelines", "QueryWorkGroup": "LambdaPipelines"}
COLUMNS = {
    "n": "bigint", "late": "double", "cancelled": "boolean", "money": "decimal",
    "at": "timestamp", "carrier": "varchar",
}  # fmt: skip


@dataclass
class FakeAthena:
    """Athena, Glue and CloudFormation of a stack; a query is in each of `states` in turn."""

    rows: list[list[str | None]] = field(default_factory=list)
    states: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=lambda: dict(OUTPUTS))
    interrupted: bool = False
    page_rows: int = 3
    started: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def describe_stacks(self, **_asked: Any) -> dict[str, Any]:
        listed = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [{"Outputs": listed}]}

    def start_query_execution(self, **asked: Any) -> dict[str, str]:
        self.started.append(asked)
        return {"QueryExecutionId": "the-query"}

    def stop_query_execution(self, **asked: Any) -> None:
        self.stopped.append(asked["QueryExecutionId"])

    def get_query_execution(self, **_asked: Any) -> dict[str, Any]:
        if self.interrupted:
            raise KeyboardInterrupt
        state = self.states.pop(0)
        status = {"State": state, "StateChangeReason": self.reason}
        statistics = {"DataScannedInBytes": 2_500_000}
        return {"QueryExecution": {"Status": status, "Statistics": statistics}}

    def get_paginator(self, operation: str) -> Any:
        return Pages(self, operation)


@dataclass
class Pages:
    of: FakeAthena
    operation: str

    def paginate(self, **_asked: Any) -> Iterator[dict[str, Any]]:
        if self.operation == "get_tables":
            yield {"TableList": [{"Name": "flights"}, {"Name": "weather__files"}]}
            yield {"TableList": [{"Name": "weather"}]}
            return
        described = [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()]
        head: list[str | None] = list(COLUMNS)
        rows = [head, *self.of.rows]
        for first in range(0, len(rows), self.of.page_rows):
            yield {
                "ResultSet": {
                    "ResultSetMetadata": {"ColumnInfo": described},
                    "Rows": [
                        {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]}
                        for row in rows[first : first + self.of.page_rows]
                    ],
                }
            }


@dataclass
class FakeCloud:
    client: FakeAthena
    is_local: bool = False
    region: str = "eu-west-1"

    def athena(self) -> FakeAthena:
        return self.client

    def glue(self) -> FakeAthena:
        return self.client

    def cloudformation(self) -> FakeAthena:
        return self.client


@dataclass
class FakeTarget:
    cloud: FakeCloud
    stack: str = "LambdaPipelines"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("cli.query_athena.time.sleep", waits.append)
    return waits


def ask(
    client: FakeAthena,
    sql: str = QUERY,
    *,
    dataset: str = "flights",
    limit: int = 1000,
    said: list[str] | None = None,
) -> Answer:
    target: Any = FakeTarget(FakeCloud(client))
    update = (said if said is not None else []).append
    return athena_answer(target, dataset, sql, limit=limit, update=update)


def test_values_have_their_types() -> None:
    row = ["7", "1.5", "true", "1.50", "2013-01-01 10:00:00.000", "UA"]
    odd = ["-1", "NaN", "false", "0.00", "2013-01-01 10:00:00.000", ""]

    found = ask(FakeAthena([row, odd, [None] * 6]))

    assert found.columns == tuple(COLUMNS)
    assert found.numeric == (True, True, False, True, False, False)
    first, second, third = found.rows
    assert first == (7, 1.5, True, "1.50", "2013-01-01 10:00:00.000", "UA")
    assert math.isnan(second[1])
    assert second[2] is False
    assert second[5] == ""
    assert third == (None,) * 6


def test_the_stacks_workgroup_and_database_are_asked() -> None:
    client = FakeAthena()
    ask(client, dataset="WEATHER")
    assert client.started == [
        {
            "QueryString": QUERY,
            "QueryExecutionContext": {"Database": "lambdapipelines"},
            "WorkGroup": "LambdaPipelines",
        }
    ]


@pytest.mark.parametrize(("limit", "cut"), [(1, True), (4, True), (5, False), (1000, False)])
def test_the_limit_cuts_over_pages(limit: int, cut: bool) -> None:
    rows: list[list[str | None]] = [[str(number), *[None] * 5] for number in range(5)]

    found = ask(FakeAthena(rows), limit=limit)

    assert [row[0] for row in found.rows] == list(range(min(limit, 5)))
    assert found.cut is cut


def test_a_slow_query_is_waited_for(no_waiting: list[float]) -> None:
    said: list[str] = []

    ask(FakeAthena(states=["QUEUED", *["RUNNING"] * 5, "SUCCEEDED"]), said=said)

    assert said[0] == "Athena: queued, 2.5 MB read"
    assert said[-1] == "Athena: running, 2.5 MB read"
    assert no_waiting == [0.1, 0.2, 0.5, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_what_athena_has_against_it_is_told(state: str) -> None:
    reason = "COLUMN_NOT_FOUND: line 1:8: Column 'mnth' cannot be resolved"
    with pytest.raises(CliError, match=f"^Athena: {reason}$"):
        ask(FakeAthena(states=["RUNNING", state], reason=reason))
    with pytest.raises(CliError, match="it does not say why"):
        ask(FakeAthena(states=[state]))


def test_an_interrupted_query_is_stopped() -> None:
    client = FakeAthena(interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        ask(client)
    assert client.stopped == ["the-query"]


@pytest.mark.parametrize("name", ["flihgts", "weather__files"])
def test_an_unknown_dataset_is_told_before_anything_runs(name: str) -> None:
    client = FakeAthena()
    with pytest.raises(CliError, match=f"no dataset {name}. There are: flights, weather"):
        ask(client, dataset=name)
    assert client.started == []


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE flights",
        "/* SELECT */ DELETE FROM flights",
        "-- SELECT\nMSCK REPAIR TABLE x",
        "",
    ],
)
def test_only_queries_are_run(sql: str) -> None:
    client = FakeAthena()
    with pytest.raises(CliError, match="only queries are run"):
        ask(client, sql)
    assert client.started == []


@pytest.mark.parametrize(
    "sql",
    ["select 1", "\n (SELECT 1) UNION (SELECT 2)", "-- how many\nWITH x AS (SELECT 1) TABLE x"],
)
def test_queries_may_begin_in_many_ways(sql: str) -> None:
    client = FakeAthena()
    ask(client, sql)
    assert [asked["QueryString"] for asked in client.started] == [sql]


def test_a_stack_from_before_is_to_be_deployed_again() -> None:
    with pytest.raises(CliError, match="deployed before its output was queryable"):
        ask(FakeAthena(outputs={}))
