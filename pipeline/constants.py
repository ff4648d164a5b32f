"""Names that the infrastructure, the functions and the command line share.

Standard library only, and no logic: `infra/` imports this module at synth time, the Lambdas at
cold start. Whatever two sides must agree on is written here once.
"""

from __future__ import annotations

from typing import Final

STAGES: Final = ("validate", "clean", "transform", "enrich", "write")
"""The stages in the order in which the state machine runs them."""

REPAIRING_STAGES: Final = ("validate", "clean")
"""The stages that may replace values by their own judgement, and record it."""

LOOKUP_STAGE: Final = "enrich"
"""The stage that joins lookups."""

PROFILING_STAGES: Final = ("validate", "enrich", "write")
"""The stages that see values that a run's report tells of, and profile them."""

LINEAGE_FUNCTION: Final = "lineage"
"""The function, no stage, that sends lineage events; its folder and asset have this name."""

METRICS_NAMESPACE: Final = "LambdaPipelines"
DEFAULT_STACK_NAME: Final = "LambdaPipelines"

# --- Buckets: key prefixes -----------------------------------------------------------------
INPUT_PREFIX: Final = "input/"
"""Input bucket: `input/<dataset>/<any/path/name>`."""
LOOKUPS_PREFIX: Final = "lookups/"
"""Input bucket: `lookups/...`, tables that enrich reads when a run needs them."""
PROCESSED_PREFIX: Final = "processed/"
"""Output bucket: `processed/<dataset>/[<column>=<value>/...]<source_id>.<extension>`."""
MANIFEST_PREFIX: Final = "manifests/"
"""Output bucket: `manifests/<dataset>/<source_id>.json`, the commit record of one source object."""
QUARANTINE_PREFIX: Final = "quarantine/"
"""Output bucket: `quarantine/<dataset>/<run_id>/<stage>.jsonl`, the rejected rows of one run."""
ROW_NUMBERS_SUFFIX: Final = ".rows"
"""Beside each file of the quarantine: `<stage>.rows`, its rows' numbers, an Arrow IPC stream."""
REPAIRS_PREFIX: Final = "repairs/"
"""Output bucket: `repairs/<dataset>/<run_id>/<stage>.jsonl`, the values that one run replaced."""
PROFILES_PREFIX: Final = "profiles/"
"""Output bucket: `profiles/<dataset>/<run_id>/<stage>.json`, what a stage saw of the values."""
REPORT_PREFIX: Final = "reports/"
"""Output bucket: `reports/<dataset>/<run_id>.json`, the data-quality report of one run."""
LINEAGE_PREFIX: Final = "lineage/"
"""Output bucket: `lineage/<dataset>/<run_id>.json`, the OpenLineage event of one commit."""
PENDING_PREFIX: Final = "pending/"
"""Output bucket: `pending/<dataset>/<source_id>/<run_id>.json`, what a run is about to publish."""
STAGING_PREFIX: Final = "runs/"
"""Staging bucket: `runs/<run_id>/<stage>.arrows`, an Arrow IPC stream (zstd)."""
SETTLED_FRAME: Final = "settled"
"""Staging bucket: `runs/<run_id>/settled.arrows`, the rows that a merge must not repeat."""
ATHENA_PREFIX: Final = "athena/"
"""Staging bucket: `athena/`, the results of queries."""

CODE_HASH_FILE: Final = "code.sha256"
"""In a function's asset: hash of its first-party code and of its layers' lock files."""

# --- Environment variables of the functions ------------------------------------------------
ENV_OUTPUT_BUCKET: Final = "OUTPUT_BUCKET"
ENV_STAGING_BUCKET: Final = "STAGING_BUCKET"
ENV_STACK_NAME: Final = "STACK_NAME"
"""Dimension `stack` of the metrics; unset, it is `DEFAULT_STACK_NAME`."""
ENV_METRICS_DETAIL: Final = "METRICS_DETAIL"
"""`stages` or `runs`: which figures become metrics (`pipeline/metrics.py`); unset, all do."""
ENV_DATASETS_DIR: Final = "DATASETS_DIR"
"""Folder of the compiled datasets; unset, it is `datasets/` beside the `pipeline` package."""
ENV_LINEAGE_URL: Final = "LINEAGE_URL"
"""Where lineage events are posted."""
ENV_LINEAGE_SECRET: Final = "LINEAGE_SECRET"
"""ARN of the secret that is the receiver's key; unset, none is sent."""
ENV_LOCAL_PYTHON: Final = "LAMBDA_PIPELINES_PYTHON"
"""Local target only: the interpreter that the functions' `bootstrap` starts."""

