from __future__ import annotations

from typing import Any

import pytest

from infra.alert_text import CLIENT_SUBJECT, SERVER_SUBJECT
from pipeline.constants import STAGES
from pipeline.errors import client_error_names

SUBJECT_LIMIT = 100


@pytest.mark.parametrize("stage", STAGES)
def test_subject_fits_for_every_error_that_it_names(stage: str) -> None:
    for error in client_error_names():
        subject = CLIENT_SUBJECT.format(stage, error)
        assert len(subject) <= SUBJECT_LIMIT
        assert subject.isascii() and subject.isprintable()


def test_subject_names_no_error_whose_name_may_be_anything() -> None:
    # GIVEN an error outside of the tree: its class may have any name, in any alphabet
    # THEN the subject takes the stage alone, and stays within the limit
    assert SERVER_SUBJECT.count("{}") == 1
    assert all(len(SERVER_SUBJECT.format(stage)) <= SUBJECT_LIMIT for stage in STAGES)
    assert SERVER_SUBJECT.isascii()


def test_message_says_all_that_a_person_needs(states: dict[str, Any]) -> None:
    message = states["PublishAlert"]["Parameters"]["Message.$"]
    for path in (
        "$.failure.stage",
        "$.failure.error",
        "$.failure.message",
        "$.failure.status_code",
        "$.source.address",
        "$.kept.note",
        "$.execution.arn",
    ):
        assert path in message
    for words in words_of(states):
        assert "input file is untouched" in words
        assert "pipeline show {}" in words


def words_of(states: dict[str, Any]) -> list[str]:
    """What the alert says, whosever fault it is, before the values are put in."""
    verdicts = [states[name]["Parameters"] for name in ("FaultOfTheFile", "FaultOfThePlatform")]
    return [verdict["words"] for verdict in verdicts]


def test_message_has_as_many_values_as_places(states: dict[str, Any]) -> None:
    message = states["PublishAlert"]["Parameters"]["Message.$"]
    assert message.startswith("States.Format($.verdict.words, ")
    for words in words_of(states):
        assert words.count("{}") == message.count("$.") - 1


def test_message_says_whether_the_queue_has_the_run(states: dict[str, Any]) -> None:
    kept = states["SendToDeadLetterQueue"]["ResultSelector"]["note"]
    refused = states["QueueRefused"]["Parameters"]["note"]
    assert "kept in the dead-letter queue <MessagingDeadLetters" in kept
    assert "refused" in refused
    assert states["SendToDeadLetterQueue"]["ResultPath"] == states["QueueRefused"]["ResultPath"]
