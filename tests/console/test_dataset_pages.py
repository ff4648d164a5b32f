"""The pages of datasets, over folders as people have them and as nobody should."""

from __future__ import annotations

import html
import json
import re
import time
from typing import TYPE_CHECKING, Any

from console.reading.definitions import Definitions, definitions_in
from tests.console.conftest import over
from tests.console.dataset_folders import DRAWN, column, write_dataset
from tests.console.service import Service, execution, failed, succeeded
from tests.words.cases import Case, all_cases
from tests.words.dataset import write_dataset as write_case

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from starlette.testclient import TestClient

    from tests.console.conftest import OpenConsole


def told(answer: Any) -> str:
    """Text of a page as a person reads it."""
    inside = re.sub(r"<(head|dialog)\b.*?</\1>", "", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inside)).split())


def row_of(page: str, cell: str) -> str:
    """The table row whose first link or name is a text, as text."""
    rows = re.findall(r"<tr id.*?</tr>", page, flags=re.DOTALL)
    (found,) = [
        row for row in rows if re.search(rf">{re.escape(cell)}</(a|code)>", row.split("</td>")[0])
    ]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found)).split())


def trips(folder: Path, **declared: Any) -> Path:
    """A dataset with a little of everything."""
    return write_dataset(
        folder,
        "trips",
        [
            column("month", required=True, logicalTypeOptions={"minimum": 1, "maximum": 12}),
            column("miles", description="Way on the road."),
            column("town", logicalType="string", physicalName="Town of arrival"),
            column("driver", logicalType="string", classification="pii", examples=["Ada", "Bo"]),
        ],
        {
            "clean": {"columns": {"town": ["upper"]}},
            "transform": [{"derive": {"km": "miles * 1.609"}}],
            "enrich": [
                {"lookup": "towns", "on": {"town": "name"}, "add": {"country": "land"}},
                {"constants": {"fleet": "north"}},
            ],
            "write": {"format": "parquet", "partition_by": ["month"]},
        },
        {"lookups/towns.csv": "name,land\nROM,Italy\nBONN,Germany\n"},
        **({"description": {"purpose": "Trips of the fleet."}} | declared),
    )


def opened(open_console: OpenConsole, folder: Path, *runs: dict[str, Any]) -> TestClient:
    service = Service()
    for run in reversed(runs):
        service.add(run)
    return open_console(over(service), datasets=folder)


# --- the list ----------------------------------------------------------------------------------


