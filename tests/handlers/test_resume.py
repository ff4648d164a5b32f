"""A replay takes up what the failed execution had done, as far as it still stands; nothing else."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import replay
from pipeline.constants import STAGES
from pipeline.errors import InvalidEventError, StorageUnavailableError
from pipeline.run import new_run, source_of_event
from tests.handlers.cloud import OUTPUT, STAGING
from tests.handlers.orders import DATASET, KEY, Deployments, Orders, Shelf, csv, order

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handlers.cloud import Cloud
    from tests.handlers.faults import Faults

BODY = csv(
    order(1),
    order(2, day=99),
    order(3, day=2),
    order(4, code="c3"),
    order(5, quantity=0),
    order(6, item="gold"),
    order(7, item="coffee", day=2),
)
WRITTEN = [1, 3, 7]
COMMITTED = ("outcome", "rows", "lookups", "outputs", "rejects", "report", "manifest", "run_id")


def resumed(event: dict[str, Any], run: dict[str, Any] | None) -> dict[str, Any]:
    """Input of the execution that replays a failed one."""
    return {**event, "replay": {"of": "arn:failed", "run": run}}


def failed_after(cloud: Cloud, stages: int, body: bytes = BODY) -> tuple[dict[str, Any], Any]:
    """Event of an execution that failed, and the last run summary of it."""
    event = cloud.upload(KEY, body)
    runs = [None, *cloud.states(event, STAGES[:stages])]
    return event, runs[-1]


def worked(run: dict[str, Any]) -> list[str]:
    """Stages that did not take over what was done."""
    return [record["stage"] for record in run["stages"] if not record["resumed"]]


def undisturbed(cloud: Cloud) -> dict[str, Any]:
    """The same file's run, without a failure: by another name, so that it is another object."""
    return cloud.run_pipeline("input/orders/undisturbed.csv", BODY)


def counts(run: dict[str, Any]) -> list[Any]:
    """What each stage says it took in, put out and took out."""
    return [(r["stage"], r["rows_in"], r["rows_out"], r["counts"]) for r in run["stages"]]


