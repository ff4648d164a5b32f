from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from functions.write.core import partitions
from infra.catalog.athena_types import athena_type, has_type, trino_type
from infra.catalog.catalog import database_name
from infra.catalog.projection import Projection, projection
from infra.catalog.query_notes import query_notes
from infra.catalog.tables import catalog_tables
from infra.context import settings_from
from infra.packaging.assets import staged_assets
from infra.stack import PipelineStack
from pipeline.authoring.build import compile_datasets
from pipeline.authoring.dataset import compiled_dataset
from pipeline.errors import InvalidPlanError
from pipeline.plan import Plan
from pipeline.plan_steps import Write
from tests.infra.synthesis import ROOT, Template, app, resources, text

if TYPE_CHECKING:
    from pathlib import Path

PlanOf = Callable[..., Plan]

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: things
name: things
version: 1.0.0
status: active
servers: [{{server: landing, type: s3, location: 's3://landing/*', format: csv}}]
schema:
  - name: things
    properties:
      - {{name: id, logicalType: integer, required: true}}
      - {column}
"""


@pytest.fixture(scope="module")
def queryable(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Template]:
    """Make the template with the real datasets' tables, for a target."""

    def made(target: str) -> Template:
        folder = tmp_path_factory.mktemp(target)
        it = app(folder, target=target)
        settings = settings_from(it.node)
        assets = staged_assets(
            root=ROOT, build=folder, target=settings.target, compile_datasets=compile_datasets
        )
        layers = {name: folder for name in ("runtime", "sql", "pandas")}
        stack = PipelineStack(it, settings=settings, assets=assets, layers=layers)
        stack.add_tables()
        return dict(it.synth().get_stack_by_name(stack.stack_name).template)

    return made


@pytest.fixture(scope="module")
def template(queryable: Callable[..., Template]) -> Template:
    return queryable("aws")


@pytest.fixture
def plan_of(tmp_path: Path) -> PlanOf:
    """Compile a dataset of one more column, described by YAML, and of these steps."""

    def plan(column: str, steps: str = "write: {partition_by: [x]}") -> Plan:
        folder = tmp_path / "things"
        folder.mkdir(exist_ok=True)
        (folder / "contract.odcs.yaml").write_text(CONTRACT.format(column=column), "utf-8")
        (folder / "pipeline.yaml").write_text(steps + "\n", "utf-8")
        compiled = compiled_dataset(folder)
        assert compiled.plan is not None, compiled.findings
        return compiled.plan

    return plan


# --- Types: https://docs.aws.amazon.com/athena/latest/ug/data-types.html --------------------

ATHENA = {
    "bool": ("boolean", "boolean"),
    "int8": ("tinyint", "tinyint"),
    "int16": ("smallint", "smallint"),
    "int32": ("int", "integer"),
    "int64": ("bigint", "bigint"),
    "uint8": ("smallint", "smallint"),
    "uint16": ("int", "integer"),
    "uint32": ("bigint", "bigint"),
    "uint64": ("decimal(20,0)", "decimal(20,0)"),
    "float": ("float", "real"),
    "double": ("double", "double"),
    "decimal128(38, 9)": ("decimal(38,9)", "decimal(38,9)"),
    "string": ("string", "varchar"),
    "binary": ("binary", "varbinary"),
    "date32[day]": ("date", "date"),
    "timestamp[us]": ("timestamp", "timestamp"),
    "timestamp[us, tz=UTC]": ("timestamp", "timestamp"),
    "timestamp[ns]": ("timestamp", "timestamp"),
}


@pytest.mark.parametrize("arrow", ATHENA)
def test_type_holds_every_value_of_arrow_s(arrow: str) -> None:
    assert (athena_type(arrow), trino_type(arrow)) == ATHENA[arrow]


def test_a_type_that_athena_has_not_is_told() -> None:
    assert not has_type("time64[us]")
    with pytest.raises(InvalidPlanError, match=r"no type for .* 'list<item: int64>'"):
        athena_type("list<item: int64>")


# --- The stack ------------------------------------------------------------------------------


def table(template: Template, name: str) -> dict[str, Any]:
    (found,) = (
        resource["Properties"]["TableInput"]
        for resource in resources(template, "AWS::Glue::Table").values()
        if resource["Properties"]["TableInput"]["Name"] == name
    )
    return dict(found)


def types(columns: list[dict[str, str]]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in columns}


def output_bucket(template: Template) -> str:
    (name,) = (
        name for name in resources(template, "AWS::S3::Bucket") if name.startswith("StorageOutput")
    )
    return f"<{name}>"


def test_template_has_no_findings(template: Template) -> None:
    config = ManualArgs(regions=["us-east-1", "eu-central-1"])
    assert lint(json.dumps(template), config=config) == []


