"""Names of months and weekdays in other languages than English, short and in full.

The forms are those of Unicode's CLDR, with the short ones that are written beside them; a full
stop after a short form is not part of it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.jdk_format import MONTHS, WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORT: Final = 3
_LETTER: Final = r"[^\W\d_]"
_QUOTED: Final = re.compile("'[^']*'")
_NAMES: Final = re.compile("M{3,4}|E{3,4}")

# Twelve months or seven days from Monday; spellings of one are separated by /.
MONTH_NAMES: Final[dict[str, tuple[str, str]]] = {
    "en": (
        "jan feb mar apr may jun jul aug sep/sept oct nov dec",
        "january february march april may june july august september october november december",
    ),
    "de": (
        "jan/jän feb mär/mrz/märz apr mai jun/juni jul/juli aug sep/sept okt nov dez",
        "januar/jänner februar/feber märz april mai juni juli august september oktober november "
        "dezember",
    ),
    "fr": (
        "janv/jan févr/fév/fevr/fev mars/mar avr mai juin/jun juil/jul août/aout/aoû sept/sep oct "
        "nov déc/dec",
        "janvier février/fevrier mars avril mai juin juillet août/aout septembre octobre novembre "
        "décembre/decembre",
    ),
    "es": (
        "ene feb mar abr may jun jul ago sep/sept/set oct nov dic",
        "enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre noviembre "
        "diciembre",
    ),
    "it": (
        "gen feb mar apr mag giu lug ago set/sett ott nov dic",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
        "dicembre",
    ),
    "pt": (
        "jan fev mar abr mai jun jul ago set out nov dez",
        "janeiro fevereiro março/marco abril maio junho julho agosto setembro outubro novembro "
        "dezembro",
    ),
    "nl": (
        "jan feb mrt/maa apr mei jun jul aug sep/sept okt nov dec",
        "januari februari maart april mei juni juli augustus september oktober november december",
    ),
}
WEEKDAY_NAMES: Final[dict[str, tuple[str, str]]] = {
    "en": (
        "mon tue/tues wed thu/thur/thurs fri sat sun",
        "monday tuesday wednesday thursday friday saturday sunday",
    ),
    "de": (
        "mo di mi do fr sa so",
        "montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag",
    ),
    "fr": (
        "lun mar mer jeu ven sam dim",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
    ),
    "es": (
        "lun mar mié/mie jue vie sáb/sab dom",
        "lunes martes miércoles/miercoles jueves viernes sábado/sabado domingo",
    ),
    "it": (
        "lun mar mer gio ven sab dom",
        "lunedì/lunedi martedì/martedi mercoledì/mercoledi giovedì/giovedi venerdì/venerdi sabato "
        "domenica",
    ),
    "pt": (
        "seg ter qua qui sex sáb/sab dom",
        "segunda-feira/segunda terça-feira/terça quarta-feira/quarta quinta-feira/quinta "
        "sexta-feira/sexta sábado/sabado domingo",
    ),
    "nl": (
        "ma di wo do vr za zo",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    ),
}


class _Names(NamedTuple):
    """What finds a name, and the English one for each."""

    found: re.Pattern[str]
    english: dict[str, str]


@cache
def english_of(locale: str, jdk: str) -> Callable[[str], str]:
    """Return what puts English names for a locale's in a text of a JDK date pattern.

    The pattern says which names come in which order, short (`MMM`, `EEE`) or in full; a text of
    another form is returned as it is, or with a part of its names replaced.
    """
    bare = _QUOTED.sub("", jdk)
    parts = [_names(locale, letters[0], bare) for letters in _NAMES.finditer(bare)]

    def rewritten(text: str) -> str:
        done = ""
        for part in parts:
            if (name := part.found.search(text)) is not None:
                done += text[: name.start()] + part.english[name[1].lower()]
                text = text[name.end() :]
        return done + text

    return rewritten


def _names(locale: str, letters: str, jdk: str) -> _Names:
    known, english = (MONTH_NAMES, MONTHS) if letters[0] == "M" else (WEEKDAY_NAMES, WEEKDAYS)
    full = len(letters) > _SHORT
    by_name = {
        spelling: name if full else name[:_SHORT]
        for spellings, name in zip(known[locale][full].split(), english, strict=True)
        for spelling in spellings.split("/")
    }
    longest_first = sorted(by_name, key=len, reverse=True)
    stop = "" if f"{letters}." in jdk else r"\.?"  # unless the pattern itself asks for it
    return _Names(
        re.compile(
            rf"(?<!{_LETTER})({'|'.join(map(re.escape, longest_first))})(?!{_LETTER}){stop}",
            re.IGNORECASE,
        ),
        by_name,
    )