def assert_as_undisturbed(cloud: Cloud, run: dict[str, Any]) -> None:
    """The run has done what it does without a failure."""
    other = undisturbed(cloud)
    assert run["outcome"] == other["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert counts(run) == counts(other)
    assert (run["rows"], run["lookups"]) == (other["rows"], other["lookups"])
    assert run["rejects"]["top_rules"] == other["rejects"]["top_rules"]
    assert len(run["rejects"]["quarantine"]) == 2
    for address, theirs in zip(
        run["rejects"]["quarantine"], other["rejects"]["quarantine"], strict=True
    ):
        assert cloud.records(address) == cloud.records(theirs)
    shelf = Shelf(cloud, run["source_id"])
    assert shelf.rows == WRITTEN
    shelf.assert_tidy()


@pytest.mark.parametrize("done", range(len(STAGES)))
def test_replay_begins_at_the_stage_that_failed(
    cloud: Cloud, deploy: Deployments, done: int
) -> None:
    # GIVEN an execution of which the first stages succeeded
    deploy()
    event, run = failed_after(cloud, done)
    cloud.calls.clear()

    # WHEN
    again = cloud.run(resumed(event, run))

    # THEN only the other ones work, and what comes out is what comes out without a failure
    assert worked(again) == list(STAGES[done:])
    assert {call.stage for call in cloud.calls} == {"validate", *STAGES[done:]}
    read = {call.key for call in cloud.calls if call.operation == "GetObject"}
    assert not {key for key in read if key.startswith("runs/")} - {
        f"runs/{again['run_id']}/{stage}.arrows" for stage in STAGES[max(done - 1, 0) :]
    }
    assert_as_undisturbed(cloud, again)


def test_replay_of_a_replay_takes_up_both(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN a replay that fails one stage later than the execution that it replays
    deploy()
    event, run = failed_after(cloud, 2)
    *_, again = cloud.states(resumed(event, run), STAGES[:3])

    # WHEN
    last = cloud.run(resumed(event, again))

    # THEN
    assert worked(last) == ["enrich", "write"]
    assert_as_undisturbed(cloud, last)


def test_failure_that_left_nothing_is_replayed_from_the_start(
    cloud: Cloud, deploy: Deployments, faults: Faults
) -> None:
    # GIVEN a clean stage that dies on its way
    deploy()
    event, run = failed_after(cloud, 1)
    with faults.answering("PutObject", 503), pytest.raises(StorageUnavailableError):
        cloud.run_stage("clean", event, run)

    # WHEN, THEN
    again = cloud.run(resumed(event, run))
    assert worked(again) == ["clean", "transform", "enrich", "write"]
    assert_as_undisturbed(cloud, again)


def test_replay_of_what_has_been_committed_meanwhile_is_already_processed(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy()
    event, run = failed_after(cloud, 4)
    first = cloud.run_stage("write", event, run)

    again = cloud.run(resumed(event, run))

    assert again["outcome"] == "ALREADY_PROCESSED"
    assert again["outputs"] == first["outputs"]


def test_replay_of_an_older_version_is_superseded(cloud: Cloud, deploy: Deployments) -> None:
    deploy()
    event, run = failed_after(cloud, 4)
    cloud.run_pipeline(KEY, csv(order(8)))

    again = cloud.run(resumed(event, run))

    assert again["outcome"] == "SUPERSEDED"
    assert Shelf(cloud, again["source_id"]).rows == [8]


# --- What does not stand any more ----------------------------------------------------------


@pytest.mark.parametrize("gone", range(4))
@pytest.mark.parametrize("how", ["deleted", "overwritten"])
def test_frame_that_is_gone_is_made_again_with_all_that_follow(
    cloud: Cloud, deploy: Deployments, gone: int, how: str
) -> None:
    # GIVEN an execution that failed in the last stage, and a frame that is not its own any more
    deploy()
    event, run = failed_after(cloud, 4)
    frame = f"runs/{run['run_id']}/{STAGES[gone]}.arrows"
    if how == "deleted":
        cloud.s3.delete_object(Bucket=STAGING, Key=frame)
    else:
        cloud.s3.put_object(Bucket=STAGING, Key=frame, Body=b"somebody else's")

    # WHEN
    again = cloud.run(resumed(event, run))

    # THEN
    assert worked(again) == list(STAGES[gone:])
    assert_as_undisturbed(cloud, again)


def test_changed_plan_is_another_run_from_the_start(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN
    deploy()
    event, run = failed_after(cloud, 4)
    deploy(Orders(last_day=100))

    # WHEN
    again = cloud.run(resumed(event, run))

    # THEN
    assert again["run_id"] != run["run_id"]
    assert worked(again) == list(STAGES)
    assert Shelf(cloud, again["source_id"]).rows == [1, 2, 3, 7]


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`code(stage="abc")` deploys a stage's function with this code, as its asset's file says."""
    assets = tmp_path / "assets"
    hashes: dict[str, str] = {}

    def deployed(**changed: str) -> None:
        hashes.update(changed)

    def of(stage: str) -> None:
        file = assets / stage / "pipeline" / "replay.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        (assets / stage / "code.sha256").write_text(f"{hashes[stage]}\n", "ascii")
        monkeypatch.setattr(replay, "__file__", str(file))
        replay.code_hash.cache_clear()

    deployed(**dict.fromkeys(STAGES, "first"))
    yield deployed, of
    replay.code_hash.cache_clear()


@pytest.mark.parametrize("changed", range(len(STAGES)))
def test_stage_that_was_deployed_anew_works_again_and_all_that_follow(
    cloud: Cloud, deploy: Deployments, code: Any, changed: int
) -> None:
    # GIVEN functions from assets, an execution that failed in the last one, and a correction
    deployed, of = code
    deploy()
    event = cloud.upload(KEY, BODY)
    run: dict[str, Any] | None = None
    for stage in STAGES[:4]:
        of(stage)
        run = cloud.run_stage(stage, event, run)
    assert run is not None
    assert {record["code"] for record in run["stages"]} == {"first"}
    deployed(**{STAGES[changed]: "second"})

    # WHEN
    again: dict[str, Any] | None = None
    for stage in STAGES:
        of(stage)
        again = cloud.run_stage(stage, resumed(event, run), again)

    # THEN
    assert again is not None
    assert worked(again) == list(STAGES[changed:])
    assert_as_undisturbed(cloud, again)


# --- What must not be believed -------------------------------------------------------------


def other_object(cloud: Cloud) -> dict[str, Any]:
    """Last run summary of somebody else's object, about to be written."""
    event = cloud.upload("input/orders/theirs.csv", csv(order(66), order(67, day=31)))
    *_, run = cloud.states(event, STAGES[:4])
    return run


def foreign_run(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return other_object(cloud)


def foreign_run_under_our_id(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return other_object(cloud) | {"run_id": run["run_id"]}


def foreign_data(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"data": other_object(cloud)["data"]}


def foreign_bucket(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    theirs = f"runs/{run['run_id']}/enrich.arrows"
    cloud.s3.copy_object(Bucket=OUTPUT, Key=theirs, CopySource=f"{STAGING}/{theirs}")
    return run | {"data": run["data"] | {"bucket": OUTPUT}}


def foreign_identity(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    theirs = other_object(cloud)
    return run | {name: theirs[name] for name in ("source_id", "source")} | {"dataset": "theirs"}


def foreign_merge(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"merges": {"run_id": "0" * 32, "manifest_etag": "", "rows": 1}}


def foreign_results(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    forged = "s3://elsewhere/quarantine/orders/x/validate.jsonl"
    run["rejects"]["quarantine"] += [forged, f"s3://{OUTPUT}/quarantine/theirs/y/enrich.jsonl"]
    return run | {
        "outcome": "SUCCEEDED",
        "outputs": ["s3://elsewhere/x"],
        "manifest": "s3://elsewhere/m",
        "report": "s3://elsewhere/r",
        "notice": {"subject": "You won", "message": "Click here"},
    }


def stages_out_of_order(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"stages": run["stages"][::-1]}


def stage_left_out(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"stages": [run["stages"][0], *run["stages"][2:]]}


def stage_twice(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"stages": [run["stages"][0], *run["stages"]]}


def stage_unknown(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"stages": [run["stages"][0] | {"stage": "../../x"}, *run["stages"][1:]]}


def last_stage_done(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"stages": [*run["stages"], run["stages"][-1] | {"stage": "write"}]}


def last_stage_done_without_frame(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    written = run["stages"][-1] | {"stage": "write", "etag": ""}
    return run | {"stages": [*run["stages"], written], "outcome": "SUCCEEDED"}


def no_stages(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    return run | {"stages": []}


def other_counts(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    run["stages"][1]["counts"]["duplicates"] += 5
    return run


FORGERIES = [
    foreign_run,
    foreign_run_under_our_id,
    foreign_data,
    foreign_bucket,
    foreign_identity,
    foreign_merge,
    foreign_results,
    stages_out_of_order,
    stage_left_out,
    stage_twice,
    stage_unknown,
    last_stage_done,
    last_stage_done_without_frame,
    no_stages,
    other_counts,
]


@pytest.mark.parametrize("forged", FORGERIES)
def test_forged_summary_brings_nothing_foreign_in(
    cloud: Cloud, deploy: Deployments, forged: Any
) -> None:
    # GIVEN
    deploy()
    event, run = failed_after(cloud, 4)
    summary = forged(cloud, copy.deepcopy(run))

    # WHEN
    again = cloud.run(resumed(event, summary))

    # THEN the run is the object's own
    honest = new_run(source_of_event(event), dataset=DATASET, plan_hash=run["plan_hash"])
    for name in ("run_id", "dataset", "plan_hash", "source_id"):
        assert again[name] == getattr(honest, name)
    assert (again["merges"], again["notice"]) == (None, None)
    assert again["rejects"]["quarantine"] == run["rejects"]["quarantine"]
    assert_as_undisturbed(cloud, again)
    # AND nobody else's output is touched
    assert {key.split("/")[1] for key in cloud.keys("") if "arrows" not in key} == {DATASET}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all values in a JSON document."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    return [path, *(found for name, item in items for found in places(item, (*path, name)))]


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at a path."""
    if not path:
        return value
    made = copy.copy(document)
    made[path[0]] = changed(document[path[0]], path[1:], value)
    return made


def test_summary_with_any_value_changed_is_refused_or_harmless(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN
    deploy()
    event = cloud.upload(KEY, BODY)
    *states, run = cloud.states(event, STAGES[:4])
    states.append(run)

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(places(run)), JSON)
    def harmless(path: tuple[Any, ...], value: Any) -> None:
        # WHEN
        try:
            taken = cloud.run_stage("validate", resumed(event, changed(run, path, value)), None)
        except InvalidEventError:
            return
        # THEN as many stages as still stand are as they have been
        assert believed(taken) == believed(states[len(taken["stages"]) - 1])

    harmless()


def believed(run: dict[str, Any]) -> Any:
    """What later stages and the manifest go by."""
    return (
        {name: run[name] for name in ("run_id", "dataset", "plan_hash", "source_id", "source")},
        {name: run[name] for name in ("rows", "outcome", "outputs", "merges", "notice")},
        (run["data"]["bucket"], run["data"]["key"], run["rejects"]["quarantine"]),
        [record["stage"] for record in run["stages"]],
    )


@pytest.mark.parametrize("word", ["all", 7, [], [{}], True])
def test_replay_that_is_no_object_is_refused(cloud: Cloud, deploy: Deployments, word: Any) -> None:
    deploy()
    event = cloud.upload(KEY, BODY)

    with pytest.raises(InvalidEventError, match="no object"):
        cloud.run({**event, "replay": word})


@pytest.mark.parametrize("run", ["all", 7, [1], {"run_id": "x"}, True, {"stages": None}])
def test_run_that_is_no_summary_is_refused(cloud: Cloud, deploy: Deployments, run: Any) -> None:
    deploy()
    event = cloud.upload(KEY, BODY)

    with pytest.raises(InvalidEventError):
        cloud.run(resumed(event, run))


@pytest.mark.parametrize("run", [None, {}])
def test_replay_without_a_summary_does_everything(
    cloud: Cloud, deploy: Deployments, run: Any
) -> None:
    deploy()
    event = cloud.upload(KEY, BODY)

    assert worked(cloud.run(resumed(event, run))) == list(STAGES)


def test_frame_of_another_run_is_not_read(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN a frame with foreign rows under our key, of which the summary claims the ETag
    deploy()
    event, run = failed_after(cloud, 4)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("x", pa.int64())])):
        pass
    frame = f"runs/{run['run_id']}/enrich.arrows"
    cloud.s3.put_object(Bucket=STAGING, Key=frame, Body=sink.getvalue().to_pybytes())

    # WHEN, THEN
    assert_as_undisturbed(cloud, cloud.run(resumed(event, run)))


def test_summary_goes_through_the_event_as_it_is(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN the input that the command line builds goes through JSON twice
    deploy()
    event, run = failed_after(cloud, 3)
    text = json.dumps(resumed(event, run), ensure_ascii=False)

    assert worked(cloud.run(json.loads(json.loads(json.dumps(text))))) == ["enrich", "write"]
