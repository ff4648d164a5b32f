"""That what is priced is what is deployed."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from aws_cdk import FileSystem

from cli.costs.forecast import STAGING_DAYS, TIMEOUT_S
from cli.costs.standing import Standing, metrics_of_alarm
from infra.packaging.assets import staged_assets
from infra.settings import Settings, StageSettings, Target
from pipeline.constants import CODE_HASH_FILE, STAGES
from pipeline.cost import ARCHITECTURE, TRANSITIONS, cost_of
from pipeline.prices import prices_for
from tests.infra.synthesis import ROOT, one_dataset, resources

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.synthesis import Template

PRICES = "pipeline/prices.json"


def test_states_that_a_good_run_passes_are_those_that_are_priced(
    states: dict[str, dict[str, Any]],
) -> None:
    # GIVEN the way on which nothing fails and nobody is told
    passed = ["Start"]
    while states[passed[-1]]["Type"] != "Succeed":
        state = states[passed[-1]]
        passed.append(state.get("Next") or state["Default"])
    # THEN
    assert len(passed) == TRANSITIONS


def test_functions_run_on_what_is_priced(aws_template: Template) -> None:
    functions = described(aws_template, "AWS::Lambda::Function")
    stages = [each for each in functions if str(each.get("Handler")).startswith("functions.")]
    assert {tuple(each["Architectures"]) for each in stages} == {(ARCHITECTURE,)}
    assert len(stages) >= len(STAGES)


def test_forecasts_assume_what_is_deployed_by_default() -> None:
    assert Settings().staging_expiry_days == STAGING_DAYS
    assert StageSettings().timeout_s == TIMEOUT_S


def test_the_docs_say_what_stands_there(aws_template: Template, dev_template: Template) -> None:
    costs = (ROOT / "docs" / "costs.md").read_text("utf-8")
    for name, found in (("prod", aws_template), ("dev", dev_template)):
        alarms = described(found, "AWS::CloudWatch::Alarm")
        dashboards = len(resources(found, "AWS::CloudWatch::Dashboard"))
        metrics = sum(map(metrics_of_alarm, alarms))
        month = Standing(metrics, dashboards, len(resources(found, "AWS::KMS::Key")))
        usd = cost_of(month.usage, prices_for("eu-central-1")).usd
        assert f"| {name} | {len(alarms)} | {metrics} | {dashboards} | {usd:.2f} |" in costs


def described(template: Template, kind: str) -> list[dict[str, Any]]:
    """Properties of all resources of a kind."""
    return [resource["Properties"] for resource in resources(template, kind).values()]


def test_a_price_moves_the_asset_of_the_last_stage_alone_and_no_code(tmp_path: Path) -> None:
    # GIVEN the assets of all stages
    root = tmp_path / "sources"
    for folder in ("functions", "pipeline", "requirements"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    before = _staged(root, tmp_path)
    # WHEN somebody corrects a price
    table = json.loads((root / PRICES).read_bytes())
    table["everywhere"]["trace"] = 6.0
    (root / PRICES).write_text(json.dumps(table))
    after = _staged(root, tmp_path)
    # THEN the last stage brings it, and what it staged before is still its own
    assert {stage for stage in STAGES if before[stage] != after[stage]} == {"write"}
    shipped = tmp_path / "assets" / "aws" / "write"
    assert json.loads((shipped / PRICES).read_bytes()) == table
    assert before["code"] == after["code"]


def _staged(root: Path, build: Path) -> dict[str, str]:
    assets = staged_assets(root=root, build=build, target=Target.AWS, compile_datasets=one_dataset)
    hashes = {stage: FileSystem.fingerprint(str(folder)) for stage, folder in assets.items()}
    return hashes | {"code": (assets["write"] / CODE_HASH_FILE).read_text()}
