from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.errors import CliError
from cli.query import Answer
from cli.query_local import local_answer, told
from functions.write.core import partitions
from pipeline.arrow_types import arrow_type
from pipeline.authoring.dataset import compiled_dataset
from pipeline.formats.writers import extension, format_writer
from tests.unit.cli.moto_target import OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    from cli.target import Target
    from pipeline.plan import Plan

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
servers: [{{server: landing, type: s3, location: 's3://landing/*', format: csv}}]
schema:
  - name: {name}
    properties:
      - {{name: id, logicalType: integer}}
      - {{name: text}}
      - {{name: real, logicalType: number}}
      - {{name: flag, logicalType: boolean}}
      - {{name: day, logicalType: date}}
      - {{name: at, logicalType: timestamp}}
      - {{name: local, logicalType: timestamp, logicalTypeOptions: {{timezone: false}}}}
      - {{name: clock, logicalType: time}}
      - {{name: part, logicalType: {part}}}
"""
STEPS = "transform: [{derive: {money: 'CAST(0.25 * id AS DECIMAL(9, 2))'}}]\nwrite: "
AT = dt.datetime(2013, 1, 1, 10, 30, 0, 250_000, tzinfo=dt.UTC)
ROW: dict[str, Any] = {
    "id": 1, "text": "a, \"b\"\nc", "real": 0.5, "flag": True, "day": AT.date(), "at": AT,
    "local": AT.replace(tzinfo=None), "clock": AT.time(), "money": Decimal("0.25"), "part": None,
    "processed_date": AT, "status": "processed",
}  # fmt: skip
EMPTY = dict.fromkeys(ROW) | {"text": "", "status": "processed"}
Ask = Callable[..., Answer]


@pytest.fixture
def define(tmp_path: Path) -> Callable[..., Plan]:
    """Write a dataset's definition; compile it."""

    def defined(write: str = "{}", *, name: str = "things", part: str = "string") -> Plan:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "contract.odcs.yaml").write_text(CONTRACT.format(name=name, part=part), "utf-8")
        (folder / "pipeline.yaml").write_text(STEPS + write, "utf-8")
        plan = compiled_dataset(folder).plan
        assert plan is not None
        return plan

    return defined


@pytest.fixture
def versioned(target: Target) -> Target:
    target.cloud.s3().put_bucket_versioning(
        Bucket=OUTPUT, VersioningConfiguration={"Status": "Enabled"}
    )
    return target


@pytest.fixture
def ask(versioned: Target, tmp_path: Path) -> Ask:
    def asked(sql: str, *, dataset: str = "things", limit: int = 1000) -> Answer:
        return local_answer(
            versioned, dataset, sql, limit=limit, update=lambda _words: None, datasets=tmp_path
        )

    return asked


def publish(target: Target, plan: Plan, *rows: dict[str, Any], source: str = "a") -> list[str]:
    """Write rows as the write stage does, and commit them; return the files' keys."""
    schema = pa.schema([(name, arrow_type(kind)) for name, kind in plan.schemas["enrich"].items()])
    batch = pa.RecordBatch.from_pylist(list(rows), schema)
    outputs = []
    for path, inside in partitions(batch, plan):
        key = f"processed/{plan.dataset}/{path}{source}{extension(plan.write)}"
        outputs.append(put(target, key, content(inside, plan), inside.num_rows))
    manifest = {"outputs": outputs, "publishing": plan.publishing}
    body = json.dumps(manifest).encode()
    target.cloud.s3().put_object(
        Bucket=OUTPUT, Key=f"manifests/{plan.dataset}/{source}.json", Body=body
    )
    return [output["key"] for output in outputs]


def content(batch: pa.RecordBatch, plan: Plan) -> bytes:
    sink = pa.BufferOutputStream()
    writer = format_writer(sink, batch.schema, plan.write)
    writer.write(pa.Table.from_batches([batch]))
    writer.close()
    return bytes(sink.getvalue())


def put(target: Target, key: str, body: bytes, rows: int = 0) -> dict[str, Any]:
    """Put an object; return the record that a manifest has of it."""
    stored = target.cloud.s3().put_object(Bucket=OUTPUT, Key=key, Body=body)
    about = {"bucket": OUTPUT, "key": key, "bytes": len(body), "rows": rows}
    return about | {"version_id": stored["VersionId"], "etag": stored["ETag"]}


