"""The report as a page of the console, and as a file to keep."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from console.reading.report import load_pandas
from tests.unit.cli.fakes import FakeStepFunctions
from tests.unit.cli.moto_target import MotoCloud, commit, moto_target, source
from tests.unit.cli.report_samples import NAME, RUN, put_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from cli.target import Target
    from tests.console.conftest import OpenConsole

PAGE = f"/executions/{NAME}/report"


class StepFunctions(FakeStepFunctions):
    """One that also knows the machine of an execution."""

    def describe_state_machine_for_execution(self, **_asked: object) -> dict[str, str]:
        return {"definition": "{}"}


@pytest.fixture
def target() -> Iterator[Target]:
    """A run with rejects in moto's buckets."""
    with mock_aws():
        cloud = MotoCloud(StepFunctions())
        made = moto_target(cloud)
        put_run(made, cloud.client)
        yield made


@pytest.fixture
def client(open_console: OpenConsole, target: Target) -> TestClient:
    return open_console(target)


def test_the_report_stands_in_the_consoles_page(client: TestClient) -> None:
    answer = client.get(PAGE)

    assert answer.status_code == 200
    assert '<article class="report">' in answer.text
    assert "10 rows read, 8 written; 2 rejected." in answer.text
    assert f'href="{PAGE}" aria-current="page"' in answer.text


def test_the_page_needs_no_exception_from_the_consoles_policy(client: TestClient) -> None:
    answer = client.get(PAGE)

    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    assert "<style" not in answer.text
    assert 'style="' not in answer.text


def test_its_stylesheet_is_there(client: TestClient) -> None:
    answer = client.get("/sheets/report.css")

    assert '<link rel="stylesheet" href="/sheets/report.css">' in client.get(PAGE).text
    assert answer.headers["content-type"].startswith("text/css")
    assert ".report" in answer.text


def test_an_ended_execution_is_not_asked_for_again(client: TestClient) -> None:
    html = client.get(PAGE).text

    assert 'id="report"' in html
    assert 'hx-select="#report"' not in html


def test_the_file_may_do_nothing_where_it_is_opened(client: TestClient) -> None:
    answer = client.get(f"{PAGE}.html")

    name = f"flights-f-{RUN[:8]}.html"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "sandbox",
    ]
    assert answer.text.startswith("<!doctype html>")


def test_what_became_of_a_run_is_read_anew(client: TestClient, target: Target) -> None:
    before = client.get(PAGE).text
    commit(target, source(), run={"run_id": "0" * 32})

    after = client.get(PAGE).text

    assert f"quarantine replay {RUN}" in before
    assert f"quarantine replay {RUN}" not in after
    assert f"now that of the run {'0' * 32}" in after


@pytest.mark.parametrize("path", ["/executions/nobody/report", "/executions/nobody/report.html"])
def test_an_unknown_execution_has_no_report(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code in (404, 503)
    assert "there is no execution nobody" in answer.text


def test_a_library_that_another_thread_loads_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Altair takes pandas from `sys.modules`, be it there as a whole or not."""
    (tmp_path / "pandas.py").write_text("import time\ntime.sleep(0.3)\nTimestamp = int\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    loading = Thread(target=import_module, args=["pandas"])
    loading.start()
    while "pandas" not in sys.modules:
        time.sleep(0.01)

    load_pandas()

    assert hasattr(sys.modules["pandas"], "Timestamp")
    loading.join()
    monkeypatch.delitem(sys.modules, "pandas")
