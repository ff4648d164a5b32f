"""The verbs `check` and `contract`, on datasets of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cli.main import exit_status
from cli.verbs import check, contract
from tests.unit.pipeline.support import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the dataset `things`, and an older contract of it."""
    folder = tmp_path / "datasets" / "things"
    folder.mkdir(parents=True)
    (folder / "contract.odcs.yaml").write_text(CONTRACT, "utf-8")
    (folder / "pipeline.yaml").write_text("{}\n", "utf-8")
    older = CONTRACT.replace("integer", "string")
    (tmp_path / "older.yaml").write_text(older, "utf-8")
    (tmp_path / "same.yaml").write_text(CONTRACT, "utf-8")
    for module in (check, contract):
        monkeypatch.setattr(module, "DATASETS", tmp_path / "datasets")
    return tmp_path


def test_a_sound_dataset_is_said_to_be_one(
    datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status(["check", "things"]) == 0

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "0 errors, 0 other findings\n"


def test_findings_begin_with_their_place(
    datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = datasets / "datasets" / "things" / "pipeline.yaml"
    steps.write_text("clean:\n  all: [trimm]\n", "utf-8")

    assert exit_status(["check"]) == 2

    said = capsys.readouterr()
    assert said.out.startswith(f"{steps}:2:9: error: ")
    assert said.err == "1 errors, 0 other findings\n"
    assert exit_status(["check", "--json"]) == 2
    (finding,) = json.loads(capsys.readouterr().out)
    assert (finding["line"], finding["column"], finding["severity"]) == (2, 9, "error")


def test_a_breaking_change_has_a_status_of_its_own(
    datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    against = ["check", "things", "--against", str(datasets / "older.yaml")]

    assert exit_status(against) == 1

    said = capsys.readouterr()
    first, second = said.out.splitlines()
    assert "things/contract.odcs.yaml:11:19: breaking for producers: n: the type is" in first
    assert first.endswith(f"(before: {datasets}/older.yaml:11:19)")
    assert "breaking for consumers: n: the output's type is int64, and was string" in second
    assert "2 breaking changes, 0 others\n" in said.err
    assert "these changes ask for 2.0.0" in said.err
    assert exit_status([*against, "--json"]) == 1
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["version"] == {"old": "1.0.0", "new": "1.0.0", "suggested": "2.0.0"}
    assert [change["breaks"] for change in document["changes"]] == ["producers", "consumers"]
    assert document["findings"] == []


def test_without_a_breaking_change_all_is_fine(
    datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status(["check", "things", "--against", str(datasets / "same.yaml")]) == 0

    assert "0 breaking changes, 0 others" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "x"], "--against compares one dataset"),
        (["things", "others", "--against", "x"], "--against compares one dataset"),
        (["things", "--against", "no/such"], "there is no no/such; name a contract"),
    ],
)
def test_wrong_use_is_one_line(
    datasets: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert exit_status(["check", *arguments]) == 2

    assert said in capsys.readouterr().err.splitlines()[-1]


def test_the_outputs_contract_is_written(
    datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status(["contract", "things"]) == 0
    from_yaml = yaml.safe_load(capsys.readouterr().out)
    assert exit_status(["contract", "things", "--json"]) == 0
    from_json = json.loads(capsys.readouterr().out)

    assert from_yaml == from_json
    names = [prop["name"] for prop in from_yaml["schema"][0]["properties"]]
    assert names == ["a", "n", "processed_date", "status"]
    assert from_yaml["servers"][0]["location"].endswith("/processed/things/*.parquet")


def test_a_dataset_without_an_output_has_no_contract_of_it(
    datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status(["contract", "thing"]) == 2
    assert "there is no dataset 'thing'. There are: things" in capsys.readouterr().err
    (datasets / "datasets" / "things" / "pipeline.yaml").write_text("nope: 1\n", "utf-8")
    assert exit_status(["contract", "things"]) == 2
    assert "pipeline.yaml:1:1: unknown word 'nope'" in capsys.readouterr().err
