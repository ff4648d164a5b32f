"""The report's page: complete, self-contained, and safe whatever the values are."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.outcome import ROW_COUNTS
from cli.report.document import report_document
from cli.report.reading import run_reading
from cli.report.rendering import became, figure, file_name, report_body, report_page, share
from cli.report.runs import execution_of
from cli.report.words import books
from tests.unit.cli.moto_target import commit, put_json, source
from tests.unit.cli.report_samples import (
    HOSTILE,
    RUN,
    column,
    profile,
    put_execution,
    put_run,
    run_summary,
    stage_record,
)

if TYPE_CHECKING:
    from cli.target import Target
    from tests.unit.cli.moto_target import MotoCloud

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """What a page is made of; refuses tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [str(value) for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)


def document_of(target: Target, name: str = "last") -> dict[str, Any]:
    return report_document(run_reading(target, execution_of(target, name)))


@pytest.fixture
def document(target: Target, cloud: MotoCloud) -> dict[str, Any]:
    """A run in which every part of the report has something, hostile wherever people can."""
    checks = [
        {
            "severity": "warning",
            "name": HOSTILE,
            "rule": "nullValues",
            "columns": [HOSTILE, "b"],
            "rows": 3,
            "expected": "must be 0",
            "outcome": "failed",
        }
    ]
    repair = {"stage": "clean", "column": HOSTILE, "repair": "fill", "cells": 4}
    example = {"row_number": 1, "column": HOSTILE, "before": HOSTILE, "after": None}
    rules = [{"stage": "validate", "column": HOSTILE, "rule": HOSTILE, "rows": 2}]
    quarantine = run_summary()["rejects"]["quarantine"]
    put_run(
        target,
        cloud.client,
        checks=checks,
        repairs={"counts": [repair], "files": ["s3://b/k"], "sample": [example]},
        rejects={"top_rules": rules, "quarantine": quarantine},
        cost={
            "usd": 0.0004,
            "region": "us-east-1",
            "as_of": "2026-11-23",
            "lines": [{"item": "lambda_request", "quantity": 5, "usd": 0.000001}],
        },
    )
    text = {"values": 8, "distinct": 2, "min": "", "max": HOSTILE, "top": [[HOSTILE, 5], ["", 3]]}
    for stage in ("validate", "write"):
        columns = [column("month", unreadable=1), column(HOSTILE, "string", sample=text)]
        put_json(target, f"profiles/flights/{RUN}/{stage}.json", profile(stage, *columns))
    missing = {
        "name": "planes",
        "on": [HOSTILE],
        "masked": False,
        "exact": False,
        "distinct_missing": 9,
        "top_missing": [[[HOSTILE, None, 7], 2]],
    }
    put_json(target, f"profiles/flights/{RUN}/enrich.json", {"rows": 8, "lookups": [missing]})
    return document_of(target)


def test_the_parts_stand_in_their_order(document: dict[str, Any]) -> None:
    assert Page(report_page(document)).headings == [
        "Rows",
        "Rejected rows",
        "Quality checks that were missed",
        "Columns, as read and as written",
        "Repairs",
        "Lookups",
        "Stages",
        "Cost",
        "Versions",
    ]


