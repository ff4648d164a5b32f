"""Names of columns that a step makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.authoring.yaml_source import Location, YamlSource


def may_be_made(
    name: str, others: Iterable[str], where: Location, source: YamlSource, *, replacing: bool
) -> bool:
    """Tell whether a step may make a column of this name; add an error if not.

    Parameters
    ----------
    others
        The columns that are there.
    replacing
        Whether it may take the place of one of them.
    """
    problem = _problem(name, tuple(others), replacing=replacing)
    if problem:
        source.error(where, problem)
    return not problem


def _problem(name: str, others: Sequence[str], *, replacing: bool) -> str | None:
    if name == ROW_NUMBER or name.startswith("_"):
        return f"{name!r}: names that begin with _ are the pipeline's own"
    if name in others and not replacing:
        return f"there is a column {name!r} already: use another name, or drop that one before"
    alike = next((one for one in others if one != name and one.lower() == name.lower()), None)
    if alike is not None:
        return f"SQL cannot tell {name!r} from {alike!r}: use another name"
    return None
