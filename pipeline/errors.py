"""Why a run stops: one tree, in which the class says who has to act.

    PipelineError
    ├── TransientError                500  the platform's moment of weakness: retried
    │   ├── StorageThrottledError          S3 asked to slow down
    │   ├── StorageUnavailableError        S3 answered 5xx, or the connection broke
    │   ├── ObjectNotVisibleError          an object that must exist is not there (yet)
    │   └── ObjectChangedError             someone else wrote the object in between
    ├── DataError                     400  the file's fault: never retried
    │   ├── UnreadableFileError            the bytes are not what the name promises
    │   │   ├── EmptyFileError             no bytes, or only white space
    │   │   ├── BinaryFileError            not text at all
    │   │   ├── EncodingError              text, in another encoding than declared
    │   │   ├── CompressionError           truncated or corrupt, or an archive of several files
    │   │   ├── MalformedCsvError          a header, or so many quotes, that nothing can be told
    │   │   └── MalformedJsonError         not JSON, or not a sequence of objects
    │   ├── FileLimitError                 more than the contract's limits allow at once
    │   │   ├── SizeLimitError             too many bytes of text
    │   │   ├── CompressionRatioLimitError unpacks to suspiciously much
    │   │   ├── ColumnLimitError           too many columns
    │   │   ├── RowLimitError              a row of too many bytes
    │   │   └── NestingLimitError          JSON nested too deeply
    │   ├── NoRowsError                    a header and nothing below it
    │   ├── MissingColumnError             a required column is not in the file
    │   ├── ExtraColumnError               a column that the contract has not, where none may be
    │   ├── DuplicateColumnError           the header names a column twice
    │   ├── TooManyRejectsError            more bad rows than the dataset allows
    │   ├── QualityError                   the file as a whole breaks a quality rule
    │   └── LookupMissError                a key in no lookup, where the dataset says `fail`
    ├── ConfigurationError            400  the dataset's or the upload's fault: never retried
    │   ├── UnknownDatasetError            the key names no dataset of this stack
    │   ├── InvalidEventError              the execution was started with something else
    │   ├── InvalidPlanError               a compiled dataset that this code cannot read
    │   ├── PlanChangedError               a deployment came between two stages of the run
    │   ├── ReplayRefusedError             this quarantine cannot be merged into the output
    │   ├── BucketLookupError              a lookup in the input bucket cannot be joined
    │   │   ├── LookupNotFoundError        no table lies under its prefix
    │   │   └── LookupTableError           the table is not what pipeline.yaml says of it
    │   ├── StepError                      an expression or a Python step failed on the data
    │   └── PermissionDeniedError          the function's role may not do what it must
    └── InternalError                 500  our fault, or the stack's size: never retried
        ├── CapacityError                  the function is too small for the file
        │   ├── TimeLimitError             the timeout came near
        │   ├── MemoryLimitError           the memory size came near
        │   └── DiskLimitError             the temporary storage is full
        ├── UnexpectedError                an exception that nobody foresaw
        ├── StorageRefusedError            S3 refused a request that we thought valid
        ├── UnbalancedBooksError           rows in do not equal rows out
        └── PayloadTooLargeError           a result too large for the state machine

Every class has `reason` and `remedy` (sentences), `status_code`, and `context`, the dataset and
file it happened in; what a class knows beyond that stands in its own docstring.

Step Functions matches the bare class name and knows no inheritance, so the Retry lists and the
400/500 branches of the state machine are generated from this tree (`leaf_names`). Raise leaves.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from pipeline.constants import MAX_MESSAGE_CHARACTERS

_ENCODED_CHARACTERS: Final = 8_000
"""Bound on a message as the answer spells it: JSON in JSON, in which one character may take 12.

