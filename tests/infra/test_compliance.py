"""cdk-nag's AwsSolutions and checkov find nothing but what stands acknowledged, and all of that.

Both tools are asked about stacks without acknowledgements: what they find is compared with the
table, so that an acknowledgement that is no longer needed fails as a missing one does.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_s3 as s3

from infra.compliance.acknowledgements import ACKNOWLEDGEMENTS, CHECKOV
from infra.compliance.nag import Finding, demand_rules, findings
from infra.context import settings_from
from tests.infra.synthesis import Template, composed, template_of

if TYPE_CHECKING:
    from infra.settings import Settings

CHECKOV_PYTHON = Path(sys.prefix) / "share" / "checkov" / "bin" / "python"
CONTEXTS = {
    "prod": {},
    "dev": {"environment": "dev"},
    "customer": {  # and all else that brings something with it
        "encryption": "customer",
        "subnet_ids": "subnet-0123abcd",
        "security_group_ids": "sg-0123abcd",
        "reserved_concurrency": "5",
        "openlineage_url": "https://lineage.example.com",
    },
}


@dataclass(frozen=True)
class Audited:
    """A stack's settings, what cdk-nag found in it, and its template."""

    settings: Settings
    found: list[Finding]
    template: Template


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Audited]:
    audited = {}
    for name, context in CONTEXTS.items():
        stack = composed(tmp_path_factory.mktemp(name), **context)
        settings = settings_from(stack.node)
        found = findings(stack)
        # The CDK refuses to synthesise when the rules find what is not acknowledged.
        demand_rules(stack.node.root, stack, settings)
        audited[name] = Audited(settings, found, template_of(stack))
    return audited


@pytest.mark.parametrize("name", CONTEXTS)
def test_every_finding_of_cdk_nag_is_acknowledged(audits: dict[str, Audited], name: str) -> None:
    audit = audits[name]
    assert audit.found
    assert not [one for one in audit.found if one.acknowledgement(audit.settings) is None]


@pytest.mark.parametrize("name", CONTEXTS)
def test_every_acknowledgement_of_cdk_nag_is_needed(audits: dict[str, Audited], name: str) -> None:
    audit = audits[name]
    needed = {one.acknowledgement(audit.settings) for one in audit.found}
    claimed = {
        one
        for one in ACKNOWLEDGEMENTS
        if one.when(audit.settings) and not one.rule.startswith(CHECKOV)
    }
    assert claimed == needed


def test_acknowledgements_say_why() -> None:
    assert all(len(one.reason.split()) > 8 for one in ACKNOWLEDGEMENTS)


def test_synthesis_fails_on_what_is_not_acknowledged(tmp_path: Path) -> None:
    # GIVEN a bucket that anybody may read in plain text, beside our own
    stack = composed(tmp_path)
    s3.Bucket(stack, "Careless")
    # WHEN the rules are demanded
    demand_rules(stack.node.root, stack, settings_from(stack.node))
    # THEN there is no template
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        template_of(stack)


def without_acknowledgements(template: Template) -> Template:
    bare = copy.deepcopy(template)
    for resource in bare["Resources"].values():
        resource.get("Metadata", {}).pop("checkov", None)
    return bare


def acknowledged(template: Template) -> set[tuple[str, str]]:
    """Checks and resources that the template's metadata take out."""
    return {
        (skipped["id"], f"{resource['Type']}.{logical_id}")
        for logical_id, resource in template["Resources"].items()
        for skipped in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


@pytest.fixture(scope="module")
def judged(audits: dict[str, Audited], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov says of all templates, with and without acknowledgements, in one run."""
    folder = tmp_path_factory.mktemp("checkov")
    for name, audit in audits.items():
        (folder / f"{name}.json").write_text(json.dumps(audit.template))
        bare = without_acknowledgements(audit.template)
        (folder / f"{name}-bare.json").write_text(json.dumps(bare))
    if not CHECKOV_PYTHON.exists():
        pytest.fail("checkov is not installed; `make test` brings it")
    options = ("--framework", "cloudformation", "--skip-download", "-o", "json", "--compact")
    ran = subprocess.run(
        [CHECKOV_PYTHON, "-m", "checkov.main", *options, "-d", folder],
        # It asks its maker's address for other names of the checks, unless it is told not to.
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "BC_SKIP_MAPPING": "TRUE"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    assert answer["summary"]["parsing_errors"] == 0
    assert answer["summary"]["passed"] > 0
    return answer


def failed(judged: dict[str, Any], file: str) -> set[tuple[str, str]]:
    checks = judged["results"]["failed_checks"]
    return {
        (one["check_id"], one["resource"])
        for one in checks
        if Path(one["file_path"]).name == f"{file}.json"
    }


@pytest.mark.parametrize("name", CONTEXTS)
def test_checkov_is_clean_and_every_acknowledgement_needed(
    audits: dict[str, Audited], judged: dict[str, Any], name: str
) -> None:
    assert failed(judged, name) == set()
    assert failed(judged, f"{name}-bare") == acknowledged(audits[name].template)
