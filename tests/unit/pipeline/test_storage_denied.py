"""S3 says 403 of a key that is not there, unless the role may list the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.stub import Stubber

from pipeline import storage
from pipeline.errors import ObjectNotVisibleError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET, KEY = "bucket", "manifests/flights/0123.json"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """S3 that refuses the read of `KEY`; the test says what it answers to a listing."""
    client: Any = botocore.session.get_session().create_client(
        "s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    monkeypatch.setattr(storage, "s3_client", lambda: client)
    with Stubber(client) as stubber:
        stubber.add_client_error("get_object", "AccessDenied", http_status_code=403)
        yield stubber
        stubber.assert_no_pending_responses()


def listing(s3: Stubber, *keys: str) -> None:
    asked = {"Bucket": BUCKET, "Prefix": KEY, "MaxKeys": 1}
    s3.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in keys]}, asked)


def test_key_that_is_not_there_is_absent_and_not_forbidden(s3: Stubber) -> None:
    listing(s3)
    assert storage.read_object(BUCKET, KEY) is None


def test_longer_key_with_the_same_beginning_is_another_key(s3: Stubber) -> None:
    listing(s3, f"{KEY}.bak")
    with pytest.raises(ObjectNotVisibleError, match=KEY):
        storage.open_object(BUCKET, KEY)


def test_key_that_is_there_is_forbidden(s3: Stubber) -> None:
    listing(s3, KEY)
    with pytest.raises(PermissionDeniedError):
        storage.read_object(BUCKET, KEY)


def test_key_that_may_not_be_listed_either_is_forbidden(s3: Stubber) -> None:
    s3.add_client_error("list_objects_v2", "AccessDenied", http_status_code=403)
    with pytest.raises(PermissionDeniedError):
        storage.read_object(BUCKET, KEY)
