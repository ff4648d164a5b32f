"""S3 that is slow, overloaded, down or cut off: a few times, and for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.constants import RETRY_MAX_ATTEMPTS
from pipeline.storage import SDK_ATTEMPTS
from tests.faults.actions import cut, drop, lose_answer, refuse
from tests.faults.audit import Seen
from tests.faults.orders import rows_of_every_fate
from tests.faults.suite import OK, ONE_EACH, scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.proxy import Exchange
    from tests.faults.trial import Trial

MOST_REQUESTS: Final = SDK_ATTEMPTS * (1 + RETRY_MAX_ATTEMPTS)
SLOW_DOWN: Final = refuse(503, "SlowDown")
INTERNAL: Final = refuse(500, "InternalError")


def _at_reading(
    name: str,
    fault: str,
    action: Callable[[Exchange], None],
    *,
    times: int,
    attempts: int,
    absorbed_by: str,
) -> None:
    """Enter the scenario of a fault that hits the first few reads of the clean frame."""

    def act(trial: Trial) -> None:
        with trial.held(rows_of_every_fate()) as upload:
            frame = upload.run.staging_key("clean")
            trial.inject("GET", "staging_bucket", frame, action, last=times)
        trial.ended()

    act.__name__ = name
    scenario(
        fault=fault,
        where=f"{times} x at transform's read of its input",
        must=f"absorbed by {absorbed_by}",
        expected=Seen(OK, f"1 1 {attempts} 1 1"),
    )(act)


@scenario(
    fault="body cut in the middle",
    where="once, at validate's read of the uploaded file",
    must="not taken for the file's end: the state machine's retry reads all of it",
    expected=Seen(OK, "2 1 1 1 1"),
)
def upload_cut_once(trial: Trial) -> None:
    trial.inject("GET", "input_bucket", trial.key(), cut, last=1)
    trial.put(rows_of_every_fate())
    trial.ended()


@scenario(
    fault="body cut in the middle",
    where="once, at validate's read of an uploaded gzip file",
    must="not taken for a corrupt file: the state machine's retry reads all of it",
    expected=Seen(OK, "2 1 1 1 1"),
)
def compressed_upload_cut_once(trial: Trial) -> None:
    name = "file.csv.gz"
    trial.inject("GET", "input_bucket", trial.key(name), cut, last=1)
    trial.put(rows_of_every_fate(range(1, 32)), name)
    trial.ended(name=name)


SDK: Final = "the SDK's second try"
RETRY: Final = "the state machine's retry"
_at_reading("slow_down_once", "503 SlowDown", SLOW_DOWN, times=1, attempts=1, absorbed_by=SDK)
_at_reading("slow_down_thrice", "503 SlowDown", SLOW_DOWN, times=3, attempts=2, absorbed_by=RETRY)
_at_reading("internal_once", "500 InternalError", INTERNAL, times=1, attempts=1, absorbed_by=SDK)
_at_reading("dropped_once", "dropped connection", drop, times=1, attempts=1, absorbed_by=SDK)
_at_reading("cut_once", "body cut in the middle", cut, times=1, attempts=2, absorbed_by=RETRY)


def _for_ever(
    name: str, fault: str, action: Callable[[Exchange], None], *, error: str, requests: int
) -> None:
    """Enter the scenario of a fault that hits every read of the clean frame, until it is over."""

    def act(trial: Trial) -> None:
        with trial.held(rows_of_every_fate()) as upload:
            frame = upload.run.staging_key("clean")
            rule = trial.inject("GET", "staging_bucket", frame, action)
        trial.ended()
        letter = trial.letter()
        assert len(rule.hits) == requests <= MOST_REQUESTS
        assert letter["failure"]["stage"] == "transform"
        rule.active = False
        trial.replay()
        trial.ended(2)
        assert trial.resumed() == ["validate", "clean"]

    act.__name__ = name
    scenario(
        fault=fault,
        where=f"every time, at transform's read of its input ({requests} requests)",
        must="dead letter; when S3 is well again, the replay resumes at transform",
        expected=Seen(
            f"{error} (500), then {OK}",
            f"1 1 3 0 0, then {ONE_EACH}",
            executions=2,
            letters=1,
            alerts=1,
        ),
    )(act)


THROTTLED: Final = "StorageThrottledError"
UNAVAILABLE: Final = "StorageUnavailableError"
_for_ever("slow_down_for_ever", "503 SlowDown", SLOW_DOWN, error=THROTTLED, requests=6)
_for_ever("internal_for_ever", "500 InternalError", INTERNAL, error=UNAVAILABLE, requests=6)
_for_ever("dropped_for_ever", "dropped connection", drop, error=UNAVAILABLE, requests=6)
_for_ever("cut_for_ever", "body cut in the middle", cut, error=UNAVAILABLE, requests=3)


@scenario(
    fault="503 SlowDown",
    where="every time, at one of three output files of a newer version (6 requests)",
    must="write takes the other files back; the older output stays as it was, also in a listing; "
    "the replay finishes",
    expected=Seen(
        f"{OK}, then {THROTTLED} (500), then {OK}",
        f"{ONE_EACH}, then 1 1 1 1 3, then {ONE_EACH}",
        executions=3,
        letters=1,
        alerts=1,
    ),
)
def output_refused_for_ever(trial: Trial) -> None:
    older = trial.put(rows_of_every_fate((1, 2, 3)))
    trial.ended()
    before = trial.visible(older)
    with trial.held(rows_of_every_fate((2, 3, 4), first_id=100)) as newer:
        files = f"processed/orders/day=3/*{newer.run.source_id}*"
        rule = trial.inject("PUT", "output_bucket", files, SLOW_DOWN)
    trial.ended(2)
    trial.letter()
    assert len(rule.hits) == MOST_REQUESTS
    assert trial.visible(older) == before
    rule.active = False
    trial.replay()


@scenario(
    fault="the answer is lost",
    where="once, at an output file: it is written, and write does not hear of it",
    must="the SDK writes it again; the manifest names the version that is visible",
    expected=Seen(OK, ONE_EACH),
)
def answer_of_an_output_lost(trial: Trial) -> None:
    with trial.held(rows_of_every_fate()) as upload:
        files = f"processed/orders/day=2/*{upload.run.source_id}*"
        rule = trial.inject("PUT", "output_bucket", files, lose_answer, last=1)
    trial.ended()
    assert trial.lab.versions(rule.hits[0].key) == 2


@scenario(
    fault="the answer is lost",
    where="once, at the manifest: it is written, and write does not hear of it",
    must="the SDK tries again, meets its own commit and keeps it",
    expected=Seen(OK, ONE_EACH),
)
def answer_of_the_commit_lost(trial: Trial) -> None:
    with trial.held(rows_of_every_fate()) as upload:
        trial.inject("PUT", "output_bucket", upload.run.manifest_key, lose_answer, last=1)
    trial.ended()
    assert trial.lab.versions(upload.run.manifest_key) == 1


@scenario(
    fault="the staged frame is deleted",
    where="in transit from clean to transform",
    must="dead letter that names it; the replay resumes at clean, which makes it again",
    expected=Seen(
        f"ObjectNotVisibleError (500), then {OK}",
        f"1 1 3 0 0, then {ONE_EACH}",
        executions=2,
        letters=1,
        alerts=1,
    ),
)
def staged_frame_deleted(trial: Trial) -> None:
    bucket = trial.lab.cloud.status["staging_bucket"]
    with trial.held(rows_of_every_fate()) as upload:
        frame = upload.run.staging_key("clean")

        def delete(exchange: Exchange) -> None:
            del exchange
            trial.lab.client("s3").delete_object(Bucket=bucket, Key=frame)

        trial.inject("GET", "staging_bucket", frame, delete, last=1)
    trial.ended()
    assert frame in trial.letter()["failure"]["message"]
    trial.replay()
    trial.ended(2)
    assert trial.resumed() == ["validate"]
