"""A property's `logicalTypeOptions`: rules on its values, and how they are written."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import InvalidPlanError
from pipeline.jdk_format import compiled_format
from pipeline.plan_contract import Rule
from pipeline.string_formats import STRING_FORMATS

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Place

_RULES: Final = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
"""Options that are rules of the same name."""
_RANGES: Final = (
    ("minimum", "maximum"),
    ("minimum", "exclusiveMaximum"),
    ("exclusiveMinimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)
_MOMENTS: Final = ("date", "timestamp", "time")
_ALIEN_LETTERS: Final = {
    "date": set("HhKkmsSaXxZzVO"),
    "time": set("yuMLdEXxZzVO"),
    "timestamp": set(),
    "timestamp without timezone": set("XxZzVO"),
}
_UTC: Final = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu"})
_WIDE_BITS: Final = 64


@dataclass(frozen=True)
class Options:
    """What the options say; `format` is a date pattern, `zone` that of moments without one."""

    rules: tuple[Rule, ...] = ()
    format: str | None = None
    zone: str = "UTC"
    timezone: bool = True


def options_of(options: dict[str, Any], logical: str, arrow: str, place: Place) -> Options:
    """Return what the options of a column say; errors go to the place."""
    _check_ranges(options, place)
    declared = options.get("format")
    moment = declared is not None and logical in _MOMENTS
    if moment:
        _check_pattern(options, logical, place.at("format"))
    rules = [] if moment else _format_rules(declared, logical, arrow, place.at("format"))
    return Options(
        rules=(*_rules(options), *rules),
        format=declared if moment else None,
        zone=_zone(options, logical, place),
        timezone=bool(options.get("timezone", True)) or "defaultTimezone" in options,
    )


def _rules(options: dict[str, Any]) -> list[Rule]:
    named = [
        Rule(option, options[option])
        for option in _RULES
        if option in options and options[option] is not False
    ]
    if "required" in options:  # names that an object must have; a column's own word is `required`
        named.append(Rule("requiredProperties", options["required"]))
    return named


def _check_ranges(options: dict[str, Any], place: Place) -> None:
    """No value can satisfy a range that ends before it begins."""
    for lowest, highest in _RANGES:
        low, high = options.get(lowest), options.get(highest)
        if _is_above(low, high):
            place.at(highest).error(f"{highest} {high} is below {lowest} {low}: no value fits")
        elif low is not None and low == high and "exclusive" in f"{lowest}{highest}":
            place.at(highest).error(f"{highest} {high} rules {lowest} {low} out: no value fits")


def _is_above(low: Any, high: Any) -> bool:
    if isinstance(low, str) and isinstance(high, str):
        return low > high
    numbers = isinstance(low, (int, float)) and isinstance(high, (int, float))
    return numbers and bool(low > high)


def _format_rules(declared: str | None, logical: str, arrow: str, place: Place) -> list[Rule]:
    if declared is None:
        return []
    if logical == "integer":
        return _integer_rules(declared, arrow, place)
    if logical == "string" and declared in STRING_FORMATS:
        return [Rule("format", declared)]
    if logical == "string":
        known = ", ".join(sorted(STRING_FORMATS))
        place.note(f"format {declared!r} is not enforced by the pipeline, which knows {known}")
    if declared == "f32":
        place.note("format f32 is not enforced by the pipeline: numbers are 64 bits wide")
    return []


def _integer_rules(declared: str, arrow: str, place: Place) -> list[Rule]:
    """Range of a Rust integer type; what is wider than 64 bits needs decimals to be read at all."""
    signed, bits = declared[0] == "i", int(declared[1:])
    lowest = Rule("minimum", -(2 ** (bits - 1)) if signed else 0)
    highest = Rule("maximum", 2 ** (bits - signed) - 1)
    if bits < _WIDE_BITS:
        return [lowest, highest]
    if not arrow and declared != "i64":
        digits = 20 if bits == _WIDE_BITS else 38
        place.note(
            f"format {declared} is not enforced beyond signed 64 bits, in which integers are "
            f"read; physicalType: DECIMAL({digits},0) reads all of its values"
        )
    if arrow and bits == _WIDE_BITS:
        return [lowest, highest]
    return [] if signed else [lowest]


def _check_pattern(options: dict[str, Any], logical: str, place: Place) -> None:
    declared = options["format"]
    try:
        compiled_format(declared)
    except InvalidPlanError as error:
        place.error(str(error))
        return
    local = logical == "timestamp" and options.get("timezone") is False
    kind = "timestamp without timezone" if local else logical
    alien = set(re.sub(r"'[^']*'", "", declared)) & _ALIEN_LETTERS[kind]
    if alien:
        place.error(f"the format has {', '.join(sorted(alien))}, which no {kind} has")


def _zone(options: dict[str, Any], logical: str, place: Place) -> str:
    """Zone of moments that are written without one; UTC has several names.

    `UTC` stands for one that nobody declared: ISO 8601 without an offset is no moment then.
    """
    declared = str(options.get("defaultTimezone", "UTC"))
    if logical == "time":
        for word in sorted({"timezone", "defaultTimezone"} & options.keys()):
            place.at(word).note(f"{word} of a time is not enforced by the pipeline")
    if declared not in _zones():
        place.at("defaultTimezone").error(
            f"{declared!r} is no IANA time zone; say Europe/Paris, for example, or Etc/UTC"
        )
    if "defaultTimezone" not in options:
        return "UTC"
    return "Etc/UTC" if declared in _UTC else declared


@cache
def _zones() -> set[str]:
    """Names of time zones; looking for them in the system's folders takes 10 ms."""
    return zoneinfo.available_timezones()
