"""Alarms about files that nobody processes, and failures that nobody looks after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.alarms.rule import AS_BEFORE, AlarmRule
from infra.metrics import MINUTES, endings, of_machine, of_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_events as events
    from aws_cdk import aws_sqs as sqs

    from infra.alarms.rule import Watched
    from infra.settings import Settings


def failure_rules(watched: Watched, settings: Settings) -> Iterator[AlarmRule]:
    """Alarms that every stack has but those without any."""
    yield _undelivered_events(watched, settings)
    yield from _failed_deliveries(watched)
    yield _dead_letters(watched, settings)
    yield _dead_letter_age(watched, settings)
    yield _failed_runs(watched, settings)
    yield _timed_out_runs(watched)
    yield _stall(watched, settings)


def _undelivered_events(watched: Watched, settings: Settings) -> AlarmRule:
    unsent = " Or a run's lineage event did not reach its receiver." if settings.lineage else ""
    return AlarmRule(
        "UndeliveredEvents",
        _waiting(watched.messaging.undelivered_events),
        threshold=1,
        happened="EventBridge could not deliver events: files were uploaded that nobody has "
        f"processed, or failures happened that nobody was told of.{unsent} The events are kept.",
        look="dead-letters list",
        section="Undelivered events",
    )


def _failed_deliveries(watched: Watched) -> Iterator[AlarmRule]:
    """Two alarms for each rule, whose names say what is not delivered, or lost."""
    yield from _deliveries("Uploads", watched.uploads, "uploads to the state machine")
    for rule in watched.endings:
        what = "the end of an execution to the dead-letter queue or the alert topic"
        yield from _deliveries(f"{rule.node.id}Runs", rule, what)


def _deliveries(name: str, rule: events.Rule, what: str) -> Iterator[AlarmRule]:
    yield AlarmRule(
        f"{name}NotDelivered",
        of_rule(rule.rule_name, "FailedInvocations"),
        threshold=1,
        happened=f"EventBridge gave up delivering {what}: most often it is not allowed to, or the "
        "target is gone. The events should wait in the queue of undelivered events.",
        look="dead-letters list",
        section="Failed deliveries",
    )
    yield AlarmRule(
        f"{name}Lost",
        of_rule(rule.rule_name, "InvocationsFailedToBeSentToDlq"),
        threshold=1,
        happened=f"EventBridge could neither deliver {what}, nor put the events into the queue of "
        "undelivered events. Nothing remembers them but the input bucket and the executions' "
        "history.",
        look="executions --limit 1000",
        section="Lost events",
    )


def _dead_letters(watched: Watched, settings: Settings) -> AlarmRule:
    return AlarmRule(
        "DeadLetters",
        _waiting(watched.messaging.dead_letters),
        threshold=settings.thresholds.dead_letters,
        happened="Failed runs wait in the dead-letter queue to be replayed or discarded. Each has "
        "told of itself, unless the alert could not be sent.",
        look="dead-letters list",
        section="Dead letters",
    )


def _dead_letter_age(watched: Watched, settings: Settings) -> AlarmRule:
    """Hours in which the queue was never seen empty stand for the age of the oldest letter.

    SQS leaves messages that were received three times, and not deleted, out of
    `ApproximateAgeOfOldestMessage` ("Available CloudWatch metrics for Amazon SQS"): looking at a
    letter with three commands would end an alarm on it. Here a command that holds the letters for
    long, a replay, starts the hours again: somebody is at work. The first hour may be a part of
    one, where an unused queue had told nothing before, so that there is one more.
    """
    hours = settings.thresholds.dead_letter_age_h
    return AlarmRule(
        "DeadLetterAge",
        _waiting(watched.messaging.dead_letters, minutes=60, statistic="Minimum"),
        threshold=1,
        periods=hours + 1,
        happened=f"The dead-letter queue has not been empty for {hours} hours. A letter is deleted "
        f"{settings.dead_letter_days} days after its failure, and with it what a replay needs.",
        look="dead-letters list",
        section="Old dead letters",
    )


def _waiting(
    queue: sqs.Queue, *, minutes: int = MINUTES, statistic: str = "Maximum"
) -> cloudwatch.Metric:
    """Messages that wait in a queue.

    Their number is told every minute; the longer period hides the moments in which a command holds
    what it looks at.
    """
    period = Duration.minutes(minutes)
    return queue.metric_approximate_number_of_messages_visible(statistic=statistic, period=period)


def _failed_runs(watched: Watched, settings: Settings) -> AlarmRule:
    failures, minutes = settings.thresholds.failures, settings.thresholds.rate_minutes
    return AlarmRule(
        "FailedRuns",
        of_machine(watched.machine, "ExecutionsFailed", minutes=minutes),
        threshold=failures,
        happened=f"{failures} or more runs failed within {minutes} minutes. Each has told of "
        "itself; look for one cause behind them.",
        look="dead-letters list",
        section="Failed runs",
    )


def _timed_out_runs(watched: Watched) -> AlarmRule:
    """The rule for uncaught endings tells the same: this one does not depend on EventBridge."""
    return AlarmRule(
        "TimedOutRuns",
        of_machine(watched.machine, "ExecutionsTimedOut"),
        threshold=1,
        happened="An execution took longer than it may, retries included, and was ended. Its input "
        "file is untouched.",
        look="executions --status TIMED_OUT",
        section="Timed-out runs",
    )


def _stall(watched: Watched, settings: Settings) -> AlarmRule:
    """Every minute since a file arrived says "waiting", until a minute in which a run ended.

    A minute without files and endings repeats the last one that had some. So a file that has just
    arrived raises nothing, whatever minute it arrives in, and a stall lasts until a run ends, also
    when no further file comes: the alarm then has no data, and stays raised.

    In a minute that has both, the ending counts. It outweighs any number of files, and sums treat
    a metric without data as 0, where an IF would drop the minute.
    """
    minutes = settings.stall_minutes
    ended = endings(watched.machine, minutes=1)
    balance = cloudwatch.MathExpression(
        expression=f"files - 1000000 * ({' + '.join(ended)})",
        using_metrics={
            "files": of_rule(watched.uploads.rule_name, "TriggeredRules", minutes=1),
            **ended,
        },
        period=Duration.minutes(1),
    )
    return AlarmRule(
        "Stall",
        cloudwatch.MathExpression(
            expression="FILL(IF(balance != 0, balance > 0), REPEAT)",
            using_metrics={"balance": balance},
            period=Duration.minutes(1),
            label="Files wait",
        ),
        threshold=1,
        periods=minutes,
        missing=AS_BEFORE,
        happened=f"Files arrived, and for {minutes} minutes no run has ended, neither well nor "
        "badly. The files are untouched.",
        look="executions",
        section="Stall",
    )
