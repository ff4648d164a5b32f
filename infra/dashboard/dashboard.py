"""The dashboard: is everything all right, and if not, where to look and what to type.

The screen that opens answers; the rows below it say why: by dataset, by stage, in the queues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.dashboard.datasets import dataset_rows
from infra.dashboard.stages import stage_rows
from infra.dashboard.text import what_to_type, where_to_look
from infra.dashboard.widgets import (
    A_QUARTER,
    BLUE,
    GREEN,
    GREY,
    LIGHT_BLUE,
    ORANGE,
    PERIOD_MINUTES,
    RED,
    computed,
    drawn,
    graph,
    heading,
    numbers,
    share,
    total,
)
from infra.metrics import MINUTES, endings, of_rule, of_stack
from pipeline import constants, metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_events as events
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_stepfunctions as sfn

    from infra.functions import StageFunction
    from infra.messaging import Messaging
    from infra.pointers import Pointers
    from infra.settings import Settings

ALARMS_SHOWN: Final = 100
"""CloudWatch takes no more in a widget."""
_DAY: Final = 24 * 60


class Dashboard(Construct):
    """One dashboard, of the stack's name.

    Parameters
    ----------
    datasets
        Those that the functions carry; others appear with the next deployment.
    uploads
        The rule that an uploaded file starts an execution by.
    alarms
        All that the stack has; there may be none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        datasets: Sequence[str],
        functions: Mapping[str, StageFunction],
        machine: sfn.StateMachine,
        messaging: Messaging,
        uploads: events.Rule,
        alarms: Sequence[cloudwatch.Alarm],
        pointers: Pointers,
    ) -> None:
        super().__init__(scope, construct_id)
        self._limits = settings.thresholds
        self._messaging, self._uploads = messaging, uploads
        self._ended = endings(machine, minutes=PERIOD_MINUTES)
        functions_of = {stage: made.function for stage, made in functions.items()}
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=settings.stack_name,
            start="-P1D",
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                self._figures(),
                [*_alarm_status(alarms), *self._course()],
                [
                    what_to_type(pointers),
                    where_to_look(
                        pointers, machine=machine, messaging=messaging, functions=functions_of
                    ),
                ],
                *dataset_rows(datasets, settings.metrics),
                *stage_rows(functions_of, settings),
                [heading("What is on its way, what waits, what it costs")],
                [self._arrivals(), self._waiting(), self._daily_cost()],
            ],
        )

    def _figures(self) -> list[cloudwatch.IWidget]:
        """The first row: rates and counts over the time that is looked at, queues as they are."""
        at_least = self._limits.success_percent
        succeeded = computed(
            f"100 * FILL(succeeded, 0) / "
            f"({' + '.join(f'FILL({name}, 0)' for name in self._ended)})",
            self._ended,
            label="succeeded",
            color=GREEN,
        )
        through = [
            drawn(of_stack(metrics.ROWS_READ), label="rows read", color=LIGHT_BLUE),
            drawn(of_stack(metrics.ROWS_WRITTEN), label="rows written", color=BLUE),
            drawn(of_stack(metrics.ROWS_REJECTED), label="rows rejected", color=ORANGE),
            drawn(of_stack(metrics.ESTIMATED_COST), label="estimated USD", color=GREY),
        ]
        return [
            share(
                f"Success rate (limit {at_least} %)",
                succeeded,
                at_least=at_least,
                width=4,
            ),
            numbers("How did runs end?", self._endings(), width=7, over_range=True),
            numbers("What waits for a person now?", self._queued(), width=5, over_range=False),
            numbers("What came through?", through, width=8, over_range=True),
        ]

    def _course(self) -> list[cloudwatch.IWidget]:
        """How runs ended and how long they took, over time, against the limit."""
        latency = self._limits.latency_s
        percentiles = [
            drawn(
                of_stack(metrics.UPLOAD_TO_COMMIT, statistic=statistic, minutes=PERIOD_MINUTES),
                label=label,
                color=color,
            )
            for statistic, label, color in (
                ("p50", "half of the files within", LIGHT_BLUE),
                ("p95", "95 % of the files within", BLUE),
            )
        ]
        return [
            graph(
                "How did runs end, and when?",
                self._endings(),
                unit=f"runs {A_QUARTER}",
                width=8,
                height=7,
                stacked=True,
            ),
            graph(
                "How long from upload to commit?",
                percentiles,
                unit="seconds",
                width=8,
                height=7,
                limit=(latency, f"limit {latency} s"),
            ),
        ]

    def _endings(self) -> list[cloudwatch.IMetric]:
        """Runs by how they ended. Whether one failed is the state machine's to say."""
        found = [
            (constants.SUCCEEDED, "succeeded", GREEN),
            (constants.SUCCEEDED_WITH_REJECTS, "with rejects", ORANGE),
        ]
        runs = [
            drawn(_outcome(outcome), label=label, color=color) for outcome, label, color in found
        ]
        nothing = [_outcome(outcome) for outcome in constants.OUTCOMES_WITHOUT_WORK]
        failed = [metric for name, metric in self._ended.items() if name != "succeeded"]
        return [
            *runs,
            total("nothing", nothing, label="nothing to do", color=GREY),
            total("failed", failed, label="failed", color=RED),
        ]

    def _queued(self) -> list[cloudwatch.IMetric]:
        """Messages in both queues, and the age of the oldest dead letter.

        SQS tells nothing of a queue that has been empty and unused for six hours: nothing is 0.
        It leaves letters that were looked at three times out of the age.
        """
        letters, events = self._messaging.dead_letters, self._messaging.undelivered_events
        age = letters.metric_approximate_age_of_oldest_message(statistic="Maximum")
        return [
            _visible("letters", letters, label="dead letters", color=RED),
            computed(
                "FILL(age, 0) / 3600",
                {"age": age},
                label="oldest, hours",
                color=GREY,
                minutes=MINUTES,
            ),
            _visible("events", events, label="undelivered", color=ORANGE),
        ]

    def _waiting(self) -> cloudwatch.GraphWidget:
        queued = self._queued()
        return graph(
            "How many messages wait in the queues?",
            [queued[0], queued[2]],
            unit="messages",
            width=8,
        )

    def _arrivals(self) -> cloudwatch.GraphWidget:
        """Files that arrive against executions that end: lines that part are a stall."""
        arrived = of_rule(self._uploads.rule_name, "TriggeredRules", minutes=PERIOD_MINUTES)
        return graph(
            "Does every file that arrives come to an end?",
            [
                drawn(arrived, label="files that arrived", color=LIGHT_BLUE),
                total("ended", [*self._ended.values()], label="executions that ended", color=BLUE),
            ],
            unit=f"files {A_QUARTER}",
            width=8,
        )

    def _daily_cost(self) -> cloudwatch.GraphWidget:
        """What the runs cost, as `pipeline cost` estimates it; a fortnight, whatever is shown."""
        return graph(
            "Estimated cost of the runs a day, last 14 days",
            [
                drawn(
                    of_stack(metrics.ESTIMATED_COST, minutes=_DAY), label="all datasets", color=BLUE
                )
            ],
            unit="US dollars",
            width=8,
            stacked=True,
            start="-P14D",
        )


def _alarm_status(alarms: Sequence[cloudwatch.Alarm]) -> list[cloudwatch.IWidget]:
    """State of all alarms, raised ones first; nothing where there are none."""
    if not alarms:
        return []
    return [
        cloudwatch.AlarmStatusWidget(
            title="Is an alarm raised?",
            alarms=list(alarms[:ALARMS_SHOWN]),
            sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
            width=8,
            height=7,
        )
    ]


def _outcome(outcome: str) -> cloudwatch.Metric:
    return of_stack(metrics.outcome_metric(outcome), minutes=PERIOD_MINUTES)


def _visible(name: str, queue: sqs.Queue, *, label: str, color: str) -> cloudwatch.IMetric:
    """Messages that wait in a queue."""
    visible = queue.metric_approximate_number_of_messages_visible(statistic="Maximum")
    return computed(f"FILL({name}, 0)", {name: visible}, label=label, color=color, minutes=MINUTES)
