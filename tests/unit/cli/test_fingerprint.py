from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.deploy import asset_buckets
from cli.fingerprint import assembly_digest, source_fingerprint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("infra", "functions/clean", "tests"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "infra" / "app.py").write_text("app")
    (tmp_path / "functions" / "clean" / "core.py").write_text("core")
    (tmp_path / "cdk.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("changed", ["infra/app.py", "functions/clean/core.py", "cdk.json"])
def test_a_changed_source_changes_the_fingerprint(project: Path, changed: str) -> None:
    before = source_fingerprint(project)
    (project / changed).write_text("changed")

    assert source_fingerprint(project) != before


def test_a_moved_file_changes_the_fingerprint(project: Path) -> None:
    before = source_fingerprint(project)
    (project / "infra" / "app.py").rename(project / "infra" / "main.py")

    assert source_fingerprint(project) != before


@pytest.mark.parametrize("other", ["tests/test_app.py", "infra/__pycache__/app.pyc", "README.md"])
def test_what_no_synthesis_reads_does_not(project: Path, other: str) -> None:
    before = source_fingerprint(project)
    (project / other).parent.mkdir(exist_ok=True)
    (project / other).write_text("new")

    assert source_fingerprint(project) == before


def test_an_assembly_is_known_by_its_template_and_assets(tmp_path: Path) -> None:
    (tmp_path / "Stack.template.json").write_text("{}")
    (tmp_path / "tree.json").write_text("1")
    before = assembly_digest(tmp_path)

    (tmp_path / "tree.json").write_text("2")
    assert assembly_digest(tmp_path) == before

    (tmp_path / "Stack.assets.json").write_text("{}")
    assert assembly_digest(tmp_path) != before


def test_the_buckets_for_assets_are_read_from_the_assembly(tmp_path: Path) -> None:
    (tmp_path / "Stack.assets.json").write_text(
        '{"files": {"a": {"destinations": {"here":'
        ' {"bucketName": "cdk-assets-${AWS::AccountId}-${AWS::Region}"}}}}}'
    )

    buckets = asset_buckets(tmp_path, account="123456789012", region="eu-west-1")

    assert buckets == {"cdk-assets-123456789012-eu-west-1"}
