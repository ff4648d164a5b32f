"""Alarms about rates, latency and the functions' limits: what no single run can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.alarms.rule import ABOVE, BELOW, AlarmRule
from infra.metrics import MINUTES, endings, of_function, of_machine, of_stack
from pipeline.metrics import MEMORY_UTILIZATION, UPLOAD_TO_COMMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_lambda as lambda_

    from infra.alarms.rule import Watched
    from infra.settings import Settings


def limit_rules(watched: Watched, settings: Settings) -> Iterator[AlarmRule]:
    """Alarms of a stack that is watched closely."""
    for stage, function in watched.functions.items():
        yield _errors(stage, function, settings)
        yield _throttles(stage, function, settings)
        yield _duration(stage, function, settings)
        yield _memory(stage, settings)
    yield _throttled_states(watched, settings)
    yield _success_rate(watched, settings)
    yield _error_rate(watched, settings)
    yield _latency(settings)


def _errors(stage: str, function: lambda_.IFunction, settings: Settings) -> AlarmRule:
    least = settings.thresholds.errors
    return AlarmRule(
        f"{stage.capitalize()}Errors",
        function.metric_errors(period=Duration.minutes(MINUTES)),
        threshold=least,
        happened=f"The function of {stage} failed {least} times or more within {MINUTES} minutes: "
        "more than one file is affected, for a file is tried three times.",
        look="executions --status FAILED",
        section="Function errors",
    )


def _throttles(stage: str, function: lambda_.IFunction, settings: Settings) -> AlarmRule:
    return AlarmRule(
        f"{stage.capitalize()}Throttles",
        function.metric_throttles(period=Duration.minutes(MINUTES)),
        threshold=settings.thresholds.throttles,
        happened=f"Lambda refused to run the function of {stage}: as many of them run as the "
        "account, or the function's reserved concurrency, allows. Files wait and are tried again; "
        "after three refusals their runs fail.",
        look="executions",
        section="Function throttles",
    )


def _duration(stage: str, function: lambda_.IFunction, settings: Settings) -> AlarmRule:
    percent, timeout_s = settings.thresholds.duration_percent, settings.stages[stage].timeout_s
    return AlarmRule(
        f"{stage.capitalize()}Duration",
        function.metric_duration(statistic="Maximum", period=Duration.minutes(MINUTES)),
        threshold=timeout_s * 1000 * percent / 100,
        happened=f"The function of {stage} took {percent} % or more of its timeout of {timeout_s} "
        "seconds. A somewhat larger file would fail.",
        look="executions",
        section="Function duration",
    )


def _memory(stage: str, settings: Settings) -> AlarmRule:
    percent, size_mb = settings.thresholds.memory_percent, settings.stages[stage].memory_mb
    return AlarmRule(
        f"{stage.capitalize()}Memory",
        of_function(MEMORY_UTILIZATION, stage),
        threshold=percent,
        happened=f"The function of {stage} used {percent} % or more of its {size_mb} MB. A row "
        "group or a value that is somewhat larger would fail.",
        look="executions",
        section="Function memory",
    )


def _throttled_states(watched: Watched, settings: Settings) -> AlarmRule:
    return AlarmRule(
        "ThrottledStates",
        of_machine(watched.machine, "ExecutionThrottled"),
        threshold=settings.thresholds.throttles,
        happened="Step Functions slowed executions down: the account's state transitions a second "
        "are used up. Files take longer; nothing fails.",
        look="executions --status RUNNING",
        section="Throttled states",
    )


def _success_rate(watched: Watched, settings: Settings) -> AlarmRule:
    """From the failures, not the successes: sums treat a metric without data as 0."""
    limits = settings.thresholds
    ended = endings(watched.machine, minutes=limits.rate_minutes)
    bad = {name: metric for name, metric in ended.items() if name != "succeeded"}
    return AlarmRule(
        "SuccessRate",
        _rate(
            f"100 - 100 * ({' + '.join(bad)}) / total",
            metrics=bad,
            total=ended,
            least=limits.rate_minimum,
            otherwise=100,
            label="Runs that succeeded, percent",
        ),
        threshold=limits.success_percent,
        raised=BELOW,
        happened=f"Of the runs that ended within {limits.rate_minutes} minutes, less than "
        f"{limits.success_percent} % succeeded.",
        look="executions --status FAILED",
        section="Success rate",
    )


def _error_rate(watched: Watched, settings: Settings) -> AlarmRule:
    """A run calls every stage, so that the least number of invocations is as many times greater.

    With fewer, the three attempts of a single file would be above the default limit.
    """
    limits = settings.thresholds
    period = Duration.minutes(limits.rate_minutes)
    errors = {
        f"errors_{stage}": function.metric_errors(period=period)
        for stage, function in watched.functions.items()
    }
    return AlarmRule(
        "ErrorRate",
        _rate(
            f"100 * ({' + '.join(errors)}) / total",
            metrics=errors,
            total={
                f"calls_{stage}": function.metric_invocations(period=period)
                for stage, function in watched.functions.items()
            },
            least=limits.rate_minimum * len(watched.functions),
            otherwise=0,
            label="Invocations that failed, percent",
        ),
        threshold=limits.error_percent,
        raised=ABOVE,
        happened=f"Of the functions' invocations within {limits.rate_minutes} minutes, more than "
        f"{limits.error_percent} % failed, those included that succeeded when tried again.",
        look="executions --status FAILED",
        section="Error rate",
    )


def _rate(
    rate: str,
    *,
    metrics: dict[str, cloudwatch.Metric],
    total: dict[str, cloudwatch.Metric],
    least: int,
    otherwise: int,
    label: str,
) -> cloudwatch.MathExpression:
    """Rate in percent of a `total`, which is a sum; below `least`, and without data, `otherwise`.

    Without data of its own the alarm would stay with the last rate that there was.
    """
    period = next(iter(total.values())).period
    summed = cloudwatch.MathExpression(
        expression=" + ".join(total), using_metrics=total, period=period
    )
    return cloudwatch.MathExpression(
        expression=f"FILL(IF(total >= {least}, {rate}, {otherwise}), {otherwise})",
        using_metrics={**metrics, "total": summed},
        period=period,
        label=label,
    )


def _latency(settings: Settings) -> AlarmRule:
    limits = settings.thresholds
    return AlarmRule(
        "Latency",
        of_stack(UPLOAD_TO_COMMIT, statistic="p95", minutes=limits.rate_minutes),
        threshold=limits.latency_s,
        raised=ABOVE,
        happened=f"One file in twenty or more, of those of the last {limits.rate_minutes} minutes, "
        f"took longer than {limits.latency_s} seconds from its upload until it could be read.",
        look="executions",
        section="Latency",
    )
