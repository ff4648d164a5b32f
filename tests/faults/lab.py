"""A local cloud whose functions reach S3 through the proxy, and eyes on everything that happens."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from cli.history import state_runs
from cli.local_cloud import LocalCloud
from pipeline.authoring.build import compile_datasets
from pipeline.constants import ENV_DATASETS_DIR, STAGES
from pipeline.plan import load_plan
from pipeline.run import Run, Source, new_run
from tests.end_to_end.cloud import PROJECT, Cloud, waited_for
from tests.faults.orders import DATASET, compile_orders
from tests.faults.processes import FunctionProcess, function_processes
from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

WATCH_SECONDS: Final = 0.1
LISTING_SECONDS: Final = 0.2
RUNNING: Final = "RUNNING"
ALERT_QUEUE: Final = "alerts-of-the-tests"


@dataclass(frozen=True)
class Execution:
    """An execution as it stands."""

    arn: str
    status: str
    event: dict[str, Any]
    output: dict[str, Any]
    error: str
    cause: str

    @property
    def key(self) -> str:
        """Key of the object that it is about."""
        return str(self.event.get("detail", {}).get("object", {}).get("key", ""))


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Deploy, put the proxy and the tests' dataset between, and watch; stop all of it after."""
    cloud = Cloud(folder / "home")
    with ExitStack() as stack:
        stack.callback(cloud.stop)
        cloud.start()
        server = LocalCloud(cloud.home).recorded()
        assert server is not None, "the local cloud is not running"
        proxy = Proxy(upstream=server.port, server=server.pid)
        proxy.start()
        stack.callback(proxy.stop)
        lab = Lab(folder, cloud, proxy)
        lab.set_up()
        stack.enter_context(lab.watching())
        yield lab