def test_targets_have_the_same_tables(
    queryable: Callable[..., Template], template: Template
) -> None:
    def catalogue(of: Template) -> list[dict[str, Any]]:
        kinds = ("AWS::Glue::Database", "AWS::Glue::Table", "AWS::Athena::WorkGroup")
        return [resources(of, kind) for kind in kinds]

    assert catalogue(queryable("local")) == catalogue(template)


def test_flights_are_parquet_by_month_found_without_a_crawler(template: Template) -> None:
    found = table(template, "flights")
    location = f"s3://{output_bucket(template)}/processed/flights/"
    parameters = {name: text(value) for name, value in found["Parameters"].items()}
    storage = found["StorageDescriptor"]

    assert found["TableType"] == "EXTERNAL_TABLE"
    assert found["PartitionKeys"] == [{"Name": "month", "Type": "bigint"}]
    assert parameters == {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        "projection.enabled": "true",
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "storage.location.template": location + "month=${month}/",
    }
    assert text(storage["Location"]) == location
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert storage["InputFormat"].endswith("MapredParquetInputFormat")
    columns = types(storage["Columns"])
    assert "month" not in columns
    assert columns["year"] == "bigint"
    assert columns["carrier"] == "string"
    assert columns["cancelled"] == "boolean"
    assert columns["flight_date"] == "date"
    assert columns["time_hour"] == "timestamp"
    assert columns["speed_mph"] == "double"
    assert columns["processed_date"] == "timestamp"


def test_weather_is_a_view_that_gives_the_csv_files_their_types(template: Template) -> None:
    files, view = table(template, "weather__files"), table(template, "weather")

    assert files["Parameters"]["skip.header.line.count"] == "1"
    assert set(types(files["StorageDescriptor"]["Columns"]).values()) == {"string"}
    assert files["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
    }
    assert view["TableType"] == "VIRTUAL_VIEW"
    assert view["Parameters"]["presto_view"] == "true"
    assert types(view["StorageDescriptor"]["Columns"])["temp"] == "double"
    definition = view_definition(view["ViewOriginalText"])
    assert (definition["catalog"], definition["schema"]) == ("awsdatacatalog", "lambdapipelines")
    assert {"name": "origin", "type": "varchar"} in definition["columns"]
    assert {"name": "time_hour", "type": "timestamp"} in definition["columns"]
    sql = definition["originalSql"]
    assert sql.startswith('SELECT nullif("origin", \'\') AS "origin", CAST(')
    assert 'CAST(nullif("wind_dir", \'\') AS bigint) AS "wind_dir"' in sql
    assert (
        'CAST(from_iso8601_timestamp(nullif("time_hour", \'\')) AS timestamp) AS "time_hour"' in sql
    )
    assert sql.endswith('FROM "weather__files"')


def view_definition(encoded: str) -> dict[str, Any]:
    before, after = "/* Presto View: ", " */"
    assert encoded.startswith(before)
    assert encoded.endswith(after)
    return dict(json.loads(base64.b64decode(encoded[len(before) : -len(after)])))


