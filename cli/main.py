"""The `pipeline` command: its verbs, and how trouble is told."""

from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING, Final

import typer
from typer.exceptions import TyperException

from cli import trouble
from cli.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_WRONG_USE
from cli.local_cloud import ADDRESS
from cli.output import stderr
from cli.paths import command
from cli.verbs import (
    check,
    cloud,
    console,
    contract,
    cost,
    dead_letters,
    executions,
    init,
    quarantine,
    query,
    report,
    run,
    samples,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def help_text(docstring: str) -> str:
    """Return a docstring with the mark that keeps the lines of its examples apart."""
    return inspect.cleandoc(docstring).replace("For example:\n", "\b\nFor example:\n")


app: Final = typer.Typer(
    name="pipeline",
    help="CSV and JSON files in S3 through five Lambdas under Step Functions.\n\n"
    "Every verb works on the local cloud, or on AWS with --profile or --region.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    cloud.up,
    run.run,
    console.console,
    cloud.status,
    executions.executions,
    executions.show,
    report.report,
    cost.cost,
    executions.definition,
    query.query,
    init.init,
    check.check,
    contract.contract,
    samples.samples,
    cloud.env,
    cloud.down,
):
    app.command(help=help_text(verb.__doc__ or ""))(verb)

GROUPS: Final[dict[str, tuple[str, dict[str, Callable[..., None]]]]] = {
    "dead-letters": (
        "What failed: look at it, replay it, or give it up.",
        {
            "list": dead_letters.list_entries,
            "show": dead_letters.show,
            "replay": dead_letters.replay,
            "discard": dead_letters.discard,
        },
    ),
    "quarantine": (
        "Rejected rows: look at them, and replay them when the contract has changed.",
        {
            "list": quarantine.list_runs,
            "show": quarantine.show,
            "replay": quarantine.replay,
        },
    ),
}
for group_name, (about, verbs) in GROUPS.items():
    group = typer.Typer(help=about)
    for verb_name, group_verb in verbs.items():
        group.command(verb_name, help=help_text(group_verb.__doc__ or ""))(group_verb)
    app.add_typer(group, name=group_name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the console script."""
    sys.exit(exit_status(sys.argv[1:] if arguments is None else arguments))


def exit_status(arguments: Sequence[str]) -> int:
    """Run one verb and return the exit status; foreseeable trouble becomes one line."""
    _bypass_proxy()
    try:
        status = app(
            args=list(arguments) or ["--help"], prog_name="pipeline", standalone_mode=False
        )
    except TyperException as wrong_use:
        return _complain(f"{wrong_use.format_message()} See: {_help(wrong_use)}")
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing to tell, and nobody to tell it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except Exception as error:
        line = trouble.line(error)
        if line is None:
            raise
        return _complain(line)
    if status == EXIT_INTERRUPTED:  # Typer's answer to Control-C
        _complain(f"interrupted; what runs in the cloud goes on. See: {command('executions')}")
    return status if isinstance(status, int) else EXIT_OK


def _help(wrong_use: TyperException) -> str:
    """Return what to type for the help that fits."""
    context = getattr(wrong_use, "ctx", None)
    _, _, verb = context.command_path.partition(" ") if context else ("", "", "")
    return command(f"{verb} --help".strip())


def _complain(line: str) -> int:
    stderr().print(f"[bold red]error:[/] {trouble.escaped(line)}")
    return EXIT_WRONG_USE


def _bypass_proxy() -> None:
    """Never send calls to this machine through a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = os.environ.get(name, "")
        if ADDRESS not in hosts:
            os.environ[name] = f"{hosts},{ADDRESS}" if hosts else ADDRESS
