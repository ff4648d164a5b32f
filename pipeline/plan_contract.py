"""What a compiled plan has from the contract: columns, rules, and how the file is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spelling:
    """How values of a column are written, where it is not as `lexical.py` says for its type.

    The words are those of Frictionless Table Schema. `format` is a JDK date pattern (None for
    ISO 8601); `missing` are the column's own words for no value (None: the file's);
    `zone` is the IANA time zone of timestamps that name none.
    """

    format: str | None = None
    zone: str = "UTC"
    missing: tuple[str, ...] | None = None
    true: tuple[str, ...] | None = None
    false: tuple[str, ...] | None = None
    decimal_char: str = "."
    group_char: str = ""
    bare_number: bool = True


@dataclass(frozen=True)
class Rule:
    """A rule on the values of a column that are present: a registered name and its argument.

    `severity` is `error` (the row is rejected), or `warning` or `info` (the row is counted).
    """

    name: str
    argument: Any = None
    severity: str = "error"


@dataclass(frozen=True)
class Column:
    """A column of the input, as its contract describes it.

    `type` is an ODCS logical type (`string`, `integer`, `number`, `boolean`, `date`, `timestamp`,
    `time`, `object`, `array`); `arrow` the type that its values are read into, as Arrow prints it
    (empty: the logical type's own). `source` is the column's name in the file, or the path to it in
    JSON rows (empty: its name). `masked` columns are shown to nobody: their values stand in the
    output alone.
    """

    name: str
    type: str
    required: bool = False
    masked: bool = False
    timezone: bool = True
    arrow: str = ""
    source: str = ""
    spelling: Spelling = field(default_factory=Spelling)
    rules: tuple[Rule, ...] = ()

    @property
    def source_name(self) -> str:
        """What the file calls the column."""
        return self.source or self.name


@dataclass(frozen=True)
class Check:
    """A rule over the whole file: how often `metric` may be found, in rows or percent.

    `metric` is one of ODCS's library metrics; `columns` are those that it looks at, `argument` what
    makes a value missing or invalid. `operator` is ODCS's (`mustBeLessThan`), `bound` its
    number or pair of numbers.
    """

    metric: str
    columns: tuple[str, ...]
    operator: str
    bound: Any
    unit: str = "rows"
    argument: Any = None
    severity: str = "error"
    name: str = ""


@dataclass(frozen=True)
class Relationship:
    """Columns whose values must stand together in a row of a lookup: a foreign key."""

    columns: tuple[str, ...]
    lookup: str
    to: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """How the file is written: `format` is `csv` or `json` (array of objects or JSON Lines).

    The words are those of Frictionless Table Dialect; None stands for what is not declared, and is
    then found out from the file. `header_rows` are the 1-based lines whose cells, joined by
    `header_join`, name the columns; lines before the last of them are no data. `header_rows` are
    empty where the file has no header: its cells are then the contract's columns in order.
    `footer_rows` is the number of lines at the end that are no data.
    """

    format: str
    delimiter: str | None = None
    quote: str = '"'
    double_quote: bool = True
    escape: str = ""
    line_terminator: str | None = None
    skip_initial_space: bool = False
    header_rows: tuple[int, ...] = (1,)
    header_join: str = " "
    comment: str = ""
    footer_rows: int = 0
    encoding: str | None = None
    compression: str | None = None
    missing_values: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Limits:
    """What a file may demand at once; beyond any of them it is refused.

    `max_bytes` and `max_row_bytes` count UTF-8 text, unpacked; `max_compression_ratio` is the
    text's size over the compressed one; `max_nesting` the depth of JSON values, the row itself
    being 1.
    """

    max_bytes: int = 20 * 1024**3
    max_compression_ratio: int = 400
    max_columns: int = 5_000
    max_row_bytes: int = 4 * 1024**2
    max_nesting: int = 100