FORMATS = [
    "{format: parquet}",
    "{format: csv}",
    "{format: csv, compression: gzip}",
    "{format: json}",
    "{format: json, compression: gzip}",
    "{format: csv, delimiter: ';', null_text: NA}",
    "{format: csv, date_format: 'd MMM yyyy', timestamp_format: dd.MM.yyyy HH:mm:ss.SSSSSS}",
    "{format: json, date_format: dd/MM/yyyy, timestamp_format: yyyyMMddHHmmss.SSSSSS}",
    "{sort_by: [-id], row_group_rows: 1000}",
]


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_gives_the_rows_and_types_that_were_published(
    define: Callable[..., Plan], versioned: Target, ask: Ask, write: str
) -> None:
    plan = define(write)
    publish(versioned, plan, ROW, EMPTY)

    found = ask("SELECT * FROM things")

    assert [dict(zip(found.columns, row, strict=True)) for row in found.rows] == [ROW, EMPTY]
    assert not found.cut


PARTS: dict[str, list[Any]] = {
    "string": ["a", "New York", "50%", "c/d", "e=f", "ü", None],
    "integer": [-1, 0, 10, None],
    "boolean": [True, False, None],
    "date": [dt.date(2013, 1, 1), None],
    "timestamp": [AT, None],
    "time": [dt.time(10, 30), dt.time(0, 0, 0, 1), None],
    "number": [0.5, -1e300, None],
}


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_partitions_are_columns_of_their_types(
    define: Callable[..., Plan], versioned: Target, ask: Ask, kind: str, form: str
) -> None:
    plan = define(f"{{format: {form}, partition_by: [part]}}", part=kind)
    rows = [ROW | {"id": number, "part": value} for number, value in enumerate(PARTS[kind])]
    publish(versioned, plan, *rows)

    found = ask("SELECT id, part FROM things ORDER BY id")
    missing = ask("SELECT id FROM things WHERE part IS NULL")

    assert found.rows == list(enumerate(PARTS[kind]))
    assert missing.rows == [(len(PARTS[kind]) - 1,)]


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=4, unique=True))
def test_a_partition_is_found_by_its_value_whatever_that_is(
    define: Callable[..., Plan], versioned: Target, ask: Ask, values: list[str | None]
) -> None:
    publish(versioned, define("{partition_by: [part]}"), *(ROW | {"part": it} for it in values))

    found = ask("SELECT part FROM things")

    assert sorted(found.rows, key=str) == sorted(((it,) for it in values), key=str)


def test_what_no_manifest_names_is_not_there(
    define: Callable[..., Plan], versioned: Target, ask: Ask
) -> None:
    # GIVEN a committed file, of which a later run has begun to write another version, and a stray
    plan = define()
    (key,) = publish(versioned, plan, ROW)
    put(versioned, key, b"PAR1 torn")
    put(versioned, "processed/things/stray.parquet", b"PAR1 torn")

    assert ask("SELECT count(*), min(id) FROM things").rows == [(1, 1)]


def test_a_file_that_was_processed_again_counts_once(
    define: Callable[..., Plan], versioned: Target, ask: Ask
) -> None:
    plan = define()
    publish(versioned, plan, ROW, ROW)
    publish(versioned, plan, ROW, source="b")
    publish(versioned, plan, ROW | {"id": 7})

    assert ask("SELECT id FROM things ORDER BY id").rows == [(1,), (7,)]


def test_a_committed_file_without_rows_is_an_empty_table(
    define: Callable[..., Plan], versioned: Target, ask: Ask
) -> None:
    publish(versioned, define("{partition_by: [part]}"))
    assert ask("SELECT count(*) FROM things").rows == [(0,)]


def test_datasets_are_joined(define: Callable[..., Plan], versioned: Target, ask: Ask) -> None:
    publish(versioned, define(), ROW, ROW | {"id": 2})
    publish(versioned, define(name="odd-name"), ROW | {"text": "other"})

    sql = 'WITH t AS (SELECT * FROM main.THINGS) SELECT o.text FROM t JOIN "odd-name" o USING (id)'
    assert ask(sql).rows == [("other",)]


