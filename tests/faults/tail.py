"""The ways out of a failure are broken themselves: no queue, no topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.audit import Seen
from tests.faults.suite import scenario

if TYPE_CHECKING:
    from tests.faults.trial import Trial

EMPTY: str = "EmptyFileError"


@scenario(
    fault="the dead-letter queue is deleted",
    where="before a file fails",
    must="the alert goes out and says that the run was not kept; the execution ends with the "
    "stage's error",
    expected=Seen(EMPTY, "1 0 0 0 0", letters=0, alerts=1),
    disarms=True,
)
def queue_missing(trial: Trial) -> None:
    sqs, url = trial.lab.client("sqs"), trial.lab.cloud.status["dead_letter_queue_url"]
    sqs.delete_queue(QueueUrl=url)
    try:
        upload = trial.put_bytes(b"", "empty.csv", "flights")
        (execution,) = trial.lab.ended(upload.key)
    finally:
        sqs.create_queue(QueueName=url.rsplit("/", 1)[-1])
    (alert,) = [text for text in trial.lab.alerts() if execution.arn in text]
    assert "dead-letter queue refused" in alert, alert


@scenario(
    fault="the alert topic is deleted",
    where="before a file fails",
    must="the letter is kept; the execution ends with the stage's error",
    expected=Seen(f"{EMPTY} (400)", "1 0 0 0 0", letters=1, alerts=0),
    disarms=True,
)
def topic_missing(trial: Trial) -> None:
    topic = trial.lab.cloud.status["alert_topic_arn"]
    trial.lab.client("sns").delete_topic(TopicArn=topic)
    upload = trial.put_bytes(b"", "empty.csv", "flights")
    trial.lab.ended(upload.key)
    assert upload.key in trial.letter()["failure"]["message"]
