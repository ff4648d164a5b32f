"""Takes a file, puts it into the input bucket, and waits for the execution that it starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cli.errors import CliError
from console.pages.forms import redirected
from console.reading.uploads import Upload, key_for
from console.rendering import page
from console.security import check_action, check_origin
from console.workspace import console_of, workspace_of

if TYPE_CHECKING:
    from starlette.requests import Request

SPARE_BYTES: Final = 256 * 1024 * 1024
"""What an upload has to leave free on the disk that holds it on its way."""


async def take(request: Request) -> Response:
    """Take a file; it is on its way to the input bucket when the answer goes out."""
    check_origin(request)
    check_room(request)
    form = await request.form(max_files=1)
    try:
        check_action(request, form)
        upload = await run_in_threadpool(_started, request, form)
    except CliError as wrong:
        await form.close()
        return page(request, "upload_new.html", status_code=400, message=str(wrong))
    except BaseException:
        await form.close()
        raise
    return RedirectResponse(f"/uploads/{upload.id}", status_code=303)


def asking(request: Request) -> Response:
    """Ask for a file; the list of executions does that, too."""
    return page(request, "upload_new.html")


def waiting(request: Request) -> Response:
    """Say how far an upload is; go to its execution as soon as there is one."""
    upload = console_of(request).uploads.get(request.path_params["upload_id"])
    if upload is None:
        raise HTTPException(
            404,
            "This console does not know that upload: it was started anew since. If the file has "
            "arrived, its execution is in the list.",
        )
    if name := upload.execution():
        return redirected(request, f"/executions/{name}")
    return page(request, "upload.html", upload=upload)


def check_room(request: Request) -> None:
    """Refuse a file that the disk has no room for while it is on its way.

    Raises
    ------
    HTTPException
        411, if its size is not known before; 413, if it is too large.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise HTTPException(411, "The size of the upload is not known. Use the form of this page.")
    if int(length) + SPARE_BYTES > shutil.disk_usage(tempfile.gettempdir()).free:
        raise HTTPException(
            413,
            f"There is no room for this file in {tempfile.gettempdir()} of the console's machine. "
            "Make room there, or upload it by the command: pipeline run FILE",
        )


def _started(request: Request, form: FormData) -> Upload:
    """Start the upload of the form's file.

    Raises
    ------
    CliError
        If there is no file, its name or dataset will not do, or the cloud does not run.
    """
    file, dataset = form.get("file"), form.get("dataset")
    given = file if isinstance(file, UploadFile) else None
    key = key_for(
        (given.filename if given else "") or "",
        dataset if isinstance(dataset, str) else "",
        console_of(request).datasets,
    )
    assert given is not None  # without a file there is no name, which is refused
    size = given.file.seek(0, os.SEEK_END)
    given.file.seek(0)
    target = workspace_of(request).target
    return console_of(request).uploads.start(Upload(target, key, given.file, size))


ROUTES: Final = [
    Route("/uploads", take, methods=["POST"]),
    Route("/uploads", asking, name="uploads"),
    Route("/uploads/{upload_id}", waiting, name="upload"),
]
