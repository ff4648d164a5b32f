"""Files that somebody gave to the console, on their way to the execution that they start."""

from __future__ import annotations

import re
import time
from collections import deque
from threading import Lock, Thread
from typing import IO, TYPE_CHECKING, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from cli import trouble
from cli.datasets import dataset_named_by, known_datasets
from cli.errors import CliError
from cli.executions import ExecutionFinder
from cli.follow import START_SECONDS
from cli.manifests import NOT_THERE
from cli.upload import Uploaded, object_key, upload_open

if TYPE_CHECKING:
    from pathlib import Path

    from cli.target import Target

KEPT: Final = 200
"""So many uploads are remembered."""
KEY_BYTES: Final = 1024
"""S3 takes no longer key."""
NOT_IN_A_NAME: Final = re.compile(r"[/\\\x00-\x1f\x7f]")


class Upload:
    """One file on its way; `sent` of its `size` bytes are in the input bucket."""

    def __init__(self, target: Target, key: str, file: IO[bytes], size: int) -> None:
        self.id = uuid4().hex
        self.key = key
        self.size = size
        self.sent = 0
        self.is_new_version = False
        self.uploaded: Uploaded | None = None
        self.trouble: str | None = None
        self._target = target
        self._file = file
        self._finder: ExecutionFinder | None = None
        self._done_at = 0.0
        self._lock = Lock()

    @property
    def address(self) -> str:
        """Where the file is put."""
        return f"s3://{self._target.input_bucket}/{self.key}"

    @property
    def is_late(self) -> bool:
        """Whether an execution should have started by now."""
        waited = time.monotonic() - self._done_at
        return self.uploaded is not None and waited > START_SECONDS

    def send(self) -> None:
        """Put the file into the input bucket; what goes wrong is kept in words."""
        try:
            s3, bucket = self._target.cloud.s3(), self._target.input_bucket
            self.is_new_version = _is_there(self._target, self.key)
            self._finder = ExecutionFinder(self._target)
            self.uploaded = upload_open(s3, bucket, self.key, self._file, self._on_bytes)
        except Exception as error:  # whatever it is, the page has to tell
            self.trouble = trouble.line(error) or f"{type(error).__name__}: {error}"
        finally:
            self._done_at = time.monotonic()
            self._file.close()

    def execution(self) -> str | None:
        """Return the name of the execution that the upload started; None if there is none yet."""
        if self.uploaded is None or self._finder is None:
            return None
        with self._lock:
            arn = self._finder.find(self.uploaded)
        return arn.rsplit(":", 1)[-1] if arn else None

    def _on_bytes(self, count: int) -> None:
        with self._lock:
            self.sent += count


class Uploads:
    """All uploads of this process; the last ones are remembered."""

    def __init__(self) -> None:
        self._uploads: deque[Upload] = deque(maxlen=KEPT)

    def start(self, upload: Upload) -> Upload:
        """Send a file on in the background."""
        self._uploads.append(upload)
        Thread(target=upload.send, name=f"upload-{upload.id}", daemon=True).start()
        return upload

    def get(self, upload_id: str) -> Upload | None:
        """Return an upload by its id."""
        return next((upload for upload in list(self._uploads) if upload.id == upload_id), None)


def key_for(file_name: str, dataset: str, datasets_dir: Path) -> str:
    """Return the key that an uploaded file gets; without a dataset, the file's name says it.

    Raises
    ------
    CliError
        If the name is none that a file can have, or there is no such dataset.
    """
    if file_name in ("", ".", ".."):
        raise CliError("no file was chosen", "Choose one, and upload it then")
    if NOT_IN_A_NAME.search(file_name):
        raise CliError(f"{file_name!r} is no name of a file", "Rename the file, and upload it then")
    known = known_datasets(datasets_dir)
    dataset = dataset or dataset_named_by(file_name, known) or ""
    if not dataset:
        raise CliError(f"the name {file_name} does not say a dataset", "Choose the dataset")
    if dataset not in known:
        listed = ", ".join(known) or "none is defined yet"
        raise CliError(f"there is no dataset {dataset} here", f"Choose one of: {listed}")
    key = object_key(dataset, file_name)
    if len(key.encode(errors="surrogatepass")) > KEY_BYTES:
        raise CliError("the file's name is too long for S3", "Rename the file")
    return key


def _is_there(target: Target, key: str) -> bool:
    """Whether there is an object of this key already."""
    try:
        target.cloud.s3().head_object(Bucket=target.input_bucket, Key=key)
    except ClientError as error:
        if error.response["Error"].get("Code") not in NOT_THERE:
            raise
        return False
    return True