def test_the_page_needs_nothing_else(document: dict[str, Any]) -> None:
    page = Page(report_page(document))

    loading = {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}
    assert loading.isdisjoint(page.tags)
    links = [value for _, name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert all(value and value.startswith("#") for value in links)
    assert {str(link)[1:] for link in links} <= set(page.ids)
    assert "url(" not in report_page(document)
    assert "@import" not in report_page(document)


def test_no_value_becomes_markup(document: dict[str, Any]) -> None:
    html = report_page(document)
    page = Page(html)

    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(") > 10
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert len(page.ids) == len(set(page.ids))


def test_every_figure_of_a_column_is_shown(document: dict[str, Any]) -> None:
    html = report_page(document)

    for words in ("nulls 2", "unreadable 1", "distinct 3", "1 to 13", "20.0 %"):
        assert words in html
    # Rows, rules, seconds, and before and after of two columns.
    assert html.count("<svg") == 7


def test_the_body_alone_has_no_styles(document: dict[str, Any]) -> None:
    page = Page(report_body(document, with_head=False))

    assert {"html", "head", "style", "h1"}.isdisjoint(page.tags)
    assert page.tags[0] == "article"


def test_columns_without_plots_have_their_figures(document: dict[str, Any]) -> None:
    columns = [
        {
            "name": f"c{number}",
            "became": "kept",
            "made_of": [],
            "before": document["columns"]["columns"][0]["before"],
            "after": None,
        }
        for number in range(500)
    ]
    html = report_page(document | {"columns": document["columns"] | {"columns": columns}})

    assert "plots of the first 60 of 500 columns" in html
    assert html.count("distinct 3") == 500
    assert len(html) < 5_000_000


def test_a_masked_column_has_counts_alone(target: Target, cloud: MotoCloud) -> None:
    put_run(target, cloud.client)
    masked = column("email", "string", masked=True, sample={"values": 8, "distinct": 8})
    put_json(target, f"profiles/flights/{RUN}/validate.json", profile("validate", masked))

    html = report_page(document_of(target))

    assert "string, masked" in html
    assert "plot-before-0" not in html


def test_a_run_of_no_rows_has_a_page(target: Target, cloud: MotoCloud) -> None:
    nothing = dict.fromkeys(ROW_COUNTS, 0)
    stages = [stage_record("validate", 0, 0)]
    put_run(target, cloud.client, rows=nothing, stages=stages, lookups={}, rejects={})

    assert "0 rows read, 0 written." in report_page(document_of(target))


odd = st.none() | st.integers() | st.text(max_size=5) | st.floats() | st.booleans()


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(left_out=st.sets(st.sampled_from(sorted(run_summary()))), value=odd)
def test_a_run_that_tells_less_has_a_page(
    target: Target, cloud: MotoCloud, left_out: set[str], value: object
) -> None:
    told = {name: part for name, part in run_summary().items() if name not in left_out}
    cloud.client.executions.clear()
    put_execution(cloud.client, told | {"of_a_later_version": value})
    texts = {"values": 3, "min": value, "max": value, "top": [[value, 1]]}
    columns = [{"name": "a"}, column("b", "string", sample=texts)]
    put_json(target, f"profiles/flights/{RUN}/write.json", profile("write", *columns))

    Page(report_page(document_of(target)))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"read": 1, "written": 1}, "1 row read, 1 written."),
        ({"read": 4000, "written": 4000}, "4,000 rows read, 4,000 written."),
        (
            {"read": 10, "written": 3, "rejected": 2, "duplicates": 1, "filtered": 4},
            "10 rows read, 3 written; 2 rejected, 1 duplicates, 4 filtered out.",
        ),
        (
            {"read": 2, "expanded": 3, "written": 4, "dropped_by_lookup": 1},
            "2 rows read, 3 rows made of them, 4 written; 1 dropped for want of a lookup's row.",
        ),
    ],
)
def test_the_books_in_a_sentence(rows: dict[str, int], words: str) -> None:
    assert books(rows) == words


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (2013, "integer", "2013"),
        (-1234567, "integer", "-1,234,567"),
        (0.1 + 0.2, "number", "0.3"),
        (True, "boolean", "true"),
        ("", "string", "(empty text)"),
        ("x" * 100, "string", "x" * 39 + "…"),
        ("2013-01-01T11:00:00+00:00", "timestamp", "2013-01-01 11:00:00 UTC"),
    ],
)
def test_extremes_are_readable(value: object, kind: str, words: str) -> None:
    assert figure(value, kind) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(25, 1000, "2.5 %"), (1, 10_000, "<0.1 %"), (0, 10, ""), (None, 10, ""), (1, 0, "")],
)
def test_shares_say_what_they_can(part: int | None, whole: int, words: str) -> None:
    assert share(part, whole) == words


def test_a_column_of_many_sources_names_some() -> None:
    record = {"became": "derived", "made_of": [f"c{number}" for number in range(7)]}

    assert became(record) == "derived from c0, c1, c2, c3, c4 and 2 more"


@pytest.mark.parametrize(
    ("key", "run", "name"),
    [
        ("input/flights/a b.csv.gz", RUN, "flights-a-b-a1b2c3d4.html"),
        ("input/flights/../../etc", RUN, "flights-etc-a1b2c3d4.html"),
        (None, None, "flights-3f0c9a52.html"),
    ],
)
def test_the_file_has_a_name_for_every_system(key: str | None, run: str | None, name: str) -> None:
    report = {
        "dataset": "flights",
        "source": {"key": key},
        "run_id": run,
        "execution": {"name": "3f0c9a52-0001"},
    }

    assert file_name(report) == name


def test_half_a_character_keeps_nobody_from_the_page(document: dict[str, Any]) -> None:
    """JSON may have one half of a pair that stands for one character; no file can."""
    document["repairs"]["sample"][0]["before"] = "a\ud800b"

    assert b"a?b" in report_page(document).encode()


@pytest.mark.parametrize(
    "body", [b'{"row_number": 1, "vio', b"[1]\n", b"null\n", b'{"violations": [1]}\n']
)
def test_a_quarantine_that_holds_no_records_is_told_of(
    target: Target, cloud: MotoCloud, body: bytes
) -> None:
    put_run(target, cloud.client)
    key = f"quarantine/flights/{RUN}/validate.jsonl"
    target.cloud.s3().put_object(Bucket=target.output_bucket, Key=key, Body=body)

    found = document_of(target)

    assert found["missing"][-1].endswith(key)
    assert found["rows"]["rejected"] == 2


@pytest.mark.parametrize(("merged", "replaced_by"), [(RUN, None), ("another", "b" * 32)])
def test_a_merge_is_not_replaced_by_the_run_that_it_adds_to(
    target: Target, cloud: MotoCloud, merged: str, replaced_by: str | None
) -> None:
    put_run(target, cloud.client)
    commit(target, source(), run={"run_id": "b" * 32}, merges=[{"run_id": merged}])

    assert document_of(target)["versions"]["replaced_by"] == replaced_by
