"""What the operations manual says of settings is what the settings are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import RemovalPolicy

from infra.context import ALARM_BOUNDS, KEYS, OTHER_KEYS, SETTINGS, STAGE_BOUNDS
from infra.settings import DEFAULTS, AlarmSettings, Environment, Settings

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs" / "operations.md").read_text("utf-8")
SPELLED = {RemovalPolicy.RETAIN: "retain", RemovalPolicy.DESTROY: "destroy"}
NO_VALUE = {"all", "none", "for good"}
"""How the page says that a setting has no value by itself."""


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def keys(cell: str) -> list[str]:
    return re.findall(r"`([\w.<>]+)`", cell)


def test_every_setting_stands_in_the_table() -> None:
    told = {key for cells in rows("Environments and settings") for key in keys(cells[0])}
    there = {setting.key for setting in SETTINGS} | {*OTHER_KEYS, *STAGE_BOUNDS}
    assert told == (there - {"target", "environment"}) | {"tag.<name>", "alarm.<name>"}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_defaults_are_what_the_table_says(setting: Any) -> None:
    (row,) = (
        cells for cells in rows("Environments and settings") if keys(cells[0])[0] == setting.key
    )
    for environment, said in zip((Environment.PROD, Environment.DEV), row[1:3], strict=True):
        default = DEFAULTS[environment].get(setting.field, getattr(Settings(), setting.field))
        if default in (None, ()):
            assert said in NO_VALUE
        else:
            spelled = SPELLED.get(default, str(default).lower())
            assert said.strip("`").lower() == spelled.lower()


def test_every_threshold_stands_in_the_table_with_its_default() -> None:
    told = {key: int(cells[1]) for cells in rows("Alarms") for key in keys(cells[0]) if "." in key}
    assert told == {f"alarm.{name}": getattr(AlarmSettings(), name) for name in ALARM_BOUNDS}


def test_commands_give_settings_that_there_are() -> None:
    files = [
        *PROJECT.glob("*.md"),
        *PROJECT.glob("docs/**/*.md"),
        *PROJECT.glob(".github/**/*.yml"),
    ]
    said = {
        key for file in files for key in re.findall(r"--context ([\w.]+)=", file.read_text("utf-8"))
    }
    assert "environment" in said
    assert said - set(KEYS) == {"key"}  # which stands for any
