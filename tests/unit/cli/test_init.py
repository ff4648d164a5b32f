from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.main import exit_status
from cli.verbs import init as verb
from pipeline.authoring.check import check_datasets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORDERS = "order_id;customer;paid\n" + "".join(f"{at};C{at:04};true\n" for at in range(1, 41))


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    file = tmp_path / "Orders 2013.csv"
    file.write_text(ORDERS)
    return file


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    return tmp_path / "datasets"


@pytest.fixture
def refused(tmp_path: Path, datasets: Path, capsys: Any) -> Callable[..., str]:
    """Draft a dataset of these bytes; return the one line that says why it cannot be."""

    def line(content: bytes, *options: str, name: str = "x.csv") -> str:
        (tmp_path / name).write_bytes(content)
        assert exit_status(["init", str(tmp_path / name), "--into", str(datasets), *options]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert not datasets.exists()
        (only,) = said.err.strip().splitlines()
        return str(only)

    return line


def test_a_draft_is_written_and_told(orders: Path, datasets: Path, capsys: Any) -> None:
    assert exit_status(["init", str(orders), "--into", str(datasets)]) == 0

    said = capsys.readouterr()
    assert said.err.startswith(f"Looked at all 40 rows of {orders}.")
    table = [line.split() for line in said.out.splitlines()[:4]]
    assert table[0] == ["column", "type", "required", "rule", "evidence"]
    assert table[1] == ["order_id", "integer", "yes", "key,", "0..", "1", "to", "40"]
    assert table[2][:4] == ["customer", "string", "yes", "^[A-Z]{1}[0-9]{4}$"]
    assert table[3] == ["paid", "boolean", "yes", "40", "true"]
    assert f"Wrote {datasets}/orders_2013/contract.odcs.yaml and" in said.out
    assert check_datasets(datasets, ["orders_2013"]) == []


def test_the_next_commands_are_named(
    orders: Path, datasets: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(verb, "DATASETS", datasets)
    monkeypatch.setattr("cli.init_table.DATASETS", datasets)

    assert exit_status(["init", str(orders), "--dataset", "orders"]) == 0

    *_, check, run = capsys.readouterr().out.splitlines()
    assert check.strip() == "pipeline check orders"
    assert run.strip() == f"pipeline run '{orders}' --dataset orders"


def test_nothing_is_overwritten_unless_told(orders: Path, datasets: Path, capsys: Any) -> None:
    arguments = ["init", str(orders), "--dataset", "orders", "--into", str(datasets)]
    assert exit_status(arguments) == 0
    steps = datasets / "orders" / "pipeline.yaml"
    steps.write_text("{}\n")
    capsys.readouterr()

    assert exit_status(arguments) == 2
    assert "contract.odcs.yaml is there already." in capsys.readouterr().err
    assert steps.read_text() == "{}\n"
    assert exit_status([*arguments, "--force"]) == 0
    assert steps.read_text() != "{}\n"


def test_a_dry_run_prints_the_files(orders: Path, datasets: Path, capsys: Any) -> None:
    assert exit_status(["init", str(orders), "--into", str(datasets), "--dry-run"]) == 0

    said = capsys.readouterr().out
    assert "kind: DataContract" in said
    assert "format: parquet" in said
    assert not datasets.exists()


def test_json_has_it_all(tmp_path: Path, datasets: Path, capsys: Any) -> None:
    file = tmp_path / "things.jsonl"
    file.write_text('{"id": 1, "at": {"x": 1}, "n": "NA", "z": 1}\n{"id": 2, "n": 5, "z": "y"}\n')

    assert exit_status(["init", str(file), "--into", str(datasets), "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    contract = datasets / "things" / "contract.odcs.yaml"
    assert document["written"] is True
    assert document["files"][str(contract)] == contract.read_text("utf-8")
    assert document["primary_key"] == ["id"]
    assert document["rows"] == {"in_file": 2, "looked_at": 2, "malformed": 0}
    assert document["missing_values"] == ["NA"]
    assert document["left_out"].keys() == {"z"}
    assert (document["format"], document["delimiter"]) == ("jsonl", None)
    assert {column["name"]: column["type"] for column in document["columns"]} == {
        "id": "integer",
        "at_x": "integer",
        "n": "integer",
    }
    assert [column["source"] for column in document["columns"]] == ["id", "at.x", "n"]


def test_columns_that_are_left_out_stand_in_the_table(
    tmp_path: Path, datasets: Path, capsys: Any
) -> None:
    rows = "".join(f",{at},{'ABCDEF'[at % 6]}\n" for at in range(1, 61))
    (tmp_path / "things.csv").write_text(f",n,letter\n{rows}")

    assert exit_status(["init", str(tmp_path / "things.csv"), "--into", str(datasets)]) == 0

    said = capsys.readouterr()
    assert "left out" in said.out
    assert "one of A, B, C, D …" in said.out
    assert "Note: '' is left out: it has no name." in said.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "x.csv: The file is empty (0 bytes). Check the export"),
        (b"\x89PNG\0\0\0\0\0\0\0\0", "x.csv: The file is not text"),
        (b"a,b\n", "x.csv: The file has a header and no rows."),
        (
            b"a,a\n1,2\n",
            "x.csv has no column that a contract can have: 'a' shares its name with another column",
        ),
        (b"1,2\n3,4\n5,6\n", "the first line of x.csv looks like a row"),
        (b"a,b,c\n1,2\n3,4\n", "2 of 2 rows cannot be taken apart"),
        (
            b",".join([b"c"] * 5_001) + b"\n" + b"1," * 5_000 + b"1\n",
            "the limit maxColumns is 5,000",
        ),
    ],
)
def test_what_no_dataset_can_be_made_of(
    refused: Callable[..., str], content: bytes, said: str
) -> None:
    assert said in refused(content)


def test_wrong_use(refused: Callable[..., str], datasets: Path, capsys: Any) -> None:
    assert "'a b' is no name for a dataset." in refused(b"a\n1\n", "--dataset", "a b")
    assert "there is no encoding 'utf-9'." in refused(b"a\n1\n", "--encoding", "utf-9")
    assert "'ab' is no delimiter." in refused(b"a\n1\n", "--delimiter", "ab")
    assert "--rows" in refused(b"a\n1\n", "--rows", "0")
    for path, said in (("/", "a folder"), ("/not/there.csv", "not there")):
        assert exit_status(["init", path, "--dataset", "x", "--into", str(datasets)]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("word", ["tab", "\\t", "\t"])
def test_what_is_known_of_the_file_is_not_guessed(
    tmp_path: Path, datasets: Path, word: str, capsys: Any
) -> None:
    (tmp_path / "x.csv").write_bytes("a,b\tc,d\nZoë,1\tx,2\n".encode("cp1250"))
    options = ["--delimiter", word, "--encoding", "cp1250", "--into", str(datasets), "--json"]

    assert exit_status(["init", str(tmp_path / "x.csv"), *options]) == 0

    document = json.loads(capsys.readouterr().out)
    assert [column["name"] for column in document["columns"]] == ["a,b", "c,d"]
    assert (document["delimiter"], document["encoding"]) == ("\t", "cp1250")
