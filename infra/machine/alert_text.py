"""What an alert says: the words that reach a person when a run has failed.

SNS takes a subject of at most 100 ASCII characters. The name of an error of ours fits, and stands
in it; a dataset's name and any other error's may be of any length and alphabet, and stand in the
message alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.pointers import RUNBOOK

if TYPE_CHECKING:
    from infra.pointers import Pointers

PRODUCT: Final = "Lambda Pipelines"


@dataclass(frozen=True)
class Fault:
    """Who has to act after an error: the alert's subject, the status code, and what to do.

    `subject` has a place for the stage and, where `names_error`, one for the error.
    """

    status_code: int
    subject: str
    names_error: bool
    advice: str


FILE: Final = Fault(
    400,
    f"{PRODUCT}: {{}} stopped a file with {{}}",
    True,
    "the file, its place or the dataset's definition is at fault. Trying again changes nothing "
    "until that is corrected, as the reason above says.",
)
STACK: Final = Fault(
    500,
    f"{PRODUCT}: {{}} failed with {{}}",
    True,
    "this software or the size of its functions is at fault, not the file. Trying again changes "
    "nothing until the stack is changed, as the reason above says.",
)
PLATFORM: Final = Fault(
    500,
    f"{PRODUCT}: {{}} failed by the fault of the platform",
    False,
    "the platform is at fault, not the file. What may pass by itself has been tried three times "
    "already; try again when the cause is gone.",
)

NO_FILE: Final = "none that the execution's input names"
NO_DATASET: Final = "not known"
NO_ROWS: Final = "not known"
NO_MESSAGE: Final = "The platform gave no reason; the execution's history may say more."
ROWS: Final = (
    "{} read, {} expanded, {} written, {} rejected, {} duplicates, {} filtered, "
    "{} dropped by a lookup; rejected rows are in {}"
)
KEPT: Final = "Its dead letter is in the queue {}"
NOT_KEPT: Final = (
    "The dead-letter queue refused the letter, so that there is nothing to replay: upload the file "
    "again. This alert and the execution's history are all that is left of the failure."
)


def message_template(pointers: Pointers) -> str:
    """Body of the alert; its places are filled with `MESSAGE_VALUES`."""
    page = pointers.page("{}")
    return f"""\
A run of {PRODUCT} failed in the stage "{{}}" with {{}}.

{{}}

Dataset: {{}}
File: {{}}
Rows so far: {{}}
Status: {{}} - {{}}

The input file is untouched. Nothing of this run was published (in the stage "write": nothing, or \
all of it).
{{}}

To see what happened, type:
  {pointers.command("show {}")}
To run the file again, type:
  {pointers.command("dead-letters replay {}")}
What to do about this error: {RUNBOOK}, section {{}}
Execution: {page or "{}"}
"""


MESSAGE_VALUES: Final = (
    "$.failure.stage",
    "$.failure.error",
    "$.failure.message",
    "$.failure.words.dataset",
    "$.failure.words.file",
    "$.failure.words.rows",
    "$.failure.status_code",
    "$.verdict.advice",
    "$.kept.note",
    "$.execution.name",
    "$.execution.name",
    "$.failure.error",
    "$.execution.arn",
)
