"""What a property's `physicalType` says about the type that its values are read into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Place

_DECLARED: Final = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9_ ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\))?(?:\s.*)?"
)
_DECIMALS: Final = frozenset({"decimal", "numeric", "number", "dec"})
_TEXTS: Final = frozenset({"varchar", "char", "nvarchar", "nchar", "character varying"})
_NARROW: Final = {"tinyint": "i8", "int1": "i8", "smallint": "i16", "int2": "i16"}
_READ_AS: Final = {"integer": "64-bit integers", "number": "doubles"}
_MAX_DIGITS: Final = 38


def physical_type(declared: str | None, logical: str, place: Place) -> str:
    """Return the Arrow type that a column is read into, empty for its logical type's own.

    Only decimals have digits that the logical type does not tell; what else a physical type
    promises about the values is noted, with the word that has it enforced.
    """
    parts = _DECLARED.fullmatch(declared or "")
    if parts is None:
        return ""
    kind, digits, scale = parts[1].lower(), parts[2], parts[3]
    if kind in _DECIMALS and logical in _READ_AS:
        if digits is not None:
            return _decimal(int(digits), int(scale or 0), logical, place)
        place.warning(
            f"physicalType {declared} says nothing of its digits, so that values are read as "
            f"{_READ_AS[logical]}; say DECIMAL(p,s) to keep all digits"
        )
    elif kind in _TEXTS and digits and logical == "string":
        place.note(
            f"the length of physicalType {declared} is not enforced by the pipeline; "
            f"logicalTypeOptions.maxLength: {digits} says it"
        )
    elif kind in _NARROW and logical == "integer":
        place.note(
            f"the range of physicalType {declared} is not enforced by the pipeline; "
            f"logicalTypeOptions.format: {_NARROW[kind]} says it"
        )
    return ""


def _decimal(digits: int, scale: int, logical: str, place: Place) -> str:
    if not 1 <= digits <= _MAX_DIGITS:
        place.error(f"a decimal has 1 to {_MAX_DIGITS} digits, not {digits}")
    elif not 0 <= scale <= digits:
        place.error(f"a decimal of {digits} digits has 0 to {digits} after the point, not {scale}")
    elif logical == "integer" and scale:
        place.error("an integer has no digits after the point; say logicalType: number")
    else:
        return f"decimal128({digits}, {scale})"
    return ""
