from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from infra.catalog.athena_types import athena_type, has_type, trino_type
from infra.catalog.catalog import database_name
from infra.context import settings_from
from infra.packaging.assets import staged_assets
from infra.stack import PipelineStack
from pipeline.authoring.build import compile_datasets
from pipeline.errors import InvalidPlanError
from tests.infra.synthesis import ROOT, Template, app, resources, text
from tests.infra.things import view_definition

if TYPE_CHECKING:
    from collections.abc import Callable


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


# The types: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
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
