"""What `pipeline check --against` finds between two versions of a dataset."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pipeline.authoring.against import Differences, differences
from pipeline.authoring.changes import Change, suggested_version
from pipeline.authoring.version import Spot, VersionError
from tests.unit.pipeline.support import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = "transform: [{derive: {m: n + 1}}]\nwrite: {format: csv}\n"
OPTIONS = "n, logicalType: integer, logicalTypeOptions: {minimum: 1, maximum: 9}"
QUALITY = "    quality: [{metric: rowCount, mustBeGreaterThan: 5}]\n"
HERE = Spot("f", 1, 1)


@pytest.fixture
def compare(write_dataset: Callable[..., Path]) -> Callable[..., Differences]:
    """Differences between two versions: contracts, and steps."""

    def of(
        contracts: tuple[str, str] = (CONTRACT, CONTRACT), steps: tuple[str, str] = (STEPS, STEPS)
    ) -> Differences:
        old, new = (
            write_dataset(step, contract=contract, name=f"{name}/things")
            for name, contract, step in zip(("old", "new"), contracts, steps, strict=True)
        )
        return differences(new, str(old))

    return of


N = "{name: n, logicalType: integer}"
BOUNDED = CONTRACT.replace(N, f"{{name: {OPTIONS}}}")
COUNTED = CONTRACT + QUALITY


def with_words(words: str) -> tuple[str, str]:
    """The column a with more words."""
    return "name: a, ", f"name: a, {words}, "


def with_file_words(name: str, value: str) -> tuple[str, str]:
    """The contract with a custom property."""
    return "schema:", f"customProperties: [{{property: {name}, value: {value}}}]\nschema:"


# contract, its change, how the sentence begins, for whom the change breaks something, and for whom
# it does turned around
CONTRACT_CHANGES: list[tuple[str, tuple[str, str], str, tuple[str | None, str | None]]] = [
    (CONTRACT, (N, f"{N}\n      - {{name: b}}"), "b: the column is", ("producers", None)),
    (CONTRACT, (N, f"{N}\n      - {{name: b, required: true}}"), "b: the", ("producers", None)),
    (CONTRACT, with_words("required: true"), "a: ", ("producers", "consumers")),
    (CONTRACT, with_words("unique: true"), "(a) ", ("producers", None)),
    (CONTRACT, with_words("primaryKey: true"), "(a) ", ("producers", None)),
    (CONTRACT, with_words("physicalName: A"), "a: the file must", ("producers", "producers")),
    (CONTRACT, ("string", "date"), "a: the type is", ("producers", None)),
    (CONTRACT, with_words("logicalTypeOptions: {pattern: x}"), "a: pattern", ("producers", None)),
    (CONTRACT, with_words("logicalTypeOptions: {maxLength: 3}"), "a: max", ("producers", None)),
    (CONTRACT, (N, f"{{name: {OPTIONS}}}"), "n: minimum 1 is", ("producers", None)),
    (BOUNDED, ("minimum: 1", "minimum: 2"), "n: minimum is", ("producers", None)),
    (BOUNDED, ("maximum: 9", "maximum: 8"), "n: maximum is", ("producers", None)),
    (BOUNDED, ("integer,", "number,"), "n: the type is", (None, "producers")),
    (CONTRACT, ("integer", "number"), "n: the type is", ("producers", "producers")),
    (
        CONTRACT,
        ("integer}", "integer, logicalTypeOptions: {multipleOf: 10}}"),
        "n: multipleOf 10 is",
        ("producers", None),
    ),
    (CONTRACT, ("format: csv", "format: json"), "format of", ("producers", "producers")),
    (
        CONTRACT,
        with_file_words("csvDialect", "{delimiter: ;}"),
        "delimiter of files is",
        ("producers", None),
    ),
    (CONTRACT, with_file_words("missingValues", "['', NA]"), "a: 'NA' ", (None, "producers")),
    (CONTRACT, with_file_words("limits", "{maxRowBytes: 9}"), "limits.max", ("producers", None)),
    (COUNTED, ("Than: 5", "Than: 6"), "rowCount mustBeGreaterThan", ("producers", None)),
    (COUNTED, (QUALITY, ""), "rowCount mustBeGreaterThan 5", (None, "producers")),
]


@pytest.mark.parametrize(("contract", "change", "said", "breaks"), CONTRACT_CHANGES)
def test_a_change_of_the_contract_breaks_what_it_makes_stricter(
    compare: Callable[..., Differences],
    contract: str,
    change: tuple[str, str],
    said: str,
    breaks: tuple[str | None, str | None],
) -> None:
    changed = contract.replace(*change)

    forwards = compare((contract, changed)).changes
    backwards = compare((changed, contract)).changes

    assert breaks[0] in [one.breaks for one in forwards if one.message.startswith(said)], forwards
    # the sentence about what was new says now that it is gone
    subject = said.split(" is", 1)[0]
    found = [one.breaks for one in backwards if one.message.startswith(subject)]
    assert breaks[1] in found, backwards


def test_to_mask_no_longer_is_said_and_breaks_nothing(compare: Callable[..., Differences]) -> None:
    masked = CONTRACT.replace(*with_words("classification: pii"))

    assert compare((CONTRACT, masked)).changes == []
    (change,) = compare((masked, CONTRACT)).changes
    assert (change.message, change.breaks) == ("a: values are no longer masked", None)


@pytest.mark.parametrize(
    ("change", "said", "breaks"),
    [
        (("n + 1", "n || 'x'"), "m: the output's type is string, and was int64", "consumers"),
        (
            ("{m: n + 1}", "{k: n + 1}"),
            "m: the output has no such column any more; k is new, of the same type",
            "consumers",
        ),
        (("n + 1", "n + 1, k: n"), "k: the output has a new column", None),
        (("csv}", "json}"), "write.format is 'json', and was 'csv'", "consumers"),
        (("csv}", "csv, partition_by: [a]}"), "write.partition_by is [a], and was []", "consumers"),
        (("csv}", "csv, null_text: NIL}"), "write.null_text is 'NIL', and was ''", "consumers"),
        (("csv}", "csv, compression: gzip}"), "write.compression is 'gzip', and was None", None),
        (
            ("csv}", "csv}\nrejects: {max_share: 0.1}"),
            "rejects.max_share is 0.1, and was 0.5",
            "producers",
        ),
        (
            ("csv}", "csv}\nrejects: {max_rows: 10}"),
            "rejects.max_rows is 10, and was None",
            "producers",
        ),
        (
            ("csv}", "csv}\ndrift: {extra_column: reject-file}"),
            "drift.extra_column is reject-file, and was ignore",
            "producers",
        ),
        (
            ("csv}", "csv}\ndrift: {missing_column: nulls}"),
            "drift.missing_column is nulls, and was reject-file",
            None,
        ),
        (("csv}", "csv}\nsalvage: true"), "rows are salvaged now", None),
    ],
)
def test_a_change_of_the_steps_breaks_what_readers_rely_on(
    compare: Callable[..., Differences], change: tuple[str, str], said: str, breaks: str | None
) -> None:
    found = compare(steps=(STEPS, STEPS.replace(*change))).changes

    assert (said, breaks) in [(one.message, one.breaks) for one in found]


def test_equal_versions_have_no_differences(compare: Callable[..., Differences]) -> None:
    assert compare().changes == []


def test_a_change_has_both_places(compare: Callable[..., Differences]) -> None:
    (change,) = compare((BOUNDED, BOUNDED.replace("minimum: 1", "minimum: 2"))).changes

    column = BOUNDED.splitlines()[10].index("minimum") + 1
    assert (change.new.line, change.new.column) == (11, column)
    assert (change.old.line, change.old.column) == (11, column)
    assert change.new.file.endswith("new/things/contract.odcs.yaml")
    assert change.old.file.endswith("old/things/contract.odcs.yaml")
    assert str(change).startswith(f"{change.new}: breaking for producers: n: minimum is 2")


def test_breaking_changes_come_first(compare: Callable[..., Differences]) -> None:
    found = compare(steps=(STEPS, STEPS.replace("csv}", "json, compression: gzip}"))).changes

    assert [change.breaks for change in found] == ["consumers", None]


@pytest.mark.parametrize(
    ("old", "new", "breaks", "suggested"),
    [
        ("1.2.3", "1.2.3", "consumers", "2.0.0"),
        ("1.2.3", "1.3.0", "producers", "2.0.0"),
        ("1.2.3", "2.0.0", "producers", None),
        ("1.2.3", "1.2.4", None, "1.3.0"),
        ("1.2.3", "1.3.0", None, None),
        ("v1.2.3", "v1.2.3", None, "1.3.0"),
        ("today", "1.2.3", "consumers", None),
    ],
)
def test_a_version_is_suggested(
    old: str, new: str, breaks: str | None, suggested: str | None
) -> None:
    assert suggested_version(old, new, [Change("x", breaks, HERE, HERE)]) == suggested


def test_without_a_change_any_version_will_do() -> None:
    assert suggested_version("1.0.0", "1.0.0", []) is None


def test_a_contract_alone_is_compared_under_todays_steps(
    write_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_dataset(STEPS)
    (tmp_path / "old.yaml").write_text(CONTRACT.replace("integer", "string"), "utf-8")

    with pytest.raises(VersionError, match="with errors"):  # text has no n + 1
        differences(folder, str(tmp_path / "old.yaml"))
    (tmp_path / "old.yaml").write_text(CONTRACT.replace("integer", "number"), "utf-8")
    found = differences(folder, str(tmp_path / "old.yaml"))

    assert {change.old.file for change in found.changes} >= {str(tmp_path / "old.yaml")}
    assert {change.breaks for change in found.changes} == {"producers", "consumers"}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_revision_is_read_from_git(write_dataset: Callable[..., Path]) -> None:
    # GIVEN a dataset whose first revision had a column more
    folder = write_dataset(STEPS, contract=CONTRACT + "      - {name: b}\n")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "one"],
    ):
        subprocess.run(["git", "-C", str(folder.parent), *command], check=True)
    (folder / "contract.odcs.yaml").write_text(CONTRACT, "utf-8")

    found = differences(folder, "git:HEAD").changes

    assert [change.breaks for change in found] == ["consumers", None]
    assert {change.old.file.split(":")[1] for change in found} == {"HEAD"}
    with pytest.raises(VersionError, match="cannot be read from 'nope'"):
        differences(folder, "git:nope")
    with pytest.raises(VersionError, match="is no revision"):
        differences(folder, "git:--output=x")


def test_what_is_not_there_cannot_be_compared(write_dataset: Callable[..., Path]) -> None:
    with pytest.raises(VersionError, match="name a contract, a dataset's folder, or git:REV"):
        differences(write_dataset(), "no/such/place")
