"""What a file's rows say about its columns: the facts and guesses that `pipeline init` writes down.

Everything is derived from a sample of the rows by the rules that validate will apply to them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.compute as pc

from pipeline.authoring.profile_header import contract_names, looks_like_a_row, names_like_values
from pipeline.authoring.profile_keys import KeyColumn, can_be_key, key_candidate
from pipeline.authoring.profile_layout import layout_of
from pipeline.authoring.profile_rules import Rules, padded, suggested_rules
from pipeline.authoring.profile_sample import Sample, Spellings, read_sample
from pipeline.authoring.profile_types import Typed, snake, typed
from pipeline.authoring.profile_words import missing_words, words_of_file
from pipeline.authoring.sniff import Sniffed, sniffed
from pipeline.lexical import parsed
from pipeline.plan import is_own_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

_MOST_MALFORMED: Final = 0.5
_AS_TEXT: Final = frozenset({"string", "object", "array"})
_NO_NAME: Final = "has no name"
_TWICE: Final = "shares its name with another column"
_OUR_NAME: Final = "begins with _: such names are the pipeline's own"
_OWN_NAME: Final = "has a name that the pipeline needs for itself"
_PERSONAL: Final = re.compile(
    r"(^|_)(e_?mail|phone|mobile|fax|ssn|passport|birth|birthday|dob|iban|first_?name|last_?name"
    r"|surname|full_?name|maiden|street|address)($|_)"
)
_EMAILS: Final = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


class ProfileError(Exception):
    """A file that no contract can be made of.

    Parameters
    ----------
    reason
        What is wrong with it, without a full stop.
    remedy
        What to do about it, as a clause.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason}. {remedy}")


@dataclass(frozen=True)
class ColumnProfile:
    """What the sample says of one column.

    `source` is what the file calls it, or the path to it in JSON rows. `missing` and `padded` count
    rows without a value and values with white space around them; `own_words` are missing words
    that only this column has, in place of the file's; `is_personal` is a guess by name and values;
    `left_out` says why the contract cannot have the column (empty if it can).
    """

    name: str
    source: str
    typed: Typed
    rules: Rules
    rows: int
    missing: int
    distinct: int
    padded: int
    is_personal: bool
    left_out: str
    own_words: tuple[str, ...]
    codes: npt.NDArray[np.int64] = field(repr=False)

    @property
    def required(self) -> bool:
        """Whether every row has a value."""
        return self.missing == 0

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.required and self.distinct == self.rows > 1

    @property
    def can_be_key(self) -> bool:
        """Whether the column may tell rows apart; names of people do so by accident only."""
        return self.required and can_be_key(self.typed.type) and not self.is_personal

    @property
    def key_column(self) -> KeyColumn:
        """The column as a candidate for the key."""
        return KeyColumn(self.name, self.typed.type, self.codes, self.distinct)


@dataclass(frozen=True)
class Profile:
    """What a file's sample says.

    `missing_words` maps each of the file's words for a missing value to the columns that show it
    to be one; `notes` are sentences about guesses that a person should look at.
    """

    file: str
    sniffed: Sniffed
    sample: Sample
    columns: tuple[ColumnProfile, ...]
    key: tuple[str, ...]
    missing_words: Mapping[str, list[str]]
    notes: tuple[str, ...]

    @property
    def described(self) -> tuple[ColumnProfile, ...]:
        """The columns that the contract has."""
        return tuple(column for column in self.columns if not column.left_out)

    @property
    def left_out(self) -> tuple[ColumnProfile, ...]:
        """The columns that it cannot have."""
        return tuple(column for column in self.columns if column.left_out)


def profiled(
    path: Path,
    *,
    most_rows: int,
    encoding: str | None = None,
    delimiter: str | None = None,
    trust_header: bool = False,
) -> Profile:
    """Return what a file's rows say.

    Parameters
    ----------
    most_rows
        Rows to look at: of a longer file the first half of them, the others spread over the rest.
    encoding, delimiter
        What is known of the file, and not to be guessed.
    trust_header
        Take the first line of a CSV file as names, even if it looks like a row.

    Raises
    ------
    ProfileError
        If the file has no header, hardly a regular row, or no column that a contract can have.
    DataError
        If it cannot be read; see `pipeline/errors.py`.
    """
    written = sniffed(path, encoding=encoding, delimiter=delimiter)
    written, sample, header = _read(path, written, most_rows)
    _check_rows(sample, written)
    words = missing_words(sample.columns)
    of_file = words_of_file(sample.columns, words)
    names = contract_names(list(sample.columns), paths=written.format != "csv")
    columns = tuple(
        _column(
            names[source],
            said,
            spellings,
            left_out=_unusable(said, header),
            of_file=["", *of_file],
            own=[word for word in words if word not in of_file and source in words[word]],
            rows=sample.rows,
        )
        for (source, spellings), said in zip(sample.columns.items(), header, strict=True)
    )
    types = {column.name: column.typed.type for column in columns if written.format == "csv"}
    if not trust_header and looks_like_a_row(types):
        raise ProfileError(
            f"the first line of {path.name} looks like a row, not like names: "
            f"{', '.join(list(types)[:5])}",
            "Files need a header: add one; or, if these are the names, add --trust-header",
        )
    good = [column for column in columns if not column.left_out]
    if not good:
        reasons = "; ".join(f"{column.name!r} {column.left_out}" for column in columns[:5])
        raise ProfileError(
            f"{path.name} has no column that a contract can have: {reasons}",
            "Deliver one object or row per record",
        )
    return Profile(
        file=path.name,
        sniffed=written,
        sample=sample,
        columns=columns,
        key=key_candidate([one.key_column for one in good if one.can_be_key]),
        missing_words=of_file,
        notes=(*written.notes, *_header_notes(types), *_notes(sample, columns)),
    )


