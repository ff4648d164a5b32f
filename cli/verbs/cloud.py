"""`up`, `down`, `status`, `env`: the local cloud, and where everything is."""

from __future__ import annotations

import shlex
import time
from dataclasses import fields
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.console_process import ConsoleProcess
from cli.deploy import ensure_deployed
from cli.local_cloud import ACCESS_KEY, LocalCloud
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, stdout, working
from cli.paths import command, home
from cli.target import Target, Where, local_cloud_at, open_target


def bring_up(stack: str, port: int | None = None, *, console: bool | None = None) -> Target:
    """Start the local cloud and deploy the working copy's stack, each only if need be.

    Beside it runs its console, unless `console` says otherwise, or has said so before.
    """
    local = LocalCloud(home())
    with local.locked():
        if local.running() is None:
            with working("Starting the local cloud"):
                running = local.start(port)
        else:
            running = local.start(port)
        ensure_deployed(local_cloud_at(running), local, stack)
        beside = ConsoleProcess(home())
        if console is False:
            beside.forgo()
        elif console or beside.is_wanted():
            beside.start(stack)
    return open_target(Where(stack=stack))


def up(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to listen on; left out, a free one is chosen."),
    ] = None,
    stack: Stack = STACK_DEFAULT,
    no_console: Annotated[
        bool, typer.Option("--no-console", help="Do without the web console from now on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start the local cloud, its web console, and deploy the stack, each only if need be.

    For example:
      pipeline up
      pipeline up --port 4566
    """
    began = time.monotonic()
    target = bring_up(stack, port, console=not no_console)
    if as_json:
        print_json(status_record(target))
        return
    say(f"Ready in {time.monotonic() - began:.1f} s: {stack} at {target.cloud.endpoint_url}")
    if serving := ConsoleProcess(home()).running():
        say(f"Look at what runs there: {serving.opening()}")
    say(f'Use it from this shell: eval "$({command("env")})"')


def down(as_json: AsJson = False) -> None:
    """Stop the local cloud and its console; its buckets and executions go with it.

    For example:
      pipeline down
    """
    local = LocalCloud(home())
    with local.locked():
        ConsoleProcess(home()).stop()
        stopped = local.stop()
    if as_json:
        print_json({"stopped": stopped})
    else:
        say("The local cloud is stopped." if stopped else "The local cloud was not running.")


def status(
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show where everything is: endpoint, buckets, state machine, queue, topic.

    For example:
      pipeline status
      pipeline status --json | jq -r .input_bucket
      pipeline status --profile production
    """
    record = status_record(open_target(Where(profile, region, stack)))
    if as_json:
        print_json(record)
        return
    width = max(map(len, record))
    for name, value in record.items():
        stdout().print(Text(f"{name:<{width}}  ", style="bold"), value or "none", sep="")


def env(
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Print shell commands that point the AWS CLI and boto3 at the cloud.

    For example:
      eval "$(pipeline env)"
      aws s3 ls "s3://$INPUT_BUCKET/input/"
    """
    target = open_target(Where(profile, region, stack))
    variables = environment(target, profile)
    if as_json:
        print_json(variables)
        return
    unset = [name for name, value in variables.items() if value is None]
    lines = [f"unset {' '.join(unset)}"] if unset else []
    lines += [f"export {k}={shlex.quote(v)}" for k, v in variables.items() if v is not None]
    stdout().print("\n".join(lines), markup=False)


def status_record(target: Target) -> dict[str, Any]:
    """Return the documented fields of `status --json`."""
    place: dict[str, Any] = {
        "running": True,
        "endpoint_url": target.cloud.endpoint_url,
        "region": target.cloud.region,
    }
    serving = ConsoleProcess(home()).running() if target.cloud.is_local else None
    place["console_url"] = serving.url() if serving else None
    resources = {item.name: getattr(target, item.name) for item in fields(target)}
    resources.pop("cloud")
    return place | resources


def environment(target: Target, profile: str | None) -> dict[str, str | None]:
    """Variables to export; those that must not be set are None."""
    buckets: dict[str, str | None] = {
        "INPUT_BUCKET": target.input_bucket,
        "OUTPUT_BUCKET": target.output_bucket,
        "STATE_MACHINE_ARN": target.state_machine_arn,
    }
    regions = {"AWS_REGION": target.cloud.region, "AWS_DEFAULT_REGION": target.cloud.region}
    if target.cloud.is_local:
        keys: dict[str, str | None] = {
            "AWS_PROFILE": None,
            "AWS_SESSION_TOKEN": None,
            "AWS_ENDPOINT_URL": target.cloud.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        }
    else:
        keys = {"AWS_ENDPOINT_URL": None} | ({"AWS_PROFILE": profile} if profile else {})
    return keys | regions | buckets
