"""The text of a contract that a profile suggests, with the evidence as comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.init_yaml import comment, flow, shown
from pipeline.authoring.profile_rules import ENOUGH_VALUES
from pipeline.authoring.profile_types import snake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.authoring.profile import ColumnProfile, Profile

_INDENT: Final = 8
_NAMED: Final = 3
_ENDINGS: Final = {"csv": "csv", "json": "json", "jsonl": "jsonl"}
_UNUSUAL_ENDING: Final = re.compile(r"\.(tsv|txt|tab|psv|dat)(\.gz)?$", re.IGNORECASE)


def contract_text(profile: Profile, dataset: str) -> str:
    """Return the contract of a dataset whose files are like the profiled one."""
    return "\n".join(
        [
            *_head(profile, dataset),
            *_file(profile, dataset),
            *_table(profile, dataset),
            *(line for column in profile.described for line in _property(column, profile)),
            *_left_out(profile),
            "",
        ]
    )


def rows_read(profile: Profile) -> str:
    """Return in words how many of the file's rows were looked at."""
    sample = profile.sample
    if sample.is_whole:
        return f"all {sample.seen:,} rows"
    return f"{sample.rows:,} of {sample.seen:,} rows (the first, and others spread over the rest)"


def readable(name: str) -> str:
    """Return a name as the beginning of a sentence: `sched_dep_time` is `Sched dep time`."""
    words = snake(name).replace("_", " ").strip() or name.strip()
    return words[:1].upper() + words[1:]


def _head(profile: Profile, dataset: str) -> list[str]:
    guessed = f"Drafted by `pipeline init` from {shown(profile.file)}: {rows_read(profile)}."
    sampled = "" if profile.sample.is_whole else " Rows that were not looked at may break them."
    few = "" if profile.sample.rows >= ENOUGH_VALUES else (
        f" With fewer than {ENOUGH_VALUES} rows there are no ranges, lists and patterns."
    )  # fmt: skip
    return [
        "# yaml-language-server: $schema=../../pipeline/authoring/contract.schema.json",
        f"# The contract of the files that land under input/{dataset}/ (Open Data Contract "
        "Standard).",
        *comment(guessed),
        *comment(
            "Types, required, ranges, lists, patterns and keys are guesses from these rows: "
            f"read each one, correct it, and describe it.{sampled}{few}"
        ),
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {flow(dataset)}",
        f"name: {flow(dataset)}",
        "version: 1.0.0",
        "status: draft",
        "description:",
        f"  purpose: {flow(f'Rows as in {shown(profile.file)}.')}",
    ]


def _file(profile: Profile, dataset: str) -> Iterator[str]:
    kind, source = profile.sniffed.format, profile.sniffed.source
    unusual = _UNUSUAL_ENDING.search(profile.file)
    ending = unusual[0][1:].removesuffix(".gz") if unusual else _ENDINGS[kind]
    location = f"s3://landing/input/{dataset}/*.{ending}"
    server = {"server": "landing", "type": "s3", "location": location, "format": kind}
    yield "servers:"
    yield f"  - {flow(server)}"
    words = [word for word in profile.missing_words if word]
    if kind != "csv" and source.encoding == "utf-8" and not words:
        return
    yield "customProperties:"
    for note in profile.sniffed.notes:
        yield from comment(f"{note[:1].upper()}{note[1:]}.", 2)
    yield f"  - {flow({'property': 'csvDialect', 'value': _dialect(profile)})}"
    for word in words:
        columns = profile.missing_words[word]
        where = ", ".join(shown(name) for name in columns[:_NAMED])
        more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
        yield from comment(f"{shown(repr(word))} counts as missing: seen in {where}{more}.", 2)
    yield f"  - {flow({'property': 'missingValues', 'value': ['', *words]})}"


