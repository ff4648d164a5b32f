"""Names that the infrastructure, the functions and the command line share.

Standard library only, and no logic: `infra/` imports this module at synth time, the Lambdas at
cold start. Whatever two sides must agree on is written here once.
"""

from __future__ import annotations

from typing import Final

STAGES: Final = ("validate", "clean", "transform", "enrich", "write")
"""The stages in the order in which the state machine runs them."""

METRICS_NAMESPACE: Final = "LambdaPipelines"
DEFAULT_STACK_NAME: Final = "LambdaPipelines"

# --- Buckets: key prefixes -----------------------------------------------------------------
INPUT_PREFIX: Final = "input/"
"""Input bucket: `input/<dataset>/<any/path/name>`."""
PROCESSED_PREFIX: Final = "processed/"
"""Output bucket: `processed/<dataset>/[<column>=<value>/...]<source_id>.<extension>`."""
MANIFEST_PREFIX: Final = "manifests/"
"""Output bucket: `manifests/<dataset>/<source_id>.json`, the commit record of one source object."""
QUARANTINE_PREFIX: Final = "quarantine/"
"""Output bucket: `quarantine/<dataset>/<run_id>/<stage>.jsonl`, the rejected rows of one run."""
REPORT_PREFIX: Final = "reports/"
"""Output bucket: `reports/<dataset>/<run_id>.json`, the data-quality report of one run."""
STAGING_PREFIX: Final = "runs/"
"""Staging bucket: `runs/<run_id>/<stage>.arrows`, an Arrow IPC stream (zstd)."""

# --- Environment variables of the functions ------------------------------------------------
ENV_OUTPUT_BUCKET: Final = "OUTPUT_BUCKET"
ENV_STAGING_BUCKET: Final = "STAGING_BUCKET"
ENV_DATASETS_DIR: Final = "DATASETS_DIR"
"""Folder of the compiled datasets; unset, it is `datasets/` beside the `pipeline` package."""
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

# --- State machine -------------------------------------------------------------------------
STATE_START: Final = "Start"
STATE_ALREADY_DONE: Final = "NothingToDo"
STATE_SUCCEEDED: Final = "Succeeded"
STATE_DEAD_LETTER: Final = "SendToDeadLetterQueue"
STATE_ALERT: Final = "PublishAlert"
STATE_FAILED: Final = "Failed"

DEAD_LETTER_SCHEMA_VERSION: Final = "1"

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


def state_name(stage: str) -> str:
    """Name of a stage's state: `validate` -> `Validate`."""
    return stage.capitalize()