Step Functions takes 32,768 characters for the whole answer, of which the trace needs some, too.
"""


class PipelineError(Exception):
    """Root of the tree.

    Parameters
    ----------
    reason
        What is wrong, as a sentence without the file's name (the handler adds that).
    remedy
        What a person should do next, as a sentence; empty if nothing can be said.
    """

    status_code: ClassVar[int] = 500

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        self.reason = reason
        self.remedy = remedy
        self.context = ""
        self.run: dict[str, Any] | None = None
        super().__init__(reason)

    def located(self, context: str) -> PipelineError:
        """Return self, with the dataset and file it happened in put before its message."""
        self.context = self.context or context
        return self

    def reporting(self, run: dict[str, Any]) -> PipelineError:
        """Return self, carrying what is known of the run that it stopped."""
        self.run = run
        return self

    @property
    def message(self) -> str:
        """`context: reason remedy`, cut to what the runtime can carry."""
        said = f"{self.context}: {self.reason}" if self.context else self.reason
        return _cut(f"{said} {self.remedy}".strip())

    def __str__(self) -> str:
        """Return the message; where it carries a run, the JSON document of ADR 0006.

        An exception leaves a function as its name and its text alone, so that what the dead letter
        must know travels in the text.
        """
        if self.run is None:
            return self.message
        return json.dumps({"message": self.message, "run": self.run}, ensure_ascii=False)


def _cut(text: str) -> str:
    """Beginning of a text that an answer has room for; what is no Unicode is replaced."""
    text = text[:MAX_MESSAGE_CHARACTERS].encode("utf-8", "replace").decode()
    while (size := len(json.dumps(json.dumps(text, ensure_ascii=False)))) > _ENCODED_CHARACTERS:
        text = text[: len(text) * _ENCODED_CHARACTERS // size]
    return text


class TransientError(PipelineError):
    """May go away by itself: Step Functions retries the stage."""


class StorageThrottledError(TransientError):
    """S3 asked to slow down (`SlowDown`, 503)."""


class StorageUnavailableError(TransientError):
    """S3 answered with a server error, or the connection was lost or timed out."""


class ObjectNotVisibleError(TransientError):
    """An object that an earlier step wrote or announced is not there (yet)."""


class ObjectChangedError(TransientError):
    """A conditional request found that the object has changed since it was read."""


class DataError(PipelineError):
    """The file breaks its contract or cannot be read: a retry would fail the same way."""

    status_code = 400


class UnreadableFileError(DataError):
    """The bytes are not what the file's name or contract promises."""


class EmptyFileError(UnreadableFileError):
    """The object has no bytes, or nothing but white space."""


class BinaryFileError(UnreadableFileError):
    """The object is not text."""


class EncodingError(UnreadableFileError):
    """The text is not in the declared encoding."""


class CompressionError(UnreadableFileError):
    """The compressed stream is corrupt or ends too early."""


class MalformedCsvError(UnreadableFileError):
    """The text cannot be taken apart into records."""


class MalformedJsonError(UnreadableFileError):
    """The text is not JSON, or not a sequence of JSON objects."""


class FileLimitError(DataError):
    """The file demands more at once than the `limits` of its contract allow.

    Parameters
    ----------
    limit
        Name of the limit, as the contract spells it.
    allowed
        Its value.
    """

    def __init__(self, reason: str, *, remedy: str = "", limit: str = "", allowed: int = 0) -> None:
        super().__init__(reason, remedy=remedy)
        self.limit = limit
        self.allowed = allowed


class SizeLimitError(FileLimitError):
    """The file's text, unpacked, has more bytes than `maxBytes`."""


class CompressionRatioLimitError(FileLimitError):
    """The file unpacks to more than `maxCompressionRatio` times its size."""


class ColumnLimitError(FileLimitError):
    """The header names more than `maxColumns` columns."""


class RowLimitError(FileLimitError):
    """A row has more bytes than `maxRowBytes`."""


class NestingLimitError(FileLimitError):
    """A JSON value is nested deeper than `maxNesting`."""


class NoRowsError(DataError):
    """The file has a header but not one data row."""


class MissingColumnError(DataError):
    """A column that the contract requires is not in the file."""

    def __init__(self, reason: str, *, remedy: str = "", columns: tuple[str, ...] = ()) -> None:
        super().__init__(reason, remedy=remedy)
        self.columns = columns


class ExtraColumnError(DataError):
    """The file has a column that the contract has not, and the dataset refuses such files."""


class DuplicateColumnError(DataError):
    """The header names the same column more than once."""


class TooManyRejectsError(DataError):
    """More rows were rejected than the dataset's limit allows."""

    def __init__(self, reason: str, *, remedy: str = "", rejected: int = 0, read: int = 0) -> None:
        super().__init__(reason, remedy=remedy)
        self.rejected = rejected
        self.read = read


