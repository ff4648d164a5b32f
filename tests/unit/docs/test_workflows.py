"""The workflows that GitHub runs: valid, without long-lived keys, and of commands that exist."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

PROJECT = Path(__file__).parents[3]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def document(workflow: Path) -> dict[str, Any]:
    """Return the workflow; to YAML 1.1 the word `on` is true."""
    read: dict[Any, Any] = yaml.safe_load(workflow.read_text("utf-8"))
    return {"on" if key is True else key: value for key, value in read.items()}


def jobs(workflow: Path) -> dict[str, Any]:
    return dict(document(workflow)["jobs"])


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job.get("steps") or [])


def test_it_is_what_github_reads(workflow: Path) -> None:
    schemas = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "github-workflows.json").read_text("utf-8"))
    errors = Draft7Validator(schema).iter_errors(document(workflow))
    assert not [error.message for error in errors]


def test_what_others_wrote_is_pinned_by_commit(workflow: Path) -> None:
    for line in workflow.read_text("utf-8").splitlines():
        if "uses: " in line and "uses: ./" not in line:
            assert PINNED.search(line), line


def test_no_job_has_keys_of_its_own_or_rights_that_it_does_not_use(workflow: Path) -> None:
    assert "secrets." not in workflow.read_text("utf-8")
    assert document(workflow)["permissions"] == {"contents": "read"}
    for name, job in jobs(workflow).items():
        takes_role = any("role-to-assume" in (step.get("with") or {}) for step in steps(job))
        calls_one_that_does = str(job.get("uses", "")).endswith("/deploy.yml")
        may = (job.get("permissions") or {}).get("id-token") == "write"
        assert may == (takes_role or calls_one_that_does), name


def test_commands_exist(workflow: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.M))
    for job in jobs(workflow).values():
        for script in (step.get("run", "") for step in steps(job)):
            assert set(re.findall(r"^make ([a-z-]+)", script, re.M)) <= targets
            for path in re.findall(r"^(\.\S+/\S+)$", script, re.M):
                assert (PROJECT / path).exists(), path


def test_what_is_called_is_there_and_gets_what_it_asks_for(workflow: Path) -> None:
    for job in jobs(workflow).values():
        if "uses" not in job:
            continue
        inputs = document(PROJECT / job["uses"])["on"]["workflow_call"]["inputs"]
        assert set(job.get("with") or {}) == set(inputs)
