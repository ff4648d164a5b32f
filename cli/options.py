"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.constants import DEFAULT_STACK_NAME

Profile = Annotated[
    str | None, typer.Option(help="Work on AWS with this profile instead of the local cloud.")
]
Region = Annotated[
    str | None, typer.Option(help="Work on AWS in this region instead of the local cloud.")
]
Stack = Annotated[str, typer.Option(help="Name of the CloudFormation stack.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout; all else on stderr.")
]
STACK_DEFAULT = DEFAULT_STACK_NAME