@dataclass
class Lab:
    """The cloud, the proxy, and what was seen of executions, letters and alerts so far."""

    folder: Path
    cloud: Cloud
    proxy: Proxy
    letters_seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[str, Execution] = field(default_factory=dict)
    replaying: threading.Lock = field(default_factory=threading.Lock)
    """Held by who replays letters: meanwhile the others' commands would see none."""
    _last_listed: list[dict[str, Any]] = field(default_factory=list)
    _listed_at: float = 0.0
    _listing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def compiled(self) -> Path:
        """Folder of the compiled datasets that the functions read."""
        return self.folder / "compiled"

    @property
    def sources(self) -> Path:
        """Folder of the tests' own dataset."""
        return self.folder / "datasets"

    def client(self, service: str) -> Any:
        """Return the one client of a service: making them takes longer than most of their calls."""
        with self._making:  # boto3's default session makes them for one thread at a time
            if service not in self._clients:
                self._clients[service] = self.cloud.client(service)
            return self._clients[service]

    def set_up(self) -> None:
        """Compile the datasets, and point every function at them and at the proxy."""
        compile_datasets(PROJECT / "datasets", self.compiled)
        compile_orders(self.sources, self.compiled)
        self._reconfigure()

    def _reconfigure(self) -> None:
        """Change the functions' environment; each gets new processes by it."""
        functions = self.client("lambda")
        wanted = {"AWS_ENDPOINT_URL_S3": self.proxy.url, ENV_DATASETS_DIR: str(self.compiled)}
        names = [found["FunctionName"] for found in functions.list_functions()["Functions"]]
        for name in names:
            now = functions.get_function_configuration(FunctionName=name)["Environment"]
            environment = {"Variables": now["Variables"] | wanted}
            functions.update_function_configuration(FunctionName=name, Environment=environment)
        for name in names:
            functions.get_waiter("function_updated_v2").wait(
                FunctionName=name, WaiterConfig={"Delay": 1}
            )

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep what passes through the dead-letter queue, from which a replay takes letters."""
        stopped = threading.Event()

        def watch() -> None:
            while not stopped.wait(WATCH_SECONDS):
                self.letters()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stopped.set()
            watcher.join()

    def reload(self) -> None:
        """Have every function start anew, so that it reads its datasets anew."""
        for process in self.processes():
            process.kill()

    def processes(self) -> list[FunctionProcess]:
        """All processes of the functions."""
        return list(function_processes(self.proxy.server))

    def run_of(self, key: str, version_id: str, dataset: str = DATASET) -> Run:
        """Return the identity that the pipeline gives to a version of an object."""
        bucket = self.cloud.status["input_bucket"]
        source = Source(bucket, key, version_id, etag="", size=0, sequencer="")
        load_plan.cache_clear()  # a scenario may have compiled the dataset anew
        plan = load_plan(self.compiled, dataset)
        return new_run(source, dataset=dataset, plan_hash=plan.hash)

    def executions(self, *keys: str) -> list[Execution]:
        """Return the executions about these keys, the earliest first."""
        listed = sorted(self._listed(), key=lambda item: item["startDate"])
        found = [self._execution(item) for item in listed]
        return [execution for execution in found if execution.key in keys]

    def attempts(self, arn: str) -> Counter[str]:
        """How often each stage was invoked in an execution."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        events = [event for page in pages.paginate(executionArn=arn) for event in page["events"]]
        runs = state_runs(events)
        return Counter({run.stage: len(run.attempts) for run in runs if run.stage})

    def ended(self, key: str, count: int = 1) -> list[Execution]:
        """Wait until so many executions about a key have ended; return all of them."""

        def look() -> list[Execution] | None:
            found = self.executions(key)
            done = [item for item in found if item.status != RUNNING]
            return found if len(done) >= count else None

        return waited_for(look, f"the end of {count} executions about {key}")

    def letters(self) -> list[dict[str, Any]]:
        """Return the letters in the dead-letter queue now; reading leaves them there."""
        waiting = self._messages(self.cloud.status["dead_letter_queue_url"])
        self.letters_seen |= waiting
        return list(waiting.values())

    def alerts(self) -> list[str]:
        """Return the texts of all alerts so far."""
        url = self.client("sqs").get_queue_url(QueueName=ALERT_QUEUE)["QueueUrl"]
        return [alert["Message"] for alert in self._messages(url).values()]

    def objects(self, prefix: str, bucket: str = "output_bucket") -> dict[str, str]:
        """Return the version of every object that is visible below a prefix."""
        pages = self.client("s3").get_paginator("list_object_versions")
        listing = pages.paginate(Bucket=self.cloud.status[bucket], Prefix=prefix)
        found = [item for page in listing for item in page.get("Versions", [])]
        return {item["Key"]: item["VersionId"] for item in found if item["IsLatest"]}

    def versions(self, key: str) -> int:
        """How many versions of an object of the output bucket were ever written."""
        bucket = self.cloud.status["output_bucket"]
        listing = self.client("s3").list_object_versions(Bucket=bucket, Prefix=key)
        return len(listing.get("Versions", []))

    def manifest(self, run: Run) -> dict[str, Any] | None:
        """Return what is committed for a run's object; None if nothing is."""
        if run.manifest_key not in self.objects(run.manifest_key):
            return None
        address = f"s3://{self.cloud.status['output_bucket']}/{run.manifest_key}"
        document: dict[str, Any] = json.loads(self._read(address))
        return document

    def table(self, manifest: dict[str, Any]) -> pa.Table:
        """Return the rows of the very versions of files that a manifest names."""
        files = [
            self._read(f"s3://{file['bucket']}/{file['key']}", VersionId=file["version_id"])
            for file in manifest["outputs"]
        ]
        return pa.concat_tables(pq.read_table(io.BytesIO(file)) for file in files)

    def quarantined(self, addresses: list[str]) -> list[int]:
        """Return the ids of the rows in files of the quarantine."""
        lines = [line for each in addresses for line in self._read(each).splitlines()]
        return [int(json.loads(line)["raw"]["id"]) for line in lines]

    def replay(self, letter: str) -> CompletedProcess[str]:
        """Replay a dead letter by the command, which holds all letters while it works."""
        with self.replaying:
            return self.cloud.cli("dead-letters", "replay", letter, "--json")

    def _read(self, address: str, **version: str) -> bytes:
        """Return the bytes at `s3://bucket/key`."""
        bucket, key = address.removeprefix("s3://").split("/", 1)
        answer = self.client("s3").get_object(Bucket=bucket, Key=key, **version)
        content: bytes = answer["Body"].read()
        return content

    def _messages(self, queue_url: str) -> dict[str, dict[str, Any]]:
        """Return the messages of a queue by id, without receiving them."""
        query = urllib.parse.urlencode({"QueueUrl": queue_url})
        url = f"{self.cloud.status['endpoint_url']}/_ministack/sqs/messages?{query}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            document = json.load(answer)
        queues = [
            queue
            for regions in document["messages"].values()
            for found in regions.values()
            for queue in found.values()
        ]
        return {
            message["MessageId"]: json.loads(message["Body"])
            for queue in queues
            for message in queue
        }

    def _listed(self) -> list[dict[str, Any]]:
        """Return all executions; many wait for one, so the cloud is not asked for each of them."""
        with self._listing:
            if time.monotonic() - self._listed_at > LISTING_SECONDS:
                self._last_listed = self.cloud.executions()
                self._listed_at = time.monotonic()
            return self._last_listed

    def _execution(self, item: dict[str, Any]) -> Execution:
        """Return an execution as it was listed; described anew only if it has changed."""
        arn = item["executionArn"]
        known = self._known.get(arn)
        if known is None or known.status != item["status"]:
            client = self.client("stepfunctions")
            known = self._known[arn] = _execution(client.describe_execution(executionArn=arn))
        return known


def attempts_text(attempts: Counter[str]) -> str:
    """Return the invocations of the five stages in their order, as `1 2 1 0 0`."""
    return " ".join(str(attempts[stage]) for stage in STAGES)


def _execution(described: dict[str, Any]) -> Execution:
    return Execution(
        arn=described["executionArn"],
        status=described["status"],
        event=json.loads(described["input"]),
        output=json.loads(described.get("output") or "{}"),
        error=described.get("error", ""),
        cause=described.get("cause", ""),
    )
