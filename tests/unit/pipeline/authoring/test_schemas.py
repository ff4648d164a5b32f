"""The standard's own JSON Schemas: one for each version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.authoring import schemas
from pipeline.authoring.schemas import ODCS_VERSIONS, newer_words, odcs_schema
from tests.unit.pipeline.support import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.authoring.dataset import CompiledDataset


@pytest.mark.parametrize("version", ODCS_VERSIONS)
def test_every_version_has_the_schema_that_knows_it(
    version: str, compile_dataset: Callable[..., CompiledDataset]
) -> None:
    known = odcs_schema(version)["properties"]["apiVersion"]

    assert version in known["enum"]
    assert known["default"].startswith(version.rsplit(".", 1)[0])
    assert compile_dataset(contract=CONTRACT.replace("v3.1.0", version)).plan is not None


def test_words_have_come_with_the_versions() -> None:
    assert {"enum", "context", "synonyms", "semanticType"} <= newer_words("v3.1.0")
    assert {"metric", "relationships"} <= newer_words("v3.0.2")
    assert newer_words("v3.2.0") == frozenset()


def test_a_schema_that_is_not_installed_is_an_error(
    findings: Callable[..., list[tuple[str, int, int, str]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    odcs_schema.cache_clear()
    monkeypatch.setattr(schemas, "_OLDER_FOLDER", tmp_path)

    ((severity, line, _, said),) = findings()
    odcs_schema.cache_clear()

    assert (severity, line) == ("error", 1)
    assert said == "the JSON Schema of v3.1.0 is not installed here; run `make setup`"


def test_a_slip_is_found_beside_another_error(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    wrong = CONTRACT.replace("string}", "string, requird: true, quality: [{metric: x, mustBe: 0}]}")

    said = [message for *_, message in findings(contract=wrong)]

    assert len(said) == 2
    assert "unknown word 'requird'; did you mean 'required'?" in said