def test_files_of_another_definition_are_read_as_far_as_they_go(
    define: Callable[..., Plan], versioned: Target, ask: Ask, tmp_path: Path, capsys: Any
) -> None:
    # GIVEN a file that was published before a column was added
    publish(versioned, define(), ROW)
    steps = tmp_path / "things" / "pipeline.yaml"
    steps.write_text("transform: [{derive: {twice: 2 * id}}]\n", "utf-8")

    found = ask("SELECT id, twice FROM things")

    assert found.rows == [(1, None)]
    assert "1 of the 1 files of things were published under another definition" in (
        capsys.readouterr().err
    )


def test_the_limit_cuts_and_says_so(
    define: Callable[..., Plan], versioned: Target, ask: Ask
) -> None:
    publish(versioned, define(), *(ROW | {"id": number} for number in range(5)))

    first = ask("SELECT id FROM things ORDER BY id", limit=2)
    every = ask("SELECT id FROM things", limit=5)

    assert (first.rows, first.cut) == ([(0,), (1,)], True)
    assert (len(every.rows), every.cut) == (5, False)


def test_sums_of_integers_are_integers(
    define: Callable[..., Plan], versioned: Target, ask: Ask
) -> None:
    publish(versioned, define(), ROW, ROW)

    found = ask("SELECT sum(id), sum(money), text FROM things GROUP BY text")

    assert found.rows == [(2, Decimal("0.50"), ROW["text"])]
    assert isinstance(found.rows[0][0], int)
    assert found.numeric == (True, True, False)


def test_nothing_committed_yet_is_told(define: Callable[..., Plan], ask: Ask) -> None:
    define()
    with pytest.raises(CliError, match=r"nothing of things is committed yet\. Run a file: .*run"):
        ask("SELECT * FROM things")


@pytest.mark.parametrize(
    ("dataset", "sql"), [("other", "SELECT 1"), ("things", "SELECT * FROM things, other")]
)
def test_an_unknown_dataset_is_told_with_those_that_there_are(
    define: Callable[..., Plan], versioned: Target, ask: Ask, dataset: str, sql: str
) -> None:
    publish(versioned, define(), ROW)
    with pytest.raises(CliError, match=r"no dataset other\. There are: things"):
        ask(sql, dataset=dataset)


def test_a_broken_definition_is_told(define: Callable[..., Plan], ask: Ask, tmp_path: Path) -> None:
    define()
    (tmp_path / "things" / "pipeline.yaml").write_text("writ: {}\n", "utf-8")
    with pytest.raises(CliError, match="the definition of things here has errors"):
        ask("SELECT * FROM things")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM things",
        "CREATE TABLE x AS SELECT 1",
        "COPY things TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "PRAGMA version",
        "SET threads = 4",
        "INSTALL httpfs",
        "SELECT 1; DELETE FROM things",
        "",
        "-- nothing",
    ],
)
def test_only_queries_are_run(define: Callable[..., Plan], ask: Ask, sql: str) -> None:
    define()
    with pytest.raises(CliError, match="only queries are run, one at a time"):
        ask(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('s3://bucket/key')",
        "SELECT content FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "SELECT getenv('HOME')",
    ],
)
def test_queries_reach_nothing_but_the_tables(
    define: Callable[..., Plan], ask: Ask, sql: str
) -> None:
    define()
    with pytest.raises(CliError):
        ask(sql)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", r'syntax error at or near "SELEC" \(line 1, column 1\)'),
        ("SELECT idd FROM things", r'"idd" not found .*"id".* \(line 1, column 8\)'),
        ("SELECT id,\n  nofun(id)\nFROM things", r"nofun .*\(line 2, column 3\)"),
        ("SELECT id FROM things WHERE text::INT = 1", r"Could not convert .*a, "),
        (f"SELECT id FROM things WHERE {'id = 1 AND ' * 30} x = 1", r'"x" not found .*\(line 1\)'),
    ],
)
def test_mistakes_are_told_in_one_line_with_their_place(
    define: Callable[..., Plan], versioned: Target, ask: Ask, sql: str, said: str
) -> None:
    publish(versioned, define(), ROW)
    with pytest.raises(CliError, match=said) as error:
        ask(sql)
    assert "\n" not in str(error.value)
    assert "LINE" not in str(error.value)


def test_a_message_without_a_place_stays_as_it_is() -> None:
    assert told("Out of Memory Error: no.") == "Out of Memory Error: no"
