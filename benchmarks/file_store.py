"""Files in place of S3: what the SDK sends is answered from a folder, not from the network.

Everything up to the socket is the product's and the SDK's own: the client, its signatures,
checksums, parsers and connections' limits; what lies below it, TLS above all, is missing. Knows the
requests that the stages send. A store can be slow: each request waits `latency` seconds for its
answer, and bodies come and go at `bytes_per_second` each way (`benchmarks/network.py`).
"""

from __future__ import annotations

import os
import shutil
import time
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse, HTTPHeaders

from benchmarks.network import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Answer = tuple[int, dict[str, str], bytes | IO[bytes]]

_SOCKET_BYTES: Final = 128 * 1024
"""What botocore lets urllib3 take at a time of a body that is no bytes."""
_MODIFIED: Final = ("Sat, 31 Jan 2026 12:00:00 GMT", "2026-01-31T12:00:00.000Z")
_XML: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_CHECKSUM: Final = "x-amz-checksum-crc32"
_PARTS: Final = ".parts"
_CHECKSUMS: Final = ".checksums"


class FileStore:
    """Objects below a folder: a folder for each bucket, a file for each key."""

    def __init__(
        self, folder: Path, *, latency: float = 0, bytes_per_second: float | None = None
    ) -> None:
        self._folder = folder
        self._latency = latency
        self._down, self._up = Line(bytes_per_second), Line(bytes_per_second)
        self._answers: dict[str, Callable[[Any, Path, Mapping[str, str]], Answer]] = {
            "GET": self._get,
            "HEAD": self._head,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
        }

    def answer(self, client: Any) -> None:
        """Answer all that this client sends from now on."""
        client.meta.events.register("before-send.s3", self._answered)

    def _answered(self, request: Any, **_: Any) -> AWSResponse:
        time.sleep(self._latency)
        url = urlsplit(request.url)
        bucket = (url.hostname or "").partition(".")[0]
        asked = {name: values[0] for name, values in parse_qs(url.query, True).items()}
        file = self._folder / bucket / unquote(url.path.lstrip("/"))
        status, headers, body = self._answers[request.method](request, file, asked)
        return AWSResponse(
            request.url, status, HTTPHeaders.from_dict(headers), _Raw(body, self._down)
        )

    def _get(self, request: Any, file: Path, asked: Mapping[str, str]) -> Answer:
        if "list-type" in asked:
            return self._listed(file, asked["prefix"])
        if not file.is_file():
            return _error(404, "NoSuchKey")
        etag = etag_of(file)
        if _header(request, "If-Match") not in (None, etag):
            return _error(412, "PreconditionFailed")
        size = file.stat().st_size
        headers = {"ETag": etag, "Content-Length": str(size), "Last-Modified": _MODIFIED[0]}
        checksum = self._checksum(file)
        if _header(request, "x-amz-checksum-mode") and checksum.exists():
            headers[_CHECKSUM] = checksum.read_text("ascii")
        return 200, headers, file.open("rb")

    def _head(self, request: Any, file: Path, asked: Mapping[str, str]) -> Answer:
        status, headers, body = self._get(request, file, asked)
        if not isinstance(body, bytes):
            body.close()
        return status, headers, b""

    def _put(self, request: Any, file: Path, asked: Mapping[str, str]) -> Answer:
        if "partNumber" in asked:
            part = self._part(asked["uploadId"], asked["partNumber"])
            if not part.parent.exists():
                return _error(404, "NoSuchUpload")
            self._write(part, request)
            return 200, {"ETag": etag_of(part)}, b""
        present = etag_of(file) if file.is_file() else None
        if _header(request, "If-Match") and present is None:
            return _error(404, "NoSuchKey")
        if (_header(request, "If-None-Match") and present) or (
            _header(request, "If-Match") not in (None, present)
        ):
            return _error(412, "PreconditionFailed")
        self._write(file, request)
        self._keep_checksum(file, _header(request, _CHECKSUM))
        return 200, {"ETag": etag_of(file)}, b""

    def _post(self, request: Any, file: Path, asked: Mapping[str, str]) -> Answer:
        if "uploads" in asked:
            upload = os.urandom(8).hex()
            self._part(upload, "0").parent.mkdir(parents=True)
            body = f"<UploadId>{upload}</UploadId>"
            return 200, {}, _document("InitiateMultipartUploadResult", body)
        parts = self._part(asked["uploadId"], "0").parent
        if not parts.exists():
            return _error(404, "NoSuchUpload")
        file.parent.mkdir(parents=True, exist_ok=True)
        _join(sorted(parts.iterdir(), key=lambda part: int(part.name))).replace(file)
        parts.rmdir()
        self._keep_checksum(file, None)
        body = f"<ETag>{escape(etag_of(file))}</ETag>"
        return 200, {}, _document("CompleteMultipartUploadResult", body)

    def _delete(self, _request: Any, file: Path, asked: Mapping[str, str]) -> Answer:
        if "uploadId" not in asked:
            file.unlink(missing_ok=True)
            return 204, {}, b""
        parts = self._part(asked["uploadId"], "0").parent
        if not parts.exists():
            return _error(404, "NoSuchUpload")
        shutil.rmtree(parts)
        return 204, {}, b""

    def _listed(self, bucket: Path, prefix: str) -> Answer:
        files = (path for path in bucket.rglob("*") if path.is_file())
        keys = sorted((path.relative_to(bucket).as_posix(), path) for path in files)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>{escape(etag_of(path))}</ETag>"
            f"<LastModified>{_MODIFIED[1]}</LastModified></Contents>"
            for key, path in keys
            if key.startswith(prefix)
        )
        truncated = "<IsTruncated>false</IsTruncated>"
        return 200, {}, _document("ListBucketResult", truncated + contents)

    def _write(self, file: Path, request: Any) -> None:
        """Write a request's body as it comes in."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            for block in _body(request):
                self._up.wait(len(block))
                out.write(block)

    def _part(self, upload: str, number: str) -> Path:
        return self._folder / _PARTS / upload / number

    def _checksum(self, file: Path) -> Path:
        return self._folder / _CHECKSUMS / file.relative_to(self._folder)

    def _keep_checksum(self, file: Path, checksum: str | None) -> None:
        """Keep what the SDK has sent with an object; of parts S3 keeps none that it would check."""
        kept = self._checksum(file)
        kept.unlink(missing_ok=True)
        if checksum is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(checksum, "ascii")


class _Raw:
    """Body of an answer, as urllib3 hands it out."""

    def __init__(self, body: bytes | IO[bytes], line: Line) -> None:
        self._body = body
        self._line = line

    def read(self, amount: int | None = None) -> bytes:
        if isinstance(self._body, bytes):
            block, self._body = self._body, b""
        else:
            block = self._body.read(-1 if amount is None else amount)
            if amount is None or len(block) < amount:
                self.close()
        self._line.wait(len(block))
        return block

    def stream(self, **_: Any) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def close(self) -> None:
        if not isinstance(self._body, bytes):
            self._body.close()
            self._body = b""


def etag_of(file: Path) -> str:
    """ETag of a file's present bytes: files are replaced, not changed."""
    found = file.stat()
    return f'"{found.st_size:x}-{found.st_mtime_ns:x}"'


