"""Draft a dataset from a sample file: the body of `pipeline init`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from pipeline.authoring.contract import CONTRACT_FILE
from pipeline.authoring.dataset import compiled_dataset
from pipeline.authoring.init_contract import contract_text
from pipeline.authoring.init_steps import steps_text
from pipeline.authoring.steps import PIPELINE_FILE

if TYPE_CHECKING:
    from pipeline.authoring.profile import Profile
    from pipeline.authoring.yaml_source import Finding

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Draft:
    """A dataset's two files, by the names that they have in its folder."""

    dataset: str
    files: dict[str, str]

    def findings(self) -> list[Finding]:
        """Return what `pipeline check` will say of the files."""
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / self.dataset
            self.write(folder)
            return list(compiled_dataset(folder).findings)

    def write(self, folder: Path) -> list[Path]:
        """Write the files into a folder, which is made if need be; return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, "utf-8")
        return self.paths(folder)

    def paths(self, folder: Path) -> list[Path]:
        """Return where the files stand in a folder."""
        return [folder / name for name in self.files]


def draft_of(profile: Profile, dataset: str) -> Draft:
    """Return the two files that a profile suggests for a dataset."""
    return Draft(
        dataset,
        {
            CONTRACT_FILE: contract_text(profile, dataset),
            PIPELINE_FILE: steps_text(profile, dataset),
        },
    )


def is_dataset_name(name: str) -> bool:
    """Tell whether a name can be a folder, a prefix of keys and a table."""
    return _NAME.fullmatch(name) is not None


def dataset_name(file: Path) -> str:
    """Return the name that a file suggests: `Sales 2013 (Köln).csv.gz` is `sales_2013_koln`."""
    stem = unicodedata.normalize("NFKD", file.name.split(".")[0] or file.name)
    plain = stem.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9-]+", "_", plain).strip("_-") or "dataset"
