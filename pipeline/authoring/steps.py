"""What all sections of `pipeline.yaml` have in common, and those that are no stage's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.plan_steps import Drift, Rejects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import Location, YamlSource

PIPELINE_FILE: Final = "pipeline.yaml"


def known_columns(
    names: Iterable[str], columns: Types, where: Location, source: YamlSource
) -> bool:
    """Tell whether all names are columns; add an error for those that are not."""
    unknown = [name for name in names if name not in columns]
    if unknown:
        source.error(
            where,
            f"there is no column {', '.join(map(repr, unknown))} here; there are: "
            f"{', '.join(columns)}",
        )
    return not unknown


def rejects_of(source: YamlSource) -> Rejects:
    """Return the limit of rejected rows."""
    return Rejects(**source.data.get("rejects", {}))


def drift_of(source: YamlSource) -> Drift:
    """Return what becomes of a file whose columns are not the contract's."""
    return Drift(**source.data.get("drift", {}), salvage=source.data.get("salvage", False))
