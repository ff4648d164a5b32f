"""Turns foreseeable exceptions into one line that says what to do next."""

from __future__ import annotations

from typing import Final

from boto3.exceptions import S3UploadFailedError
from botocore import exceptions as aws
from rich.markup import escape as escaped

from cli.errors import CliError

__all__ = ["escaped", "line"]

NO_CREDENTIALS: Final = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.UnauthorizedSSOTokenError,
    aws.SSOTokenLoadError,
    aws.TokenRetrievalError,
)
EXPIRED: Final = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
)
DENIED: Final = ("AccessDenied", "AccessDeniedException", "403")
SIGN_IN: Final = "Sign in (aws sso login --profile NAME) and name the profile: --profile NAME"

NEXT_STEPS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aws.ProfileNotFound, "List them: aws configure list-profiles"),
    (aws.NoRegionError, "Add --region"),
    (S3UploadFailedError, "Check the file and the rights on the input bucket"),
    (aws.HTTPClientError, "Check the network; for the local cloud: pipeline up"),
    (aws.EndpointConnectionError, "Check the network; for the local cloud: pipeline up"),
    (aws.BotoCoreError, ""),
)
"""The first kind that fits counts."""


def line(error: Exception) -> str | None:
    """Return the line for an exception; None for one that nobody foresaw."""
    if isinstance(error, CliError):
        return str(error)
    if isinstance(error, NO_CREDENTIALS):
        return _one_line(f"no usable AWS credentials ({error}). {SIGN_IN}")
    if isinstance(error, aws.ClientError):
        return _client_error(error)
    if isinstance(error, OSError) and error.filename:
        return _one_line(f"{error.filename}: {error.strerror}")
    for kind, next_step in NEXT_STEPS:
        if isinstance(error, kind):
            return _one_line(f"{error}. {next_step}".rstrip(". ") + ".")
    return None


def _client_error(error: aws.ClientError) -> str:
    """Return the line for an answer of an AWS service."""
    said = error.response.get("Error", {})
    code, message = said.get("Code", "unknown"), said.get("Message", "")
    what = f"{error.operation_name} was refused with {code}: {message}".rstrip(": ")
    if code in EXPIRED:
        return _one_line(f"{what}. {SIGN_IN}")
    if code in DENIED:
        return _one_line(f"{what}. The signed-in identity lacks this right; ask for it")
    return _one_line(what)


def _one_line(text: str) -> str:
    return " ".join(text.split())