# --- CloudFormation outputs of the stack ---------------------------------------------------
OUTPUT_INPUT_BUCKET: Final = "InputBucket"
OUTPUT_OUTPUT_BUCKET: Final = "OutputBucket"
OUTPUT_STAGING_BUCKET: Final = "StagingBucket"
OUTPUT_STATE_MACHINE_ARN: Final = "StateMachineArn"
OUTPUT_DEAD_LETTER_QUEUE_URL: Final = "DeadLetterQueueUrl"
OUTPUT_UNDELIVERED_EVENTS_QUEUE_URL: Final = "UndeliveredEventsQueueUrl"
"""Events that EventBridge could not hand to the state machine."""
OUTPUT_ALERT_TOPIC_ARN: Final = "AlertTopicArn"
OUTPUT_QUERY_DATABASE: Final = "QueryDatabase"
OUTPUT_QUERY_WORKGROUP: Final = "QueryWorkGroup"
OUTPUT_METRICS_DETAIL: Final = "MetricsDetail"
"""The setting `metrics`, by which a forecast counts."""

FILES_TABLE_SUFFIX: Final = "__files"
"""Athena: ending of the name of a table over files that only its dataset's view reads."""

# --- State machine -------------------------------------------------------------------------
STATE_START: Final = "Start"
STATE_ALREADY_DONE: Final = "NothingToDo"
STATE_SUCCEEDED: Final = "Succeeded"
STATE_DEAD_LETTER: Final = "SendToDeadLetterQueue"
STATE_ALERT: Final = "PublishAlert"
STATE_FAILED: Final = "Failed"
STATE_NOTICE: Final = "TellOfRejects"
"""Publishes the notice of a run with rejected rows, where its dataset asks for one."""

DEAD_LETTER_SCHEMA_VERSION: Final = "2"

UNKNOWN_STAGE: Final = "unknown"
"""`failure.stage` of a dead letter about an execution that ended past every Catch."""

REPLAY: Final = "replay"
"""Field of an execution's input beside S3's own: what a replay is of (docs/adr/0006, 0007)."""
REPLAY_OF: Final = "of"
"""`replay.of`: ARN of the execution that is replayed."""
REPLAY_RUN: Final = "run"
"""`replay.run`: the run summary to take up."""
REPLAY_QUARANTINE: Final = "quarantine"
"""`replay.quarantine`: id of the run whose rejected rows are to be merged into the output."""

RETRY_INTERVAL_SECONDS: Final = 2
RETRY_BACKOFF_RATE: Final = 2
RETRY_MAX_ATTEMPTS: Final = 2

MAX_PAYLOAD_BYTES: Final = 200_000
"""Our own bound on a stage's result; AWS fails a state above 262,144 bytes past every Catch."""
MAX_MESSAGE_CHARACTERS: Final = 4_000
"""Bound on an error message; far larger ones kill the runtime before they are reported."""

# --- Outcomes of a run ---------------------------------------------------------------------
SUCCEEDED: Final = "SUCCEEDED"
SUCCEEDED_WITH_REJECTS: Final = "SUCCEEDED_WITH_REJECTS"
ALREADY_PROCESSED: Final = "ALREADY_PROCESSED"
SUPERSEDED: Final = "SUPERSEDED"
IGNORED: Final = "IGNORED"
"""The object is no file: consoles create empty objects `input/flights/` to show a folder."""

OUTCOMES_WITHOUT_WORK: Final = (ALREADY_PROCESSED, SUPERSEDED, IGNORED)
"""Outcomes that Validate may return, after which the remaining stages are skipped."""

CHECK_PASSED: Final = "passed"
CHECK_FAILED: Final = "failed"
"""What a run summary says of a rule that is counted over the file."""


def state_name(stage: str) -> str:
    """Name of a stage's state: `validate` -> `Validate`."""
    return stage.capitalize()
