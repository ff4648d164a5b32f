from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.authoring.yaml_source import Finding, YamlSource, yaml_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = """\
# comment
one:
  two: [a, b]
  on:
    - x: 1
    - y: 2.5
flag: true
"""


@pytest.fixture
def source(tmp_path: Path) -> Callable[[str], YamlSource]:
    def of(text: str) -> YamlSource:
        path = tmp_path / "f.yaml"
        path.write_text(text, "utf-8")
        return yaml_source(path)

    return of


def test_values_are_those_of_yaml_but_for_the_word_on(source: Callable[[str], YamlSource]) -> None:
    assert source(TEXT).data == {
        "one": {"two": ["a", "b"], "on": [{"x": 1}, {"y": 2.5}]},
        "flag": True,
    }


@pytest.mark.parametrize(
    ("where", "line", "column"),
    [
        ((), 2, 1),
        (("one",), 2, 1),
        (("one", "two"), 3, 3),
        (("one", "two", 1), 3, 12),
        (("one", "on", 1), 6, 7),
        (("one", "on", 1, "y"), 6, 7),
        (("one", "on", 1, "unheard", "of"), 6, 7),
        (("unheard",), 2, 1),
    ],
)
def test_findings_point_at_their_place_or_the_nearest_above(
    source: Callable[[str], YamlSource], where: tuple[str | int, ...], line: int, column: int
) -> None:
    document = source(TEXT)

    document.note(where, "look")

    assert [(found.line, found.column) for found in document.findings] == [(line, column)]


def test_errors_make_a_document_unusable_and_notes_do_not(
    source: Callable[[str], YamlSource],
) -> None:
    document = source(TEXT)
    document.note((), "true, and not in the way")
    assert document.usable

    document.error((), "wrong")
    assert not document.usable
    assert [found.severity for found in document.findings] == ["note", "error"]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, 2, "not valid YAML: "),
        ("a: 1\n\tb: 2\n", 2, 1, "not valid YAML: "),
        ("a: 1\n---\nb: 2\n", 2, 1, "not valid YAML: "),
        ("a: 1\nb: !unheard of\n", 2, 1, "not valid YAML: could not determine a constructor"),
        ("a: &x\n  b: *x\n", 1, 1, "an alias that contains itself"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "'a' stands here a second time"),
        ("a:\n  - {b: 1, c: 2, b: 3}\n", 2, 18, "'b' stands here a second time"),
        ("", 1, 1, "must hold a mapping"),
        ("# nothing\n", 1, 1, "must hold a mapping"),
        ("- a\n- b\n", 1, 1, "must hold a mapping"),
    ],
)
def test_what_is_no_document_is_an_error_with_its_place(
    source: Callable[[str], YamlSource], text: str, line: int, column: int, message: str
) -> None:
    (found,) = source(text).findings

    assert (found.line, found.column) == (line, column)
    assert message in found.message


def test_a_file_that_is_not_there_or_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")

    (missing,) = yaml_source(tmp_path / "no.yaml").findings
    (binary,) = yaml_source(tmp_path / "binary.yaml").findings

    assert missing.message == "there is no no.yaml; a dataset needs one"
    assert "not valid YAML" in binary.message


def test_a_finding_is_a_link_for_editors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f.yaml").write_text("- a\n")
    monkeypatch.chdir(tmp_path)

    (found,) = yaml_source(tmp_path / "d" / "f.yaml").findings

    assert str(found) == "d/f.yaml:1:1: error: the file must hold a mapping of words to values"
    fields: dict[str, Any] = found.to_json()
    assert Finding(**fields) == found


@pytest.mark.parametrize(("written", "read"), [("010", 8), ("12:30", 750), ("-1:30.5", -90.5)])
def test_numbers_that_yaml_counts_in_eights_or_sixties_are_errors(
    tmp_path: Path, written: str, read: float
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(f"a: 0\nb: [0.5, -7, '{written}', {written}]\n")

    (found,) = yaml_source(file).findings

    assert (found.line, found.severity) == (2, "error")
    assert f"YAML reads {written} as {read}" in found.message
