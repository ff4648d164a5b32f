"""The five stages as states: what every machine that runs files has in common.

The shape of the state between them is told in docs/adr/0001-what-travels-between-the-states.md.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from pipeline.constants import (
    OUTCOMES_WITHOUT_WORK,
    RETRY_BACKOFF_RATE,
    RETRY_INTERVAL_SECONDS,
    RETRY_MAX_ATTEMPTS,
    STAGES,
    STATE_ALREADY_DONE,
    STATE_NOTICE,
    STATE_START,
    STATE_SUCCEEDED,
    state_name,
)
from pipeline.errors import retryable_error_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from infra.settings import Settings

STATE_IS_THERE_WORK: Final = "IsThereWork"
STATE_IS_NOTICE_DUE: Final = "IsNoticeDue"
TELLING_TIMEOUT: Final = sfn.Timeout.duration(Duration.seconds(30))
"""Patience with the queue and the topic."""
RUN: Final = "$.current.run"


def stage_chain(
    scope: Construct,
    *,
    functions: Mapping[str, lambda_.IFunction],
    alerts: sns.Topic,
    settings: Settings,
    on_failure: sfn.IChainable,
) -> sfn.State:
    """First of the states that take one file through all stages.

    Parameters
    ----------
    scope
        Gets the states; their names are the same in every scope.
    alerts
        Is told of rejected rows, where the run says so.
    on_failure
        State that follows when a stage fails for good; finds `$.failure` and `$.current.stage`.
    """
    start = sfn.Pass(scope, STATE_START, parameters=_first_state())
    stages = {
        stage: _stage_task(
            scope, stage=stage, function=functions[stage], settings=settings, on_failure=on_failure
        )
        for stage in STAGES
    }
    first, second, *_, last = STAGES
    start.next(stages[first]).next(
        sfn.Choice(scope, STATE_IS_THERE_WORK)
        .when(_nothing_to_do(), sfn.Succeed(scope, STATE_ALREADY_DONE, output_path=RUN))
        .otherwise(stages[second])
    )
    for stage, following in pairwise(STAGES[1:]):
        stages[stage].next(stages[following])
    stages[last].next(_notice(scope, alerts=alerts))
    return start


def with_retry(
    task: sfn.TaskStateBase, errors: Sequence[str] = (sfn.Errors.ALL,)
) -> sfn.TaskStateBase:
    """Return the task, retried after these errors as every task of this project is."""
    return task.add_retry(
        errors=list(errors),
        interval=Duration.seconds(RETRY_INTERVAL_SECONDS),
        backoff_rate=RETRY_BACKOFF_RATE,
        max_attempts=RETRY_MAX_ATTEMPTS,
        jitter_strategy=sfn.JitterType.FULL,
    )


def _first_state() -> dict[str, object]:
    """State's shape from `Start` on."""
    return {
        "event": sfn.JsonPath.entire_payload,
        "execution": {
            "arn": sfn.JsonPath.execution_id,
            "name": sfn.JsonPath.execution_name,
            "started_at": sfn.JsonPath.execution_start_time,
        },
        "current": {"stage": STAGES[0], "run": {}},
    }


def _stage_task(
    scope: Construct,
    *,
    stage: str,
    function: lambda_.IFunction,
    settings: Settings,
    on_failure: sfn.IChainable,
) -> sfn.TaskStateBase:
    """Task that invokes a stage's function and puts its result into the state."""
    task = tasks.LambdaInvoke(
        scope,
        state_name(stage),
        lambda_function=function,
        payload=sfn.TaskInput.from_object(
            {
                "event": sfn.JsonPath.object_at("$.event"),
                "execution": sfn.JsonPath.object_at("$.execution"),
                "run": sfn.JsonPath.object_at(RUN),
                "attempt": sfn.JsonPath.number_at("$$.State.RetryCount"),
            }
        ),
        result_selector={"stage": _following(stage), "run": sfn.JsonPath.object_at("$.Payload")},
        result_path="$.current",
        # The library's own retry makes six attempts more, and leaves throttling out.
        retry_on_service_exceptions=False,
        task_timeout=sfn.Timeout.duration(Duration.seconds(settings.stages[stage].task_timeout_s)),
    )
    retried = with_retry(task, retryable_error_names())
    return retried.add_catch(on_failure, errors=[sfn.Errors.ALL], result_path="$.failure")


def _notice(scope: Construct, *, alerts: sns.Topic) -> sfn.Choice:
    """States that tell a person of rejected rows, which a run that succeeded may ask for.

    A topic that refuses takes nothing back of what the run has published.
    """
    subject, message = f"{RUN}.notice.subject", f"{RUN}.notice.message"
    succeeded = sfn.Succeed(scope, STATE_SUCCEEDED, output_path=RUN)
    task = tasks.SnsPublish(
        scope,
        STATE_NOTICE,
        topic=alerts,
        subject=sfn.JsonPath.string_at(subject),
        message=sfn.TaskInput.from_json_path_at(message),
        result_path="$.notified",
        task_timeout=TELLING_TIMEOUT,
    )
    with_retry(task).add_catch(succeeded, errors=[sfn.Errors.ALL], result_path="$.refused_by_topic")
    return (
        sfn.Choice(scope, STATE_IS_NOTICE_DUE)
        .when(sfn.Condition.and_(is_text(subject), is_text(message)), task.next(succeeded))
        .otherwise(succeeded)
    )


def is_text(path: str) -> sfn.Condition:
    """Condition that there is a string at `path`."""
    return sfn.Condition.and_(sfn.Condition.is_present(path), sfn.Condition.is_string(path))


def _following(stage: str) -> str:
    """Stage after `stage`; the last one is followed by none and keeps its own name."""
    return dict(pairwise(STAGES)).get(stage, stage)


def _nothing_to_do() -> sfn.Condition:
    """Condition that the first stage ended the run."""
    outcome = f"{RUN}.outcome"
    return sfn.Condition.and_(
        sfn.Condition.is_present(outcome),
        sfn.Condition.or_(
            *(sfn.Condition.string_equals(outcome, name) for name in OUTCOMES_WITHOUT_WORK)
        ),
    )
