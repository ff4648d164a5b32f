"""Uploaded files, and what is visible of their output: all of it, and nothing else?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.constants import PENDING_PREFIX, PROCESSED_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.run import Run
    from tests.faults.lab import Lab
    from tests.faults.orders import Row


@dataclass
class Upload:
    """An uploaded version of an object; `rows` None where the file has none to account for."""

    key: str
    run: Run
    rows: list[Row] | None


@dataclass(frozen=True)
class Listing:
    """What is visible in the output bucket, and the keys that letters wait for."""

    outputs: dict[str, str]
    notes: dict[str, str]
    waiting: set[str]


def listing_of(lab: Lab) -> Listing:
    """Return what is visible now."""
    return Listing(
        outputs=lab.objects(PROCESSED_PREFIX),
        notes=lab.objects(PENDING_PREFIX),
        waiting={key_of(letter) for letter in lab.letters()},
    )


def torn(upload: Upload, manifest: dict[str, Any] | None, listing: Listing) -> list[str]:
    """Return what is visible of an object without its manifest naming it, and the reverse."""
    outputs = manifest["outputs"] if manifest else []
    named = {file["key"]: file["version_id"] for file in outputs}
    visible = outputs_of(upload, listing.outputs)
    notes = [key for key in listing.notes if key.startswith(upload.run.pending_prefix)]
    problems = [f"{upload.key}: {visible} visible, {named} named"] if visible != named else []
    return problems + [f"{upload.key}: pending note {note} is left" for note in notes]


def outputs_of(upload: Upload, listing: Mapping[str, str]) -> dict[str, str]:
    """Return the part of a listing that is the output of an upload's object."""
    folder, source_id = f"{PROCESSED_PREFIX}{upload.run.dataset}/", upload.run.source_id
    return {
        key: version
        for key, version in listing.items()
        if key.startswith(folder) and source_id in Path(key).name
    }


def key_of(letter: dict[str, Any]) -> str:
    """Key of the object that a dead letter is about."""
    event = letter["event"]
    document = json.loads(event) if isinstance(event, str) else event
    return str(document["detail"]["object"]["key"])
