"""Lambda handler that sends each new OpenLineage event to the receiver of the deployment.

It runs when S3 tells of a new object below `lineage/`, and asynchronously: what it raises makes
Lambda try again twice, then puts the event into the queue of undelivered events.
"""

from __future__ import annotations

import json
import logging
import os
import re
from functools import cache
from typing import Any, Final

import urllib3

from pipeline.constants import ENV_LINEAGE_SECRET, ENV_LINEAGE_URL
from pipeline.lineage_template import BOOKS
from pipeline.sdk import new_client
from pipeline.storage import open_object

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 10
_FIRST_ERROR_STATUS: Final = 300
_SAID_CHARACTERS: Final = 300
_BEARER: Final = "Bearer "
_KEY: Final = re.compile(r"(?![{[\"])[!-~]+")
"""What a header can carry, and no JSON: the console's form for secrets makes some of them."""

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


class LineageNotSentError(Exception):
    """The receiver cannot be reached, or refuses the event."""


def lambda_handler(event: dict[str, Any], _context: object) -> None:
    """Send what an `Object Created` event is about: that its run began, and that it committed.

    Raises
    ------
    LineageNotSentError
        If the receiver does not take it.
    PipelineError
        If the object cannot be read.
    """
    detail = event["detail"]
    bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    document = _read(bucket, key)
    headers = {"Content-Type": "application/json", **_authorisation()}
    with urllib3.PoolManager(
        retries=False,
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
    ) as pool:
        for told in (*_began(document), document):
            _post(pool, told, headers, about=f"s3://{bucket}/{key}")
    logger.info("lineage event sent", extra={"key": key, "run_id": document["run"]["runId"]})


def _read(bucket: str, key: str) -> dict[str, Any]:
    """The event that was written; of several versions the newest, which is about the same run."""
    reader = open_object(bucket, key)
    try:
        document: dict[str, Any] = json.loads(reader.read())
        return document
    finally:
        reader.close()


def _began(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The event that the run has begun, which the standard wants of every run.

    Nothing is known of a run before it commits, so this is told after the fact, and only of runs
    that know when they began.
    """
    started = document["run"]["facets"][BOOKS].get("startedAt")
    if started is None:
        return []
    run = {"runId": document["run"]["runId"]}
    job = {name: document["job"][name] for name in ("namespace", "name")}
    common = {name: document[name] for name in ("producer", "schemaURL")}
    return [{"eventType": "START", "eventTime": started, "run": run, "job": job, **common}]


def _authorisation() -> dict[str, str]:
    """Header with the receiver's key, read anew each time: a rotated one counts at once.

    The key is checked here, for the HTTP library's own refusal would put it into the log.
    """
    secret = os.environ.get(ENV_LINEAGE_SECRET)
    if not secret:
        return {}
    key = _secrets().get_secret_value(SecretId=secret).get("SecretString", "").strip()
    if not _KEY.fullmatch(key):
        raise LineageNotSentError(
            f"The secret {secret} holds no key that can be sent. Put the bare key into it, as "
            "plain text of one line, not as JSON."
        )
    return {"Authorization": f"{_BEARER}{key}"}


@cache
def _secrets() -> Any:
    """The process's client for secrets: making one takes longer than asking it."""
    return new_client("secretsmanager")


def _post(
    pool: urllib3.PoolManager, told: dict[str, Any], headers: dict[str, str], *, about: str
) -> None:
    """Post one event; a redirection is an error, for what follows one is no POST any more."""
    url = os.environ[ENV_LINEAGE_URL]
    body = json.dumps(told).encode()
    try:
        answer = pool.request("POST", url, body=body, headers=headers, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise LineageNotSentError(
            f"The receiver {url} cannot be reached for {about}: {type(error).__name__}. "
            "Check the address (openlineage_url), and that the function has a way to it."
        ) from error
    if answer.status >= _FIRST_ERROR_STATUS:
        said = _said(answer.data, headers)
        raise LineageNotSentError(
            f"The receiver {url} answered {answer.status} to {about}: {said or 'nothing'}. "
            "Check the address (openlineage_url) and the key (openlineage_api_key_secret)."
        )


def _said(answer: bytes, headers: dict[str, str]) -> str:
    """What the receiver said, for people: some repeat the key that they refuse."""
    key = headers.get("Authorization", "").removeprefix(_BEARER)
    text = answer.decode("utf-8", "replace")
    if key:
        text = text.replace(key, "***")
    return "".join(one if one.isprintable() else " " for one in text[:_SAID_CHARACTERS]).strip()