class QualityError(DataError):
    """The file as a whole breaks a quality rule of its contract: nothing of it is published.

    Parameters
    ----------
    checks
        Names of the rules, or their metrics.
    """

    def __init__(self, reason: str, *, remedy: str = "", checks: tuple[str, ...] = ()) -> None:
        super().__init__(reason, remedy=remedy)
        self.checks = checks


class LookupMissError(DataError):
    """A row's key is in no row of a lookup whose policy for that is `fail`."""


class ConfigurationError(PipelineError):
    """The dataset's definition, the upload's key or the stack's settings are wrong."""

    status_code = 400


class UnknownDatasetError(ConfigurationError):
    """The object's key names no dataset of this stack."""


class InvalidEventError(ConfigurationError):
    """The execution's input is not an S3 `Object Created` event."""


class InvalidPlanError(ConfigurationError):
    """A compiled dataset is missing or not readable by this version of the code."""


class PlanChangedError(ConfigurationError):
    """The dataset was deployed anew while the run was under way."""


class BucketLookupError(ConfigurationError):
    """A lookup in the input bucket cannot be joined.

    Parameters
    ----------
    lookup
        Name of the lookup.
    """

    def __init__(self, reason: str, *, remedy: str = "", lookup: str = "") -> None:
        super().__init__(reason, remedy=remedy)
        self.lookup = lookup


class LookupNotFoundError(BucketLookupError):
    """No table lies under the lookup's prefix."""


class LookupTableError(BucketLookupError):
    """The lookup's table has not the columns, types or keys that it should."""


class StepError(ConfigurationError):
    """A step of the dataset (an expression or a Python function) failed on the data."""

    def __init__(self, reason: str, *, remedy: str = "", step: str = "") -> None:
        super().__init__(reason, remedy=remedy)
        self.step = step


class ReplayRefusedError(ConfigurationError):
    """The rejected rows cannot be merged into the output; the reason says what to do instead."""


class PermissionDeniedError(ConfigurationError):
    """The function's role was refused an action that it needs."""


class InternalError(PipelineError):
    """A defect of this software: no retry and no change of the file helps."""


class CapacityError(InternalError):
    """The function is too small for the file, or was too slow for once: a larger one may do it."""


class TimeLimitError(CapacityError):
    """The function's timeout came near; the stage stopped by itself to say so."""


class MemoryLimitError(CapacityError):
    """The function's memory size came near; the stage stopped by itself to say so."""


class DiskLimitError(CapacityError):
    """The function's temporary storage has no room for the rows that are being sorted."""


class UnexpectedError(InternalError):
    """Any other exception, with its class and message as the reason."""


class StorageRefusedError(InternalError):
    """S3 refused a request for a reason that has no class of its own here."""


class UnbalancedBooksError(InternalError):
    """Rows in are not rows out plus rows accounted for."""


class PayloadTooLargeError(InternalError):
    """A stage's result would not fit into the state machine's payload."""


def leaves(root: type[PipelineError]) -> tuple[type[PipelineError], ...]:
    """Concrete error classes below (or at) `root`, in the order of their definition."""
    below = root.__subclasses__()
    if not below:
        return (root,)
    return tuple(leaf for child in below for leaf in leaves(child))


def leaf_names(root: type[PipelineError]) -> tuple[str, ...]:
    """Names that Step Functions sees for the leaves below `root`."""
    return tuple(leaf.__name__ for leaf in leaves(root))


PLATFORM_TRANSIENT: tuple[str, ...] = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Runtime.ExitError",
)
"""The platform's own weaknesses: those that AWS recommends to retry, and a process that died.

Not `Sandbox.Timedout` and `Lambda.Unknown`: docs/adr/0005-what-is-retried.md says why.
"""


def retryable_error_names() -> tuple[str, ...]:
    """`ErrorEquals` of every stage's Retry: our transient leaves and the platform's own."""
    return leaf_names(TransientError) + PLATFORM_TRANSIENT


def client_error_names() -> tuple[str, ...]:
    """Errors with status code 400: the data's, the dataset's or the upload's fault."""
    return leaf_names(DataError) + leaf_names(ConfigurationError)
