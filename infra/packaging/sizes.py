"""How large a function is unzipped, held to Lambda's limit before anything is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.packaging.layers import LAYERS, unzipped_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIMIT_BYTES: Final = 250 * 1024 * 1024
"""A function's code with all its layers (AWS Lambda Developer Guide, "Lambda quotas")."""


class PackageTooLargeError(Exception):
    """A function that Lambda would refuse; its text is the whole message to the user."""


def check_package_sizes(assets: Mapping[str, Path], layers: Mapping[str, Path]) -> None:
    """Refuse functions that Lambda would refuse in the middle of a deployment.

    Raises
    ------
    PackageTooLargeError
        Code, datasets and layers of a stage's function are too large together.
    """
    for stage, asset in assets.items():
        parts = package_parts(stage, asset, layers)
        if sum(parts.values()) > LIMIT_BYTES:
            raise PackageTooLargeError(
                f"the function of {stage} would hold {package_text(parts)}: Lambda takes "
                f"{LIMIT_BYTES / 1e6:.0f} MB. Put large lookups into the input bucket "
                "(docs/datasets.md, Lookups in the bucket), or deploy fewer datasets"
            )


def package_parts(stage: str, asset: Path, layers: Mapping[str, Path]) -> dict[str, int]:
    """Bytes of what a stage's function holds, by the part's name."""
    datasets = unzipped_bytes(asset / "datasets")
    return {
        "datasets": datasets,
        "code": unzipped_bytes(asset) - datasets,
        **{
            f"layer {layer.name}": unzipped_bytes(layers[layer.name])
            for layer in LAYERS
            if stage in layer.stages
        },
    }


def package_text(parts: Mapping[str, int]) -> str:
    """Parts for people, in decimal megabytes: the sum, then the largest first."""
    largest = sorted(parts.items(), key=lambda part: -part[1])
    each = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in largest)
    return f"{sum(parts.values()) / 1e6:.1f} MB unzipped ({each})"