def test_results_are_encrypted_and_expire_whatever_a_client_asks_for(template: Template) -> None:
    (workgroup,) = resources(template, "AWS::Athena::WorkGroup").values()
    settings = workgroup["Properties"]["WorkGroupConfiguration"]
    result = settings["ResultConfiguration"]

    assert settings["EnforceWorkGroupConfiguration"] is True
    assert result["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    place = text(result["OutputLocation"])
    assert place.startswith("s3://<StorageStaging")  # whose lifecycle takes everything
    assert place.endswith(">/athena/")


def test_nobody_gets_a_right_by_it(template: Template) -> None:
    policies = json.dumps(resources(template, "AWS::IAM::Policy"))
    assert "glue:" not in policies
    assert "athena:" not in policies


def test_command_line_learns_where_to_ask(template: Template) -> None:
    outputs = template["Outputs"]
    (database,) = resources(template, "AWS::Glue::Database").values()
    (workgroup,) = resources(template, "AWS::Athena::WorkGroup")
    name = database["Properties"]["DatabaseInput"]["Name"]
    assert outputs["QueryDatabase"]["Value"] == name == "lambdapipelines"
    assert outputs["QueryWorkGroup"]["Value"] == {"Ref": workgroup}


def test_database_has_a_name_that_athena_takes() -> None:
    assert database_name("My-Stack-2") == "my_stack_2"


# --- Formats --------------------------------------------------------------------------------

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


# --- Partitions -----------------------------------------------------------------------------

NONE = "__HIVE_DEFAULT_PARTITION__"
MONTHS = "{name: x, logicalType: integer, %s logicalTypeOptions: {minimum: 1, maximum: 3}}"
AIRPORTS = (
    "{name: x, %s quality: [{metric: invalidValues, mustBe: 0, "
    "arguments: {validValues: [EWR, 'New York']}}]}"
)
REQUIRED = "required: true,"


def test_integers_between_the_contract_s_bounds(plan_of: PlanOf) -> None:
    found = projection(plan_of(MONTHS % REQUIRED), "x")
    assert found == Projection("bigint", {"type": "integer", "range": "1,3"})


def test_integers_that_may_be_missing_are_listed_with_the_word_for_none(plan_of: PlanOf) -> None:
    found = projection(plan_of(MONTHS % ""), "x")
    assert found.properties == {"type": "enum", "values": f"1,2,3,{NONE}"}
    assert found.kind == "string"
    assert found.view == f"CAST(nullif(\"x\", '{NONE}') AS bigint)"


def test_too_many_integers_are_not_listed(plan_of: PlanOf) -> None:
    wide = MONTHS.replace("maximum: 3", "maximum: 100000") % ""
    found = projection(plan_of(wide), "x")
    assert found.properties == {"type": "integer", "range": "1,100000"}
    assert found.caveats == ("rows without a value are not found",)


def test_bounds_that_are_not_values_themselves(plan_of: PlanOf) -> None:
    column = MONTHS.replace("minimum: 1, maximum: 3", "exclusiveMinimum: 0.5, maximum: 3.5")
    assert projection(plan_of(column % REQUIRED), "x").properties["range"] == "1,3"


def test_valid_values_are_listed_as_the_paths_have_them(plan_of: PlanOf) -> None:
    found = projection(plan_of(AIRPORTS % REQUIRED), "x")
    assert found.properties == {"type": "enum", "values": "EWR,New%20York"}
    assert found.view == 'url_decode("x")'
    assert found.caveats == ()


def test_valid_values_that_may_be_missing(plan_of: PlanOf) -> None:
    found = projection(plan_of(AIRPORTS % ""), "x")
    assert found.properties["values"] == f"EWR,New%20York,{NONE}"
    assert found.view == f"nullif(url_decode(\"x\"), '{NONE}')"


def test_booleans_are_listed(plan_of: PlanOf) -> None:
    found = projection(plan_of("{name: x, logicalType: boolean, required: true}"), "x")
    assert found.properties == {"type": "enum", "values": "true,false"}
    assert found.view == 'CAST("x" AS boolean)'


def test_dates_between_the_contract_s_bounds(plan_of: PlanOf) -> None:
    bounds = "logicalTypeOptions: {minimum: '2013-01-01', maximum: '2013-12-31'}"
    found = projection(plan_of(f"{{name: x, logicalType: date, required: true, {bounds}}}"), "x")
    assert found.kind == "date"
    assert found.properties == {
        "type": "date", "format": "yyyy-MM-dd", "range": "2013-01-01,2013-12-31",
        "interval": "1", "interval.unit": "DAYS",
    }  # fmt: skip
    assert found.caveats == ()


def test_dates_without_bounds_have_a_wide_range_and_say_so(plan_of: PlanOf) -> None:
    found = projection(plan_of("{name: x, logicalType: date}"), "x")
    assert found.properties["range"] == "1970-01-01,NOW+1YEARS"
    assert found.caveats == (
        "rows without a value are not found",
        "rows before 1970-01-01 or after NOW+1YEARS are not found",
    )


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("{name: x, required: true}", "string"),
        ("{name: x, logicalType: integer, logicalTypeOptions: {minimum: 1}}", "bigint"),
        ("{name: x, logicalType: timestamp}", "string"),
    ],
)
def test_what_nobody_can_list_must_be_named_by_the_query(
    plan_of: PlanOf, column: str, kind: str
) -> None:
    found = projection(plan_of(column), "x")
    assert (found.kind, found.properties) == (kind, {"type": "injected"})
    assert found.caveats


@pytest.mark.parametrize(
    ("steps", "values"),
    [
        ("clean: {all: [upper]}", f"EWR,NEW%20YORK,{NONE}"),
        ("clean: {columns: {x: [{fill: none}]}}", "EWR,New%20York,none"),
        ("clean: {columns: {x: [{map: {EWR: NYC, 'New York': NYC}}]}}", f"NYC,{NONE}"),
        ("clean: {columns: {x: [{null_words: [EWR]}]}}", f"New%20York,{NONE}"),
        ("transform: [{filter: id > 1}, {derive: {y: id}}]", f"EWR,New%20York,{NONE}"),
    ],
)
def test_values_are_those_that_the_stages_leave(plan_of: PlanOf, steps: str, values: str) -> None:
    plan = plan_of(AIRPORTS % "", f"{steps}\nwrite: {{partition_by: [x]}}")
    assert projection(plan, "x").properties == {"type": "enum", "values": values}


