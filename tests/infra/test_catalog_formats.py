from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from infra.catalog.tables import catalog_tables
from pipeline.plan_steps import Write
from tests.infra.things import PlanOf, view_definition

if TYPE_CHECKING:
    from pipeline.plan import Plan

WIDE = {
    "Text": "string", "flag": "bool", "whole": "int64", "real": "double", "day": "date32[day]",
    "at": "timestamp[us, tz=UTC]", "clock": "time64[us]", "money": "decimal128(9, 2)",
}  # fmt: skip


def tables_of(plan: Plan, **write: Any) -> list[dict[str, Any]]:
    wide = replace(plan, schemas=plan.schemas | {"enrich": WIDE}, write=Write(**write))
    return catalog_tables(wide, database="db", bucket="out")


def stored(found: dict[str, Any]) -> dict[str, str]:
    return {column["name"]: column["type"] for column in found["storageDescriptor"]["columns"]}


def test_parquet_has_its_types_and_what_athena_cannot_hold_is_not_named(plan_of: PlanOf) -> None:
    (found,) = tables_of(plan_of("{name: x}", "{}"), format="parquet")

    assert stored(found) == {
        "text": "string", "flag": "boolean", "whole": "bigint", "real": "double", "day": "date",
        "at": "timestamp", "money": "decimal(9,2)",
    }  # fmt: skip


def test_json_is_read_by_its_own_types_but_for_those_that_json_has_not(plan_of: PlanOf) -> None:
    files, view = tables_of(plan_of("{name: x}", "{}"), format="json", compression="gzip")

    assert files["name"] == "things__files"
    assert files["storageDescriptor"]["compressed"] is True
    library = files["storageDescriptor"]["serdeInfo"]["serializationLibrary"]
    assert library == "org.openx.data.jsonserde.JsonSerDe"
    assert stored(files) == {
        "text": "string", "flag": "boolean", "whole": "bigint", "real": "double", "day": "string",
        "at": "string", "clock": "string", "money": "decimal(9,2)",
    }  # fmt: skip
    assert stored(view) == stored(files) | {
        "day": "date", "at": "timestamp",
    }  # fmt: skip
    sql = view_definition(view["viewOriginalText"])["originalSql"]
    assert sql == (
        'SELECT "text", "flag", "whole", "real", CAST("day" AS date) AS "day", '
        'CAST(from_iso8601_timestamp("at") AS timestamp) AS "at", "clock", '
        '"money" FROM "things__files"'
    )


def test_json_of_plain_types_needs_no_view(plan_of: PlanOf) -> None:
    plan = plan_of("{name: x}", "write: {format: json}")
    plain = replace(plan, schemas=plan.schemas | {"enrich": {"id": "int64", "x": "string"}})
    (found,) = catalog_tables(plain, database="db", bucket="out")
    assert found["name"] == "things"


def test_csv_is_read_with_its_delimiter_and_its_word_for_no_value(plan_of: PlanOf) -> None:
    files, view = tables_of(
        plan_of("{name: x}", "{}"), format="csv", delimiter="|", null_text="it's"
    )

    assert files["storageDescriptor"]["serdeInfo"]["parameters"] == {
        "separatorChar": "|", "quoteChar": '"', "escapeChar": "\\",
    }  # fmt: skip
    sql = view_definition(view["viewOriginalText"])["originalSql"]
    assert sql.startswith("SELECT nullif(\"text\", 'it''s') AS \"text\"")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_moments_are_read_in_the_pattern_that_they_are_written_in(
    plan_of: PlanOf, form: str
) -> None:
    patterns = {"date_format": "d 'of' MMMM uuuu", "timestamp_format": "dd.MM.yyyy HH:mm:ssXXX"}
    _, view = tables_of(plan_of("{name: x}", "{}"), format=form, **patterns)

    sql = view_definition(view["viewOriginalText"])["originalSql"]
    assert "'d ''of'' MMMM yyyy') AS date) AS \"day\"" in sql
    assert "'dd.MM.yyyy HH:mm:ss''Z''') AS timestamp) AS \"at\"" in sql
    assert sql.count("parse_datetime(") == 2
