from __future__ import annotations

from pathlib import Path

import pytest

from cli.datasets import dataset_of, known_datasets
from cli.errors import CliError
from cli.verbs.run import datasets_of

KNOWN = ["flights", "weather"]


@pytest.mark.parametrize(
    ("file", "dataset"),
    [
        ("flights.csv", "flights"),
        ("flights.csv.gz", "flights"),
        ("flights.2013.csv", "flights"),
        ("flights/january.csv", "flights"),
        ("flights/weather.jsonl", "weather"),
    ],
)
def test_a_files_name_else_its_folder_names_the_dataset(file: str, dataset: str) -> None:
    assert dataset_of(Path(file), KNOWN) == dataset


def test_a_file_that_names_no_dataset_is_told_which_there_are() -> None:
    with pytest.raises(CliError, match="--dataset NAME, one of: flights, weather"):
        dataset_of(Path("elsewhere/data.csv"), KNOWN)


def test_a_dataset_is_a_folder_with_a_contract(tmp_path: Path) -> None:
    for name in ("weather", "flights"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "contract.odcs.yaml").touch()
    (tmp_path / "draft").mkdir()

    assert known_datasets(tmp_path) == ["flights", "weather"]


def test_files_that_would_replace_each_other_are_refused(tmp_path: Path) -> None:
    files = [tmp_path / folder / "day.csv" for folder in ("monday", "tuesday")]
    for file in files:
        file.parent.mkdir()
        file.touch()
    with pytest.raises(CliError, match=r"several files would become input/flights/day\.csv"):
        datasets_of(files, "flights")
    assert datasets_of(files[:1], "flights") == ["flights"]
