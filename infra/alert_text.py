"""What an alert says: the words that reach a person when a run has failed.

SNS takes a subject of at most 100 ASCII characters. The name of an error of ours fits, and stands
in it; any other error's name may be of any length and alphabet, and stands in the message alone.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_stepfunctions as sfn

PRODUCT: Final = "Lambda Pipelines"
CLIENT_SUBJECT: Final = f"{PRODUCT}: {{}} stopped a file with {{}}"
SERVER_SUBJECT: Final = f"{PRODUCT}: {{}} failed by the platform's or our own fault"

MESSAGE: Final = """\
A run of Lambda Pipelines failed in the stage "{}" with {}.

{}

File: {}
Status: {} - {}
The input file is untouched, and nothing of this run was committed.
{}

Execution: {}
To see what happened, type: pipeline show {}
"""


class ALERT:
    """Sentences of the alert, by the circumstance in which they are said."""

    client: Final = (
        "the file, its place or the dataset's definition is at fault, and trying again changes "
        "nothing. Correct what the message says, then upload the file again or replay the run."
    )
    server: Final = (
        "the platform or this software failed, not a rule of the dataset. Replay the run when "
        "the cause is gone."
    )
    no_file: Final = "none that the execution's input names"
    no_message: Final = "The platform gave no reason; the execution's history may say more."
    not_kept: Final = (
        "The dead-letter queue refused the message: this alert and the execution's history are "
        "all that is left of the failure."
    )

    @staticmethod
    def kept(queue_url: str) -> str:
        """Sentence that says where the dead letter is."""
        return f"The run is kept in the dead-letter queue {queue_url}"

    @staticmethod
    def message() -> str:
        """Body of the alert, filled in by Step Functions.

        The words come from the state: a literal with line breaks in it is nothing that the
        language promises to read.
        """
        at = sfn.JsonPath.string_at
        return sfn.JsonPath.format(
            at("$.verdict.words"),
            at("$.failure.stage"),
            at("$.failure.error"),
            at("$.failure.message"),
            at("$.source.address"),
            at("$.failure.status_code"),
            at("$.verdict.fault"),
            at("$.kept.note"),
            at("$.execution.arn"),
            at("$.execution.arn"),
        )


def subject_of_client_error() -> str:
    """Subject for an error of `client_error_names`."""
    return sfn.JsonPath.format(
        CLIENT_SUBJECT,
        sfn.JsonPath.string_at("$.current.stage"),
        sfn.JsonPath.string_at("$.failure.Error"),
    )


def subject_of_server_error() -> str:
    """Subject for every other error."""
    return sfn.JsonPath.format(SERVER_SUBJECT, sfn.JsonPath.string_at("$.current.stage"))
