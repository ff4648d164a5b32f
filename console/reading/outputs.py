"""What a run has published: the files that the manifest has of it now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from botocore.exceptions import ClientError

from cli.manifests import NOT_THERE, committed, json_object
from cli.trouble import DENIED
from pipeline.constants import PROCESSED_PREFIX, PROFILES_PREFIX
from pipeline.errors import InvalidEventError
from pipeline.manifest import OutputFile
from pipeline.run import Run, described, run_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.target import Target
    from pipeline.plan import Plan

LISTED: Final = 100


@dataclass(frozen=True)
class Output:
    """The committed files of a run.

    `committed_by` names the execution that has committed the file's output as it is now; it is
    another one than the run's where `is_replaced`. `merges` counts the replays that have added
    rows to it, and `publishing` says how it was written (`Plan.publishing`).
    """

    files: tuple[OutputFile, ...]
    is_replaced: bool
    committed_by: str
    merges: int
    publishing: str

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

    def written_by(self, plan: Plan | None) -> Plan | None:
        """Return the plan, if it is one that writes such files."""
        return plan if plan is not None and plan.publishing == self.publishing else None


def output(target: Target, summary: Mapping[str, Any]) -> Output | None:
    """Return what is published of a run; None if nothing of its file is, or the run is unknown."""
    try:
        run = run_from_json(dict(summary))
    except InvalidEventError:
        return None
    manifest = committed(target, run.dataset, run.source)
    return None if manifest is None else _output(run, manifest)


def hiding(
    target: Target, summary: Mapping[str, Any], plan: Plan | None
) -> Callable[[str], bool] | None:
    """Return what says of a column of a run's output whether its values are masked.

    None if nobody knows: the dataset is not defined here, and the run has left no profile.

    Parameters
    ----------
    plan
        The dataset as it is defined here, be it another version than the run's.
    """
    from pipeline.masking import HiddenColumns, hidden_columns  # noqa: PLC0415 - it loads Arrow

    told = _profiled(target, summary)
    if told is None and plan is None:
        return None
    defined = hidden_columns(plan).names if plan else frozenset()
    return HiddenColumns((told or frozenset()) | defined).hide


def _profiled(target: Target, summary: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the masked columns among those of a run's output; None without its profile."""
    key = f"{PROFILES_PREFIX}{summary.get('dataset')}/{summary.get('run_id')}/write.json"
    try:
        profile = json_object(target.cloud.s3(), target.output_bucket, key)
    except ValueError:  # cut off, or no JSON
        return None
    except ClientError as error:
        if error.response["Error"].get("Code") not in (*DENIED, *NOT_THERE):
            raise
        return None
    columns = profile.get("columns") if profile else None
    if not isinstance(columns, list):
        return None
    return frozenset(one["name"] for one in columns if isinstance(one, dict) and one.get("masked"))


def partition(file: OutputFile, dataset: str) -> str:
    """`month=1, origin=EWR`; the file's name where the dataset has no partitions."""
    *folders, name = file.key.removeprefix(f"{PROCESSED_PREFIX}{dataset}/").split("/")
    return ", ".join(map(unquote, folders)) or name


def _output(run: Run, manifest: Mapping[str, Any]) -> Output:
    merges = [one for one in manifest.get("merges") or [] if isinstance(one, dict)]
    known = {(manifest.get("run") or {}).get("run_id"), *(one.get("run_id") for one in merges)}
    files = (described(OutputFile, file) for file in manifest.get("outputs") or [])
    return Output(
        files=tuple(file for file in files if _stem(file.key) == run.output_name),
        is_replaced=run.run_id not in known,
        committed_by=str(manifest.get("execution_arn") or "").rpartition(":")[2],
        merges=len(merges),
        publishing=str(manifest.get("publishing") or ""),
    )


def _stem(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]