def test_the_list_has_the_folders_datasets_with_their_runs(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    trips(tmp_path)
    runs = [
        succeeded("b", rejected=20, key="input/trips/b.csv", started=1),
        succeeded("a", key="input/trips/a.csv", started=2),
    ]
    page = opened(open_console, tmp_path, *runs).get("/datasets")
    assert page.status_code == 200
    row = row_of(page.text, "trips")
    assert "Trips of the fleet." in row
    assert "csv parquet, by month 2" in row
    assert "Succeeded with rejects" in row
    assert "2 % rejected (20 of 1,000 rows)" in row


def test_a_dataset_that_only_executions_name_is_listed_and_has_a_page(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    trips(tmp_path)
    client = opened(open_console, tmp_path, succeeded("a", key="input/gone &?#/a.csv"))
    listed = client.get("/datasets")
    assert "Not in this folder" in row_of(listed.text, "gone &amp;?#")
    (address,) = re.findall(r'href="(/datasets/gone[^"]*)"', listed.text)
    page = client.get(address)
    assert page.status_code == 200
    assert "there is no folder of it" in told(page)
    assert "pipeline run FILE --dataset 'gone &?#'" in told(page)


def test_an_empty_folder_says_how_to_draft_a_dataset(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    page = opened(open_console, tmp_path).get("/datasets")
    assert "pipeline init FILE --dataset NAME" in told(page)


def test_the_list_looks_again_only_while_something_runs(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    trips(tmp_path)
    running = execution("r", "RUNNING", key="input/trips/r.csv")
    assert 'hx-trigger="every 2s"' in opened(open_console, tmp_path, running).get("/datasets").text
    ended = opened(open_console, tmp_path, succeeded("e", key="input/trips/e.csv"))
    assert "hx-trigger" not in ended.get("/datasets").text.partition("<section")[2]


# --- what is wrong -----------------------------------------------------------------------------


def test_errors_are_shown_as_check_words_them(tmp_path: Path, open_console: OpenConsole) -> None:
    write_dataset(tmp_path, "trips", [column("a")], {"transform": [{"filter": "b > 1"}]})
    client = opened(open_console, tmp_path, succeeded("x", key="input/trips/x.csv"))
    (finding,) = Definitions(tmp_path).get("trips").errors
    page = client.get("/datasets/trips")
    assert page.status_code == 200
    assert finding.message.partition(";")[0] in told(page)
    assert f"{finding.file}:{finding.line}:{finding.column}" in told(page)
    assert "x.csv" in told(page), "its runs are shown all the same"
    assert "1 error" in row_of(client.get("/datasets").text, "trips")


def test_errors_about_hostile_words_are_shown_as_texts(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    write_dataset(tmp_path, "trips", [column("a")], {"transform": [{"drop": [DRAWN]}]})
    client = opened(open_console, tmp_path)
    for path in ("/datasets", "/datasets/trips"):
        page = client.get(path)
        assert DRAWN.partition("(")[0] in told(page)
        assert DRAWN not in page.text
        assert "<script>alert" not in page.text


def test_files_that_are_no_yaml_or_no_text_are_findings(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    broken = {"binary": b"\xff\xfe\x00", "list": b"- a\n", "text": b"a: [", "empty": b""}
    for name, content in broken.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "contract.odcs.yaml").write_bytes(content)
    steps = trips(tmp_path) / "steps.py"
    steps.write_bytes(b"\xff")
    client = opened(open_console, tmp_path)
    assert client.get("/datasets").status_code == 200
    for name in (*broken, "trips"):
        page = client.get(f"/datasets/{name}")
        assert page.status_code == 200
        assert "cannot be deployed" in told(page)


def test_a_name_that_nothing_has_is_refused_with_the_nearest(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    trips(tmp_path)
    page = opened(open_console, tmp_path).get("/datasets/trip")
    assert page.status_code == 404
    assert "Did you mean trips?" in told(page)


def test_no_address_leads_out_of_the_folder(tmp_path: Path, open_console: OpenConsole) -> None:
    trips(tmp_path)
    (tmp_path / "inner").mkdir()
    client = opened(open_console, tmp_path / "inner")
    for path in ("..%2Ftrips", "%2e%2e", "..%2f..%2fetc", "%00", "."):
        assert client.get(f"/datasets/{path}").status_code in (404, 307, 200)
        assert "Trips of the fleet" not in client.get(f"/datasets/{path}").text


# --- what is deployed --------------------------------------------------------------------------


def _with_hash(name: str, plan_hash: str) -> dict[str, Any]:
    run = succeeded(name, key="input/trips/a.csv")
    return run | {"output": json.dumps(json.loads(run["output"]) | {"plan_hash": plan_hash})}


def test_a_definition_that_is_not_the_deployed_one_is_said_to_be_so(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    trips(tmp_path)
    page = opened(open_console, tmp_path, _with_hash("a", "0123456789abcdef")).get(
        "/datasets/trips"
    )
    assert "deployed definition differs from the one in this folder" in told(page)
    assert "0123456789abcdef" in told(page)


def test_the_deployed_definition_is_compared_by_the_last_run_that_succeeded(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    trips(tmp_path)
    definition = Definitions(tmp_path).get("trips")
    assert definition is not None and definition.plan is not None
    broke = failed("b", "ParseError", "no", key="input/trips/b.csv", started=0)
    same = opened(open_console, tmp_path, broke, _with_hash("a", definition.plan.hash))
    page = same.get("/datasets/trips")
    assert "ParseError" in told(page)
    assert "differs" not in told(page)
    other = opened(open_console, tmp_path, broke, _with_hash("a", "0123456789abcdef"))
    assert "differs" in told(other.get("/datasets/trips"))


# --- the contract as documentation -------------------------------------------------------------


def test_a_page_tells_rules_steps_and_lineage(tmp_path: Path, open_console: OpenConsole) -> None:
    trips(tmp_path, team=[{"username": "ada", "role": "Owner"}], domain="logistics")
    page = opened(open_console, tmp_path).get("/datasets/trips")
    said = told(page)
    assert "Owner ada (Owner)" in said
    assert "Domain logistics" in said
    inputs, _, outputs = page.text.partition('id="steps"')
    assert "required between 1 and 12" in row_of(inputs, "month")
    assert "in the file: Town of arrival" in row_of(inputs, "town")
    assert "miles computed" in row_of(outputs, "km")
    assert "derive km miles * 1.609" in row_of(outputs, "km")
    assert "towns.land as it is" in row_of(outputs, "country")
    assert "upper town lookup towns" in row_of(outputs, "country")
    assert "constant fleet always north" in row_of(outputs, "fleet")
    assert "lookup towns a table of 2 rows, joined by town = name" in said


def test_columns_link_to_what_they_are_made_of_and_to_what_they_make(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    trips(tmp_path)
    page = opened(open_console, tmp_path).get("/datasets/trips").text
    linked = set(re.findall(r'href="#([^"]+)"', page)) - {"main"}
    assert linked <= set(re.findall(r'id="([^"]+)"', page))
    km = next(row for row in re.findall(r"<tr id.*?</tr>", page, re.DOTALL) if ">km<" in row[:90])
    miles = next(
        row for row in re.findall(r"<tr id.*?</tr>", page, re.DOTALL) if ">miles<" in row[:90]
    )
    assert re.findall(r'<tr id="([^"]+)"', miles)[0] in re.findall(r'href="#([^"]+)"', km)
    assert re.findall(r'<tr id="([^"]+)"', km)[0] in re.findall(r'href="#([^"]+)"', miles)


def test_no_value_of_a_masked_column_is_shown(tmp_path: Path, open_console: OpenConsole) -> None:
    trips(tmp_path)
    page = opened(open_console, tmp_path).get("/datasets/trips")
    assert "masked" in row_of(page.text.partition('id="steps"')[0], "driver")
    assert "Ada" not in told(page)


def test_columns_are_filtered_without_a_script(tmp_path: Path, open_console: OpenConsole) -> None:
    trips(tmp_path)
    client = opened(open_console, tmp_path)
    by_description = client.get("/datasets/trips?column=ROAD").text
    assert 'class="name">miles<' in by_description
    assert 'class="name">town<' not in by_description
    assert 'class="name">town<' in client.get("/datasets/trips?column=of+arrival").text
    nothing = client.get(f"/datasets/trips?column={DRAWN}")
    assert nothing.status_code == 200
    assert DRAWN not in nothing.text


def test_a_changed_definition_is_shown_changed(tmp_path: Path, open_console: OpenConsole) -> None:
    trips(tmp_path)
    client = opened(open_console, tmp_path)
    assert "Trips of the fleet." in told(client.get("/datasets/trips"))
    trips(tmp_path, description={"purpose": "Ways of the fleet."})
    assert "Ways of the fleet." in told(client.get("/datasets/trips"))


# --- odd data ----------------------------------------------------------------------------------


def test_hostile_texts_are_shown_as_texts(tmp_path: Path, open_console: OpenConsole) -> None:
    write_dataset(
        tmp_path,
        "trips",
        [
            column(f'{DRAWN}"x', logicalType="string", description=DRAWN, tags=[DRAWN]),
            column("long " * 400, description="d" * 100_000),
            column("\U0001f6eb\nline", logicalType="string", physicalName="\u202eevil"),
        ],
        {"enrich": [{"constants": {"c": DRAWN}}]},
        description={"purpose": DRAWN * 50},
        team={"name": DRAWN, "members": [None, {"username": 3}, DRAWN]},
        domain=DRAWN,
    )
    runs = [
        succeeded("a", key=f"input/trips/{DRAWN}.csv"),
        failed("b", DRAWN, DRAWN, key="input/trips/b.csv"),
        succeeded("c", key=f"input/{'x' * 900}/c.csv"),
        execution("d", "SUCCEEDED", output="null", key="input/trips/"),
        execution("e", "SUCCEEDED", output='{"rows": null, "outcome": null}', input="no json"),
    ]
    client = opened(open_console, tmp_path, *runs)
    for path in ("/datasets", "/datasets/trips", f"/datasets/{'x' * 900}"):
        page = client.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert len(page.text) < 200_000


def test_five_hundred_columns_are_shown_in_less_than_a_second(
    tmp_path: Path, open_console: OpenConsole
) -> None:
    names = [f"c{n}" for n in range(500)]
    write_dataset(
        tmp_path,
        "wide",
        [column(name) for name in names],
        {
            "transform": [
                {"derive": {f"d{n}": f"c{n} + 1" for n in range(20)}},
                {"python": "all"},
            ],
        },
        {"steps.py": "def all(frame):\n    return frame\n"},
    )
    client = opened(open_console, tmp_path)
    client.get("/datasets/wide")
    began = time.perf_counter()
    page = client.get("/datasets/wide")
    assert time.perf_counter() - began < 1
    assert len(re.findall(r'<tr id="in-', page.text)) == 500
    derived = client.get("/datasets/wide?column=d7").text.partition('id="output"')[2]
    assert "every column of the file" in row_of(derived, "d7")
    few = client.get("/datasets/wide?column=c499")
    assert "1 of 500 of the file" in told(few)


def test_the_list_does_not_wait_for_definitions_that_take_long(
    tmp_path: Path, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips(tmp_path)
    monkeypatch.setattr("console.pages.datasets.PATIENCE_SECONDS", 0)
    client = opened(open_console, tmp_path)
    page = client.get("/datasets")
    assert "Being read" in row_of(page.text, "trips")
    assert 'hx-trigger="every 2s"' in page.text.partition("<section")[2]
    assert "km" in told(client.get("/datasets/trips"))
    assert "Being read" not in client.get("/datasets").text


def _soundest() -> list[Case]:
    """Return the first case of each word that is to pass."""
    return [case for case in all_cases() if case.kind == "passes" and case.number == 1]


def test_every_word_of_the_language_has_a_page(tmp_path: Path, open_console: OpenConsole) -> None:
    cases = {f"case{n}": case for n, case in enumerate(_soundest())}
    for name, case in cases.items():
        write_case(case, tmp_path / name)
    client = opened(open_console, tmp_path)
    definitions = definitions_in(tmp_path)
    for name, case in cases.items():
        page = client.get(f"/datasets/{name}")
        assert page.status_code == 200, case.id
        definition = definitions.get(name)
        assert definition is not None
        assert ("cannot be deployed" in page.text) == bool(definition.errors), case.id
    assert client.get("/datasets").status_code == 200