def _dialect(profile: Profile) -> dict[str, Any]:
    source = profile.sniffed.source
    if source.format != "csv":
        return {"encoding": source.encoding}
    words: dict[str, Any] = {"delimiter": source.delimiter, "quoteChar": source.quote}
    words |= {"doubleQuote": False, "escapeChar": source.escape} if source.escape else {}
    words |= {"skipInitialSpace": True} if source.skip_initial_space else {}
    words |= {"commentChar": source.comment} if source.comment else {}
    words |= {"header": True}
    words |= {"headerRows": list(source.header_rows)} if source.header_rows != (1,) else {}
    words |= {"footerRows": source.footer_rows} if source.footer_rows else {}
    return {**words, "encoding": source.encoding}


def _table(profile: Profile, dataset: str) -> list[str]:
    lines = ["schema:", f"  - name: {flow(dataset)}"]
    if profile.key:
        named = ", ".join(shown(name) for name in profile.key)
        lines += comment(
            f"Primary key: a guess. No two of {rows_read(profile)} agree in {named}; "
            "a later row that repeats a key is rejected.",
            4,
        )
    else:
        lines += comment(
            "Primary key: none suggested itself. `primaryKey: true` on the columns of one has "
            "rows that repeat it rejected.",
            4,
        )
    return [*lines, f"    description: {flow(f'One row of {dataset}.')}", "    properties:"]


def _property(column: ColumnProfile, profile: Profile) -> Iterator[str]:
    inside = " " * _INDENT
    yield f"      - name: {flow(column.name)}"
    yield from _remarks(column, profile)
    if column.source != column.name:
        yield f"{inside}physicalName: {flow(column.source)}"
    yield f"{inside}logicalType: {column.typed.type}"
    if column.typed.physical:
        yield f"{inside}physicalType: {flow(column.typed.physical)}"
    if column.required:
        yield f"{inside}required: true"
    if column.name in profile.key:
        yield f"{inside}primaryKey: true"
        yield f"{inside}primaryKeyPosition: {profile.key.index(column.name) + 1}"
    yield f"{inside}description: {flow(f'{readable(column.name)}.')}"
    if options := _options(column):
        yield f"{inside}logicalTypeOptions: {flow(options)}"
    yield from _written(column, inside)
    if column.rules.valid_values is not None:
        listed = {"validValues": list(column.rules.valid_values)}
        rule = {"metric": "invalidValues", "arguments": listed, "mustBe": 0}
        yield f"{inside}quality:"
        yield f"{inside}  - {flow(rule)}"


def _written(column: ColumnProfile, inside: str) -> Iterator[str]:
    """How the column's values are written, where its type and the file do not say it."""
    words = {"missingValues": list(column.own_words)} if column.own_words else {}
    custom = words | dict(column.typed.written)
    if custom:
        yield f"{inside}customProperties:"
    for word, value in custom.items():
        yield f"{inside}  - {flow({'property': word, 'value': value})}"


def _options(column: ColumnProfile) -> dict[str, Any]:
    kind = column.typed
    options: dict[str, Any] = {"format": kind.format} if kind.format else {}
    if kind.type == "timestamp":
        options["timezone"] = kind.timezone
    return options | column.rules.options


def _remarks(column: ColumnProfile, profile: Profile) -> Iterator[str]:
    missing = f"{column.missing:,} missing" if column.missing else "none missing"
    observed = "; ".join(filter(None, (column.rules.observed, missing)))
    yield from comment(f"Observed: {shown_observed(observed)}", _INDENT)
    if column.typed.note:
        yield from comment(column.typed.note, _INDENT)
    if column.is_unique and profile.key != (column.name,):
        yield from comment(
            "No value stands in two rows: `unique: true`, if that is a rule", _INDENT
        )
    if column.is_personal:
        yield from comment("Perhaps personal data: `classification: confidential`", _INDENT)


def shown_observed(text: str) -> str:
    """Return the evidence on one line, cut where it gets long."""
    most = 160
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _left_out(profile: Profile) -> Iterator[str]:
    for column in profile.left_out:
        yield from comment(
            f"{shown(repr(column.name))} is not here, and passed over in files: it "
            f"{column.left_out}.",
            6,
        )