def _document(root: str, inner: str) -> bytes:
    return f"{_XML}<{root}>{inner}</{root}>".encode()


def _error(status: int, code: str) -> Answer:
    return status, {}, _document("Error", f"<Code>{code}</Code>")


def _header(request: Any, name: str) -> str | None:
    found = request.headers.get(name)
    return found.decode() if isinstance(found, bytes) else found


def _body(request: Any) -> Iterator[bytes]:
    """Blocks of a request's body, taken off it as urllib3 does; S3 takes the SDK's chunks apart."""
    body = request.body
    if body is None or isinstance(body, (bytes, bytearray, str)):
        yield body.encode() if isinstance(body, str) else bytes(body or b"")
        return
    blocks = iter(lambda: body.read(_SOCKET_BYTES), b"")
    if "aws-chunked" not in (_header(request, "Content-Encoding") or ""):
        yield from blocks
        return
    sent, at = b"".join(blocks), 0
    while size := int(sent[at : (line := sent.index(b"\r\n", at))], 16):
        yield sent[line + 2 : line + 2 + size]
        at = line + 4 + size


def _join(parts: list[Path]) -> Path:
    """Append the parts to the first one; the kernel copies: what S3 does is not our work."""
    with parts[0].open("r+b") as whole:
        whole.seek(0, os.SEEK_END)
        for part in parts[1:]:
            with part.open("rb") as more:
                left = part.stat().st_size
                while left:
                    left -= os.sendfile(whole.fileno(), more.fileno(), None, left)
            part.unlink()
    return parts[0]