def test_words_for_none_make_a_required_value_missing(plan_of: PlanOf) -> None:
    steps = "clean: {columns: {x: [{null_words: [EWR]}]}}\nwrite: {partition_by: [x]}"
    values = projection(plan_of(AIRPORTS % REQUIRED, steps), "x").properties["values"]
    assert values == f"New%20York,{NONE}"


def test_bounds_are_those_that_cleaning_leaves(plan_of: PlanOf) -> None:
    steps = "clean: {columns: {x: [{clip: {max: 2}}, {fill: 9}]}}\nwrite: {partition_by: [x]}"
    found = projection(plan_of(MONTHS % "", steps), "x")
    assert found.properties == {"type": "integer", "range": "1,9"}


@pytest.mark.parametrize(
    "steps",
    [
        "transform: [{derive: {x: 2 * x}}]",
        "transform: [{rename: {x: y}}, {derive: {x: '7'}}]",
    ],
)
def test_what_transform_makes_has_no_bounds(plan_of: PlanOf, steps: str) -> None:
    plan = plan_of(MONTHS % REQUIRED, f"{steps}\nwrite: {{partition_by: [x]}}")
    assert projection(plan, "x").properties == {"type": "injected"}


def test_a_renamed_column_keeps_its_bounds(plan_of: PlanOf) -> None:
    steps = "transform: [{rename: {x: Month}}]\nwrite: {partition_by: [Month]}"
    plan = plan_of(MONTHS % REQUIRED, steps)
    (found,) = catalog_tables(plan, database="db", bucket="out")
    assert found["parameters"]["projection.month.range"] == "1,3"
    # Athena knows small letters only; the folders are named as the column is.
    assert found["parameters"]["storage.location.template"].endswith("/things/Month=${month}/")


def test_listed_words_are_the_folders_that_the_writer_makes(plan_of: PlanOf) -> None:
    # GIVEN values that no path holds as they are
    odd = ["a b", "c/d", "50%", "e,f", "ü", "g=h", "i+j"]
    listed = ", ".join(f"'{value}'" for value in odd)
    plan = plan_of((AIRPORTS % "").replace("EWR, 'New York'", listed))
    rows = pa.record_batch({"x": [*odd, None], "id": range(len(odd) + 1)})
    # WHEN the writer writes them
    folders = [path for path, _ in partitions(rows, plan)]
    # THEN Athena looks there, and nowhere else
    words = projection(plan, "x").properties["values"].split(",")
    assert [f"x={word}/" for word in words] == folders


# --- What the words of `write` change --------------------------------------------------------


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


def test_a_constant_names_one_folder(plan_of: PlanOf) -> None:
    steps = "enrich: [{constants: {shop: 'New York'}}, {context: {set: dataset, run: run_id}}]\n"
    plan = plan_of("{name: x}", steps + "write: {partition_by: [shop, set, run]}")

    assert projection(plan, "shop").properties == {"type": "enum", "values": "New%20York"}
    assert projection(plan, "set").properties == {"type": "enum", "values": "things"}
    assert projection(plan, "run").properties == {"type": "injected"}


@pytest.mark.parametrize(
    "steps",
    [
        "clean: {columns: {x: [{fill: {column: y}}]}}",
        "transform: [{cast: {x: VARCHAR}}]",
        "transform: [{split: {column: y, by: '-', into: [a, b]}}, {rename: {x: z, a: x}}]",
        "transform: [{explode: {column: x, by: '-'}}]",
    ],
)
def test_what_steps_make_of_a_column_has_no_list(plan_of: PlanOf, steps: str) -> None:
    column = (AIRPORTS % REQUIRED) + "\n      - {name: y}"
    plan = plan_of(column, f"{steps}\nwrite: {{partition_by: [x]}}")

    assert projection(plan, "x").properties == {"type": "injected"}


def test_a_rule_that_only_warns_bounds_nothing(plan_of: PlanOf) -> None:
    plan = plan_of(AIRPORTS % REQUIRED)
    warned = tuple(
        replace(found, rules=tuple(replace(rule, severity="warning") for rule in found.rules))
        for found in plan.columns
    )

    assert projection(replace(plan, columns=warned), "x").properties == {"type": "injected"}


# --- What `pipeline check` says of it ----------------------------------------------------------


def test_what_athena_cannot_find_is_noted_at_the_column(tmp_path: Path, plan_of: PlanOf) -> None:
    plan = plan_of("{name: x, logicalType: date}", "write:\n  partition_by:\n    - id\n    - x")

    notes = query_notes(plan, tmp_path / "things")

    assert [(note.severity, note.line) for note in notes] == [("note", 3)] * 2 + [("note", 4)] * 2
    assert "Athena, partitioned by id: queries must say which value" in notes[0].message
    assert "rows before 1970-01-01" in notes[-1].message
