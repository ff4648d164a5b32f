"""Bring the stack of this working copy into the local cloud with the real CDK command line.

Synthesis is skipped while no source changed; deployment while the cloud says that it already has
this very assembly. The cloud is asked (a tag of the stack carries the assembly's digest): a note
on this machine's disk would lie as soon as the local cloud is started anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from cli.errors import CliError
from cli.fingerprint import assembly_digest, source_fingerprint
from cli.local_cloud import ACCESS_KEY, REGION, LocalCloud
from cli.output import working
from cli.paths import ASSEMBLIES, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.target import Cloud

ASSEMBLY_TAG: Final = "lambda-pipelines:assembly"
DEPLOYED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
KEPT_ASSEMBLIES: Final = 4
SHOWN_LOG_LINES: Final = 12
QUIET: Final = ("--no-color", "--ci", "--no-notices", "--no-version-reporting")


def ensure_deployed(cloud: Cloud, local: LocalCloud, stack: str) -> bool:
    """Deploy what the working copy holds; False if the cloud already has it."""
    assembly = synthesised(local, stack)
    digest = assembly_digest(assembly)
    if deployed_digest(cloud, stack) == digest:
        return False
    _create_asset_buckets(cloud, assembly)
    command = ("deploy", stack, "--app", str(assembly), "--require-approval", "never")
    options = ("--progress", "events", "--tags", f"{ASSEMBLY_TAG}={digest}")
    with working(f"Deploying {stack}") as update:
        _cdk(cloud, local, (*command, *options), _resource_counter(update, stack))
    return True


def synthesised(local: LocalCloud, stack: str) -> Path:
    """Return the cloud assembly of the working copy, made if its sources changed."""
    assembly = ASSEMBLIES / f"{stack}-{source_fingerprint(PROJECT)}"
    if (assembly / "manifest.json").exists():
        os.utime(assembly)
        return assembly
    ASSEMBLIES.mkdir(parents=True, exist_ok=True)
    draft = ASSEMBLIES / f"draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    with working("Synthesising the stack"):
        context = ("-c", "target=local", "-c", f"stack={stack}")
        _cdk(None, local, ("synth", "--quiet", *context, "--output", str(draft)))
    shutil.rmtree(assembly, ignore_errors=True)
    draft.rename(assembly)
    _forget_old_assemblies()
    return assembly


def deployed_digest(cloud: Cloud, stack: str) -> str | None:
    """Digest of the assembly that the cloud has, as the stack's tag says."""
    try:
        found = cloud.cloudformation().describe_stacks(StackName=stack)["Stacks"]
    except ClientError:
        return None
    if not found or found[0]["StackStatus"] not in DEPLOYED:
        return None
    tags = {tag["Key"]: tag["Value"] for tag in found[0].get("Tags", [])}
    return tags.get(ASSEMBLY_TAG)


def asset_buckets(assembly: Path, *, account: str, region: str) -> set[str]:
    """Names of the buckets that the assembly wants its assets in."""
    names: set[str] = set()
    for listing in assembly.glob("*.assets.json"):
        for asset in json.loads(listing.read_text())["files"].values():
            names |= {place["bucketName"] for place in asset["destinations"].values()}
    real = {"${AWS::AccountId}": account, "${AWS::Region}": region, "${AWS::Partition}": "aws"}
    for placeholder, value in real.items():
        names = {name.replace(placeholder, value) for name in names}
    return names


def _create_asset_buckets(cloud: Cloud, assembly: Path) -> None:
    """Create what `cdk bootstrap` would, as far as a local deployment needs it."""
    sts = cloud.session.client("sts", endpoint_url=cloud.endpoint_url)
    account = sts.get_caller_identity()["Account"]
    for bucket in asset_buckets(assembly, account=account, region=cloud.region):
        cloud.s3().create_bucket(Bucket=bucket)


def _cdk(
    cloud: Cloud | None,
    local: LocalCloud,
    arguments: tuple[str, ...],
    on_line: Callable[[str], None] = lambda _line: None,
) -> None:
    """Run the CDK command line; its whole output goes to a log file beside the cloud's."""
    program = PROJECT / "node_modules" / ".bin" / "cdk"
    if not program.exists():
        raise CliError("the CDK command line is not installed", "Install it: make setup")
    command = [str(program), *arguments, *QUIET]
    log_file = local.home / f"cdk-{arguments[0]}.log"
    if _logged(command, _cdk_environment(cloud, local), log_file, on_line) != 0:
        raise CliError(
            f"cdk {arguments[0]} failed: {_reason(log_file)}", f"The whole log: {log_file}"
        )


def _logged(
    command: list[str],
    environment: dict[str, str],
    log_file: Path,
    on_line: Callable[[str], None],
) -> int:
    """Run a command, keep what it prints, and return its exit status."""
    with (
        log_file.open("w") as log,
        subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as running,
    ):
        for line in running.stdout or ():
            log.write(line)
            on_line(line)
    return running.returncode


def _cdk_environment(cloud: Cloud | None, local: LocalCloud) -> dict[str, str]:
    """Environment of the CDK: our Node and Python first, no word to anybody, our keys only."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    ours = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "CDK_HOME": str(local.home / "cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    endpoint = {"AWS_ENDPOINT_URL": cloud.endpoint_url} if cloud and cloud.endpoint_url else {}
    return inherited | ours | endpoint


def _resource_counter(update: Callable[[str], None], stack: str) -> Callable[[str], None]:
    """Read the CDK's events and tells how many resources are done."""
    done: set[str] = set()

    def count(line: str) -> None:
        if "_COMPLETE |" in line:
            done.add(line.rsplit("|", maxsplit=1)[-1].strip())
            update(f"Deploying {stack}: {len(done)} resources")

    return count


def _reason(log_file: Path) -> str:
    """Return the lines of a failed run that most likely say why."""
    lines = [line.strip() for line in log_file.read_text().splitlines() if line.strip()]
    lines = [line for line in lines if "Subprocess exited" not in line]
    telling = [line for line in lines if "FAILED" in line or "Error" in line or "error" in line]
    return " / ".join((telling or lines)[-SHOWN_LOG_LINES:]) or "no output"


def _forget_old_assemblies() -> None:
    """Keep the few assemblies that were used last."""
    by_age = sorted(ASSEMBLIES.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for folder in by_age[:-KEPT_ASSEMBLIES]:
        shutil.rmtree(folder, ignore_errors=True)
