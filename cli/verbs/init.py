"""`init`: drafts a dataset from a sample file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import CliError
from cli.options import AsJson  # noqa: TC001 - Typer reads it at run time
from cli.output import print_json, say, stdout
from cli.paths import DATASETS
from pipeline.errors import DataError

if TYPE_CHECKING:
    from pipeline.authoring.init import Draft
    from pipeline.authoring.profile import ColumnProfile, Profile

MOST_ROWS = 500_000


def init(
    file: Annotated[Path, typer.Argument(help="A CSV, TSV or JSON file, plain or packed.")],
    *,
    dataset: Annotated[
        str | None, typer.Option(help="Name of the dataset; left out, the file's name.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Folder of datasets; left out, the project's.")
    ] = None,
    rows: Annotated[
        int, typer.Option(min=1, help="Rows to look at; of more, the first and a spread.")
    ] = MOST_ROWS,
    encoding: Annotated[
        str | None, typer.Option(help="The file's encoding; left out, a guess.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="What stands between cells; left out, a guess.")
    ] = None,
    trust_header: Annotated[
        bool,
        typer.Option("--trust-header", help="The first line is names, whatever it looks like."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the files of a dataset that is there.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the files instead of writing them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draft a dataset, its contract and its steps, from a sample file.

    Types, required, ranges, lists, patterns and keys are guessed from the rows; the evidence
    stands in the files as comments. Nothing is overwritten without --force.

    For example:
      pipeline init sales.csv
      pipeline init export.json --dataset orders --dry-run
      pipeline init sales.csv --json | jq '.columns[] | select(.required)'
    """
    # The readers are heavy, and no other verb needs them.
    from pipeline.authoring.init import dataset_name, draft_of  # noqa: PLC0415

    name = _checked_name(dataset or dataset_name(file))
    folder = (into or DATASETS) / name
    _check_file(file)
    _check_encoding(encoding)
    if not dry_run and not force:
        _check_absent(folder)
    profile = _profiled(file, rows, encoding, _character(delimiter), trust_header=trust_header)
    draft = draft_of(profile, name)
    errors = [str(one) for one in draft.findings() if one.severity == "error"]
    if errors:
        raise AssertionError(f"the draft of {file} does not pass: {errors}")
    if not dry_run:
        draft.write(folder)
    if as_json:
        print_json(_record(profile, draft, folder, written=not dry_run))
        return
    _tell(profile, draft, folder, file, dry_run=dry_run)


def _tell(profile: Profile, draft: Draft, folder: Path, file: Path, *, dry_run: bool) -> None:
    """The guesses; with `--dry-run` the files on stdout, and the rest beside them."""
    from cli.init_table import column_table, what_next  # noqa: PLC0415
    from pipeline.authoring.init_contract import rows_read  # noqa: PLC0415

    say(f"Looked at {rows_read(profile)} of {file}.")
    for note in profile.notes:
        say(f"Note: {note}.")
    if dry_run:
        for path, text in zip(draft.paths(folder), draft.files.values(), strict=True):
            stdout().print(f"# --- {path}\n{text}", markup=False)
        return
    stdout().print(column_table(profile))
    for line in what_next(draft.paths(folder), draft.dataset, file, folder.parent):
        stdout().print(line, markup=False)


def _checked_name(name: str) -> str:
    from pipeline.authoring.init import is_dataset_name  # noqa: PLC0415

    if is_dataset_name(name):
        return name
    raise CliError(
        f"{name!r} is no name for a dataset",
        "Use letters, digits, _ and -, beginning with a letter or digit",
    )


def _check_file(file: Path) -> None:
    if not file.is_file():
        what = "a folder, not a file" if file.is_dir() else "not there"
        raise CliError(f"{file} is {what}", "Give the path of a CSV or JSON file")


def _check_encoding(encoding: str | None) -> None:
    try:
        "".encode(encoding or "utf-8")
    except LookupError:
        raise CliError(f"there is no encoding {encoding!r}", "Try utf-8 or cp1252") from None


def _character(delimiter: str | None) -> str | None:
    """The delimiter; shells have no easy way to write a tab."""
    if delimiter in ("tab", "\\t"):
        return "\t"
    if delimiter is not None and len(delimiter.encode()) != 1:
        raise CliError(f"{delimiter!r} is no delimiter", "It is one character, or the word tab")
    return delimiter


def _check_absent(folder: Path) -> None:
    from pipeline.authoring.contract import CONTRACT_FILE  # noqa: PLC0415
    from pipeline.authoring.steps import PIPELINE_FILE  # noqa: PLC0415

    there = [folder / name for name in (CONTRACT_FILE, PIPELINE_FILE) if (folder / name).exists()]
    if there:
        raise CliError(
            f"{there[0]} is there already",
            "Name another dataset with --dataset, look with --dry-run, or replace it with --force",
        )


def _profiled(
    file: Path, rows: int, encoding: str | None, delimiter: str | None, *, trust_header: bool
) -> Profile:
    from pipeline.authoring.profile import ProfileError, profiled  # noqa: PLC0415

    try:
        return profiled(
            file,
            most_rows=rows,
            encoding=encoding,
            delimiter=delimiter,
            trust_header=trust_header,
        )
    except ProfileError as error:
        raise CliError(error.reason, error.remedy) from error
    except DataError as error:
        raise CliError(f"{file.name}: {error.reason.rstrip('.')}", error.remedy) from error


def _record(profile: Profile, draft: Draft, folder: Path, *, written: bool) -> dict[str, Any]:
    """What `--json` prints."""
    source = profile.sniffed.source
    return {
        "dataset": draft.dataset,
        "written": written,
        "files": {
            str(path): text
            for path, text in zip(draft.paths(folder), draft.files.values(), strict=True)
        },
        "format": profile.sniffed.format,
        "delimiter": source.delimiter if source.format == "csv" else None,
        "encoding": source.encoding,
        "header_rows": list(source.header_rows) if source.format == "csv" else None,
        "footer_rows": source.footer_rows,
        "missing_values": list(profile.missing_words),
        "rows": {
            "in_file": profile.sample.seen,
            "looked_at": profile.sample.rows,
            "malformed": profile.sample.malformed,
        },
        "primary_key": list(profile.key),
        "columns": [_column_record(column) for column in profile.described],
        "left_out": {column.name: column.left_out for column in profile.left_out},
        "notes": list(profile.notes),
    }


def _column_record(column: ColumnProfile) -> dict[str, Any]:
    return {
        "name": column.name,
        "source": column.source,
        "type": column.typed.type,
        "physical_type": column.typed.physical or None,
        "format": column.typed.format,
        "written": dict(column.typed.written),
        "missing_values": list(column.own_words) or None,
        "required": column.required,
        "unique": column.is_unique,
        "missing": column.missing,
        "distinct": column.distinct,
        "rules": column.rules.options,
        "valid_values": column.rules.valid_values,
        "observed": column.rules.observed,
        "note": column.typed.note,
    }
