"""How numbers are written: signs, points, groups of digits, what stands around them.

A number in the spelling of its column is rewritten to the plain one (`-1234.5`, `1e3`), which
Arrow casts. Groups of digits are taken for such only where they look like it, so that no sign
is passed over that may have meant something else: `1,5` is no number of thousands.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from pipeline.plan_contract import Spelling

INTEGER: Final = r"^[+-]?[0-9]+$"
NUMBER: Final = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"

_EXPONENT: Final = "(?:[eE][+-]?[0-9]+)?"
_AROUND: Final = r"[^\p{N}\p{Pd}+()\x{2212}-]"
"""A sign of what may stand around a number: none that may belong to it. (5) may be minus five."""

_SURE_DIGITS: Final = 15
_MOST_DIGITS: Final = 767
"""A double keeps any number of 15 digits, and is itself a number of at most 767."""
_DECIMAL_DIGITS: Final = 38
_LEAST_NORMAL: Final = 2.2250738585072014e-308


def plain_numbers(text: pa.Array, spelling: Spelling, *, whole: bool) -> pa.Array:
    """Return numbers in the plain spelling without a plus sign; null where the text is none.

    Parameters
    ----------
    text
        String values without white space around them.
    whole
        Whether only integers are asked for.
    """
    pattern, rewrite = _expression(
        spelling.decimal_char, spelling.group_char, spelling.bare_number, whole
    )
    if rewrite is None:
        return pc.replace_substring_regex(matching(text, pattern), r"^\+", "")
    plain = pc.replace_substring_regex(matching(text, pattern), pattern, rewrite)
    if spelling.group_char:
        plain = pc.replace_substring(plain, spelling.group_char, "")
    if spelling.decimal_char != "." and not whole:
        plain = pc.replace_substring(plain, spelling.decimal_char, ".")
    return pc.replace_substring_regex(plain, r"^\+", "")


def matching(text: pa.Array, pattern: str) -> pa.Array:
    """Return the text where the pattern matches, null elsewhere."""
    matches = pc.match_substring_regex(text, pattern)
    if pc.all(matches, skip_nulls=True, min_count=0).as_py():
        return text
    return pc.if_else(matches, text, pa.scalar(None, pa.string()))


@cache
def _expression(point: str, group: str, bare: bool, whole: bool) -> tuple[str, str | None]:
    """Expression of a spelling, and its rewrite to sign and number (None: as it stands)."""
    if bare and not group and (whole or point == "."):
        return (INTEGER if whole else NUMBER), None
    digits = _grouped(group)
    after = "" if whole else f"(?:{re.escape(point)}[0-9]*)?{_EXPONENT}"
    fraction = "" if whole else f"|{re.escape(point)}[0-9]+{_EXPONENT}"
    if bare:
        return f"^([+-]?(?:{digits}{after}{fraction}))$", r"\1"
    # A number after other signs begins with a digit: the point of `Rs.5` is none of its own.
    before = f"(?:{_AROUND}*{_without(_AROUND, f'.,{point}')})?"
    signed = f"(?:([+-]){before}|{before}([+-]?))({digits}{after})"
    alone = "" if whole else f"|([+-]?{fraction[1:]})"
    rewrite = r"\1\2\3" if whole else r"\1\2\3\4"
    return f"^(?:{signed}{alone}){_AROUND}*$", rewrite


def _without(sign: str, others: str) -> str:
    """Class of signs without some."""
    return f"{sign[:-2]}{re.escape(others)}-]"


def _grouped(group: str) -> str:
    """Digits, in groups of three (or, as in India, of two before the last three) or in one."""
    if not group:
        return "[0-9]+"
    mark = re.escape(group)
    return f"(?:[0-9]{{1,3}}(?:{mark}[0-9]{{2,3}})*{mark}[0-9]{{3}}|[0-9]+)"


def lost_digits(text: pa.Array, values: pa.Array) -> pa.Array | None:
    """Return the mask of plain numbers whose digits a double does not keep; None if there are none.

    A double keeps a number's digits if it gives them back when it is written with as many. So 17
    digits that were written from a double are kept, and an identifier of 17 digits is not.
    Numbers of many digits are compared with the shortest text of their double first; the others,
    one by one.

    Parameters
    ----------
    text, values
        Numbers in the plain spelling, and what they were read as (float64, finite).
    """
    suspects = _suspects(text, values)
    if suspects is None:
        return None
    doubted = pc.and_(suspects, pc.not_equal(values.cast(pa.string()), text))
    at = pc.indices_nonzero(pc.fill_null(doubted, False))
    if not len(at):
        return None
    pairs = zip(text.take(at).to_pylist(), values.take(at).to_pylist(), strict=True)
    lost = [not _is_kept(digits, value) for digits, value in pairs]
    return pc.replace_with_mask(
        pa.nulls(len(text), pa.bool_()).fill_null(False),
        pc.fill_null(doubted, False),
        pa.array(lost, pa.bool_()),
    )


def _suspects(text: pa.Array, values: pa.Array) -> pa.Array | None:
    """Numbers of more digits than are sure to be kept, or too near to zero."""
    found = None
    longest = pc.max(pc.binary_length(text)).as_py() or 0
    if longest > _SURE_DIGITS:
        found = pc.match_substring_regex(text, rf"[1-9](?:\.?[0-9]){{{_SURE_DIGITS},}}")
    least = pc.min(pc.abs(values)).as_py()
    if least is not None and least < _LEAST_NORMAL:
        near_zero = pc.and_(
            pc.less(pc.abs(values), _LEAST_NORMAL),
            pc.match_substring_regex(text, "^[^eE]*[1-9]"),
        )
        found = near_zero if found is None else pc.or_(found, near_zero)
    return found if found is not None and pc.any(found).as_py() else None


def _is_kept(text: str, value: float) -> bool:
    """Whether a double gives the text's number when written with as many digits, or as few."""
    try:
        exact = Decimal(text)
    except ArithmeticError:  # an exponent beyond all numbers
        return False
    digits = "".join(map(str, exact.as_tuple().digits)).strip("0")
    if len(digits) > _MOST_DIGITS or not math.isfinite(value):
        return False
    written = f"{value:.{max(len(digits), 1) - 1}e}"
    return exact in (Decimal(written), Decimal(repr(value)))


def fitting(text: pa.Array, kind: pa.Decimal128Type) -> pa.Array:
    """Return plain numbers as Arrow casts them exactly; null for some without room in the type.

    Arrow takes the digits of a text for a number before it looks how many there are: of more than
    its words hold it makes another number. Such texts, and exponents, are looked at one by one.
    """
    odd = pc.or_(
        pc.greater(pc.binary_length(text), _DECIMAL_DIGITS), pc.match_substring_regex(text, "[eE]")
    )
    at = pc.indices_nonzero(pc.fill_null(odd, False))
    if not len(at):
        return text
    plain = [_fitted(digits, kind) for digits in text.take(at).to_pylist()]
    return pc.replace_with_mask(text, pc.fill_null(odd, False), pa.array(plain, pa.string()))


def _fitted(text: str, kind: pa.Decimal128Type) -> str | None:
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except ArithmeticError:
        return None
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    places = -(int(exponent) + len(written) - len(kept))
    if not kept:
        return "0"
    if places > kind.scale or len(kept) - places > kind.precision - kind.scale:
        return None
    return f"{Decimal((sign, tuple(map(int, kept)), -places)):f}"