def _read(path: Path, written: Sniffed, most_rows: int) -> tuple[Sniffed, Sample, list[str]]:
    """The dialect, the sample, and the columns' names as they stand in the file.

    Read without quotes where a quote is no more than a character of the text.
    """
    if written.format != "csv":
        sample = read_sample(path, written.source, most_rows=most_rows)
        return written, sample, list(sample.columns)
    layout = layout_of(path, written.source)
    notes = (*written.notes, *layout.notes)
    written = replace(written, source=layout.applied(written.source), notes=notes)
    sample = read_sample(path, written.source, most_rows=most_rows)
    if sample.malformed and written.source.quote:
        bare = written.without_quotes()
        plain = read_sample(path, bare.source, most_rows=most_rows)
        if not plain.malformed and not _has_quoted(plain, written.source.quote):
            return bare, plain, list(plain.columns)
    return written, sample, list(layout.names)


def _unusable(name: str, header: list[str]) -> str:
    """Why a column of a file cannot be named in a contract; empty if it can."""
    if not name.strip():
        return _NO_NAME
    if is_own_name(name):
        return _OWN_NAME
    return _TWICE if header.count(name) > 1 else ""


def _has_quoted(sample: Sample, quote: str) -> bool:
    """Whether a name has a quote in it, or a value stands between two."""
    quoted = f"^{re.escape(quote)}.*{re.escape(quote)}$"
    return any(
        quote in name or pc.any(pc.match_substring_regex(one.values, quoted)).as_py()
        for name, one in sample.columns.items()
    )


def _check_rows(sample: Sample, written: Sniffed) -> None:
    bad = sample.first_malformed
    if bad is None or sample.malformed <= _MOST_MALFORMED * sample.seen:
        return
    raise ProfileError(
        f"{sample.malformed:,} of {sample.seen:,} rows cannot be taken apart: in row "
        f"{bad.row_number}, {bad.violations[0].message}",
        f"Check the delimiter, taken to be {written.source.delimiter!r} (--delimiter), and for "
        "lines above the header"
        if written.format == "csv"
        else "Deliver one JSON object a line, or one array of objects",
    )


def _column(
    name: str,
    source: str,
    written: Spellings,
    *,
    left_out: str,
    of_file: list[str],
    own: list[str],
    rows: int,
) -> ColumnProfile:
    spellings = written.without({*of_file, *own})
    kind = typed(name, spellings)
    left_out = left_out or (_OUR_NAME if name.startswith("_") else "") or kind.impossible
    codes, distinct = _typed_codes(spellings, kind)
    is_text = kind.type == "string"
    emails = is_text and len(spellings.values) > 0 and _all_match(spellings, _EMAILS)
    return ColumnProfile(
        name=source if left_out else name,
        source=source,
        typed=kind,
        rules=Rules() if left_out else suggested_rules(name, kind, spellings),
        rows=rows,
        missing=int((spellings.codes < 0).sum()),
        distinct=distinct,
        padded=padded(spellings.values) if is_text else 0,
        is_personal=emails or (is_text and bool(_PERSONAL.search(snake(name)))),
        left_out=left_out,
        own_words=(*of_file, *own) if own else (),
        codes=codes,
    )


def _all_match(spellings: Spellings, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(spellings.values, pattern)).as_py())


def _typed_codes(spellings: Spellings, kind: Typed) -> tuple[npt.NDArray[np.int64], int]:
    """Rows by the number of their typed value: `7` and `+7` are one integer."""
    values = spellings.values
    if kind.impossible or kind.type in _AS_TEXT:
        return spellings.codes, len(values)
    encoded = parsed(values, kind.column("")).values.dictionary_encode()
    numbers = np.append(encoded.indices.to_numpy(zero_copy_only=False), -1)
    return numbers[spellings.codes].astype(np.int64), len(encoded.dictionary)


def _header_notes(types: Mapping[str, str]) -> list[str]:
    names = names_like_values(types)
    if not names:
        return []
    some = ", ".join(names[:3])
    return [f"{some}: names like values; look whether the first line is a header"]


def _notes(sample: Sample, columns: tuple[ColumnProfile, ...]) -> list[str]:
    notes = []
    if bad := sample.first_malformed:
        rows = "row" if sample.malformed == 1 else "rows"
        notes.append(
            f"{sample.malformed:,} {rows} will be rejected whatever the contract says: row "
            f"{bad.row_number}, {bad.violations[0].message}"
        )
    notes += [f"{column.name!r} is left out: it {column.left_out}" for column in columns
              if column.left_out]  # fmt: skip
    lower = [column.name.lower() for column in columns]
    twins = sorted({name for name in lower if lower.count(name) > 1})
    notes += [f"columns that differ by case alone ({name}): SQL cannot tell them apart"
              for name in twins]  # fmt: skip
    return notes
