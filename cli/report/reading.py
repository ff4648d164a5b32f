"""What a run has left behind, read from the cloud: its execution, report, profiles and rejects."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.executions import UNKNOWN_EXECUTION, history
from cli.history import state_runs
from cli.manifests import NOT_THERE, json_object
from cli.outcome import latest_summary, run_result
from cli.quarantine import QuarantinedRun, states
from cli.report.samples import NO_SAMPLES, Samples, samples_of
from cli.trouble import DENIED
from pipeline.constants import LINEAGE_PREFIX, PROFILES_PREFIX, PROFILING_STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from cli.history import StateRun
    from cli.outcome import RunResult
    from cli.quarantine import QuarantineState
    from cli.target import Target


@dataclass(frozen=True)
class RunReading:
    """All that is known of a run; what is not there is empty or None.

    `summary` is the run's own document as far as it came; `left` is its report, its file's
    manifest, and what became of its rejected rows; `profiles` are by stage, `lineage` is the
    OpenLineage event. `missing` are keys that should be there and could not be read.
    """

    found: DescribeExecutionOutputTypeDef
    states: Sequence[StateRun]
    result: RunResult
    summary: Mapping[str, Any]
    left: QuarantineState | None = None
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    samples: Samples = NO_SAMPLES
    missing: tuple[str, ...] = ()

    @property
    def report(self) -> Mapping[str, Any]:
        """The run's data-quality report; empty for a run that has not committed."""
        return (self.left.report if self.left else None) or {}

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What is committed of the run's file now, which may be another run's; empty if nothing."""
        return (self.left.manifest if self.left else None) or {}


def run_reading(target: Target, found: DescribeExecutionOutputTypeDef) -> RunReading:
    """Read what an execution's run has left behind.

    Raises
    ------
    botocore.exceptions.ClientError
        If the execution's history, or the run's report, may not be read.
    """
    visited = state_runs(_events(target, found["executionArn"]))
    summary = latest_summary(found, visited)
    result = run_result(found, visited)
    dataset, run_id = summary.get("dataset"), summary.get("run_id")
    if not dataset or not run_id:
        return RunReading(found, visited, result, summary)
    reader = _Reader(target)
    rejects = summary.get("rejects") or {}
    addresses = list(rejects.get("quarantine") or [])
    started = found.get("startDate") or datetime.now(UTC)
    profiles = {
        stage: reader.document(f"{PROFILES_PREFIX}{dataset}/{run_id}/{stage}.json")
        for stage in PROFILING_STAGES
    }
    return RunReading(
        found,
        visited,
        result,
        summary,
        left=states(target, [QuarantinedRun(dataset, run_id, started, addresses)])[0],
        profiles={stage: profile for stage, profile in profiles.items() if profile},
        lineage=reader.document(f"{LINEAGE_PREFIX}{dataset}/{run_id}.json"),
        samples=reader.samples(addresses, rejects.get("top_rules") or []),
        missing=tuple(reader.missing),
    )


class _Reader:
    """Reads what a report can do without; what cannot be read is noted down."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.missing: list[str] = []

    def document(self, key: str) -> dict[str, Any]:
        """Return a JSON object of the output bucket; an empty one if there is none."""
        try:
            return json_object(self._target.cloud.s3(), self._target.output_bucket, key) or {}
        except ClientError as error:
            self._note(error, key)
        except ValueError:  # cut off, or no JSON
            self.missing.append(key)
        return {}

    def samples(self, addresses: Sequence[str], rules: Sequence[Mapping[str, Any]]) -> Samples:
        """Return some rejected rows of each rule."""
        named = [(rule.get("stage"), rule.get("column"), rule.get("rule")) for rule in rules]
        try:
            return samples_of(self._target.cloud.s3(), addresses, named)
        except ClientError as error:
            self._note(error, addresses[0])
        except (ValueError, TypeError, AttributeError):  # cut off, or no records
            self.missing.extend(addresses)
        return NO_SAMPLES

    def _note(self, error: ClientError, what: str) -> None:
        """Note what may not be read, or has been deleted; raise any other trouble."""
        if error.response["Error"].get("Code") not in (*DENIED, *NOT_THERE):
            raise error
        self.missing.append(what)


def _events(target: Target, arn: str) -> Iterator[Mapping[str, Any]]:
    """Events of an execution; none of one that Step Functions has forgotten."""
    try:
        yield from history(target.cloud.stepfunctions(), arn)
    except ClientError as error:
        if error.response["Error"].get("Code") not in UNKNOWN_EXECUTION:
            raise
