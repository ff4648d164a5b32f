"""The function that sends lineage events, against a receiver on this machine."""

from __future__ import annotations

import json
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

from functions.lineage import handler
from functions.lineage.handler import LineageNotSentError, lambda_handler
from infra.lineage import ENDPOINT, address
from pipeline.constants import ENV_LINEAGE_SECRET, ENV_LINEAGE_URL
from pipeline.errors import ObjectNotVisibleError
from pipeline.lineage_template import BOOKS
from tests.handlers.cloud import OUTPUT, object_created
from tests.handlers.samples import flight, flights
from tests.handlers.test_imports import modules_after
from tests.lineage.standard import validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.handlers.cloud import Cloud

pytestmark = pytest.mark.network


class Receiver:
    """Keeps what is posted to it; answers with `status` and `headers`."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        self.status = 201
        self.headers: dict[str, str] = {}
        self.answer = b"no thanks"
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver whose address the function knows."""
    receiver = Receiver()
    monkeypatch.setenv(ENV_LINEAGE_URL, address(receiver.url))
    yield receiver
    receiver.close()


@pytest.fixture
def committed(cloud: Cloud) -> dict[str, Any]:
    """The summary of a run that has committed."""
    return cloud.run_pipeline("input/flights/a.csv", flights(flight(1), flight(2)))


def created(run: dict[str, Any]) -> dict[str, Any]:
    """What S3 tells of a run's event."""
    key = run["lineage"].removeprefix(f"s3://{OUTPUT}/")
    event = object_created(key, size=1, etag="e", version_id=None, sequencer="1")
    event["detail"]["bucket"]["name"] = OUTPUT
    return event


def secret_of(value: dict[str, Any]) -> str:
    """ARN of a secret that holds this."""
    secrets: Any = botocore.session.get_session().create_client("secretsmanager")
    return str(secrets.create_secret(Name="receiver", **value)["ARN"])


def test_run_is_told_to_have_begun_and_to_be_complete(
    cloud: Cloud, committed: dict[str, Any], receiver: Receiver
) -> None:
    # WHEN
    lambda_handler(created(committed), None)

    # THEN the second post is the object as it is kept
    (_, _, began), (path, headers, complete) = receiver.posts
    assert path == "/api/v1/lineage"
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    assert complete == cloud.document(committed["lineage"])

    # AND the first the beginning of the same run of the same job, with nothing else
    assert (began["eventType"], began["run"]["runId"]) == ("START", complete["run"]["runId"])
    assert began["eventTime"] == complete["run"]["facets"][BOOKS]["startedAt"]
    assert began["job"] == {"namespace": complete["job"]["namespace"], "name": "flights"}
    problems = [error.message for error in validator().iter_errors(began)]
    assert all(problem.endswith("is a required property") for problem in problems)


def test_posts_are_those_of_the_standards_own_client(
    cloud: Cloud,
    committed: dict[str, Any],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN a key in a secret
    monkeypatch.setenv(ENV_LINEAGE_SECRET, secret_of({"SecretString": "s3cret\n"}))

    # WHEN the function and openlineage-python send the same event
    lambda_handler(created(committed), None)
    auth = ApiKeyTokenProvider({"api_key": "s3cret"})
    HttpTransport(HttpConfig(url=receiver.url, auth=auth)).emit(
        cloud.document(committed["lineage"])
    )

    # THEN
    _, ours, theirs = receiver.posts
    for name in ("Authorization", "Content-Type"):
        assert ours[1][name] == theirs[1][name]
    assert (ours[0], ours[2]) == (theirs[0], theirs[2])
    assert ours[1]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("kept", ["s3cret\nX-Other: 1", '{"key": "s3cret"}', "s3cr\u20act", "\n"])
def test_secret_that_is_no_key_is_an_error_that_does_not_tell_it(
    committed: dict[str, Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    monkeypatch.setenv(ENV_LINEAGE_SECRET, secret_of({"SecretString": kept}))

    with pytest.raises(LineageNotSentError, match="holds no key") as raised:
        lambda_handler(created(committed), None)

    assert "s3cr" not in "".join(traceback.format_exception(raised.value))
    assert receiver.posts == []


def test_secret_of_bytes_is_no_key(
    committed: dict[str, Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_LINEAGE_SECRET, secret_of({"SecretBinary": b"s3cret"}))

    with pytest.raises(LineageNotSentError, match="holds no key"):
        lambda_handler(created(committed), None)

    assert receiver.posts == []


def test_answer_is_told_without_the_key_and_in_one_line(
    committed: dict[str, Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_LINEAGE_SECRET, secret_of({"SecretString": "s3cret"}))
    receiver.status = 401
    receiver.answer = b"key s3cret is\n\x1b[2Junknown\n"

    with pytest.raises(LineageNotSentError, match=r"to .*: key \*\*\* is  \[2Junknown\. Check"):
        lambda_handler(created(committed), None)


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_refusal_is_an_error_that_says_what_to_do(
    committed: dict[str, Any], receiver: Receiver, status: int
) -> None:
    receiver.status = status
    receiver.headers = {"Location": f"{receiver.url}/elsewhere"}

    with pytest.raises(LineageNotSentError, match=rf"answered {status} to .*no thanks.*Check"):
        lambda_handler(created(committed), None)

    assert len(receiver.posts) == 1  # neither tried again here, nor sent elsewhere


def test_receiver_that_is_down_or_silent_is_given_up(
    committed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a port that takes connections and never answers, and one that takes none
    silent = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    monkeypatch.setattr(handler, "READ_SECONDS", 0.05)
    monkeypatch.setenv(ENV_LINEAGE_URL, f"http://127.0.0.1:{silent.server_port}/events")

    # THEN
    with pytest.raises(LineageNotSentError, match=r"cannot be reached .*ReadTimeoutError"):
        lambda_handler(created(committed), None)
    silent.server_close()
    with pytest.raises(LineageNotSentError, match=r"cannot be reached .*NewConnectionError"):
        lambda_handler(created(committed), None)


def test_event_that_is_gone_is_an_error(
    cloud: Cloud, committed: dict[str, Any], receiver: Receiver
) -> None:
    cloud.s3.delete_object(Bucket=OUTPUT, Key=cloud.keys("lineage/")[0])

    with pytest.raises(ObjectNotVisibleError):
        lambda_handler(created(committed), None)

    assert receiver.posts == []


@pytest.mark.parametrize(
    ("setting", "posted_to"),
    [
        ("https://marquez.example", f"https://marquez.example{ENDPOINT}"),
        ("https://marquez.example/", f"https://marquez.example{ENDPOINT}"),
        ("https://hub.example:8443/openlineage/v1", "https://hub.example:8443/openlineage/v1"),
    ],
)
def test_address(setting: str, posted_to: str) -> None:
    assert address(setting) == posted_to


def test_cold_start_imports_what_the_runtime_brings_and_nothing_else() -> None:
    imported = modules_after("import functions.lineage.handler") - modules_after("")

    brought = {"botocore", "certifi", "dateutil", "jmespath", "six", "urllib3"}
    packages = {name.partition(".")[0] for name in imported}
    assert packages - sys.stdlib_module_names <= {"functions", "pipeline", *brought}
    assert {name for name in imported if name.startswith("functions.")} == {
        "functions.lineage",
        "functions.lineage.handler",
    }
