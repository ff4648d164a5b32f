"""A copy of the project with a local cloud of its own, for tests that add datasets to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.end_to_end.cloud import PROJECT, client_of

if TYPE_CHECKING:
    from pathlib import Path

_COPIED: Final = ("cli", "functions", "infra", "pipeline", "requirements", "datasets")
_FILES: Final = ("cdk.json", "package.json", "package-lock.json")
_SHARED: Final = (".venv", "node_modules")
_COMMAND: Final = f"""#!/bin/sh
exec {sys.executable} -c 'from cli.main import main; main()' "$@"
"""


@dataclass
class Copy:
    """A working copy: `home` is where its local cloud lives, `tools` has its command."""

    project: Path
    home: Path
    tools: Path

    def cli(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the copy's command."""
        return self._ran([str(self.tools / "pipeline"), *map(str, arguments)])

    def status(self) -> dict[str, Any]:
        """Where the deployed stack has its things."""
        described: dict[str, Any] = json.loads(self.cli("status", "--json").stdout)
        return described

    def client(self, service: str) -> Any:
        """Make a boto3 client of the local cloud."""
        return client_of(self.status(), service)

    def shell(self, script: str) -> str:
        """Run a script in the copy's folder, `pipeline` being its own; return all it prints."""
        ran = self._ran(["bash", "-ec", f"exec 2>&1\n{script}"])
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def _ran(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        own = {
            "LAMBDA_PIPELINES_HOME": str(self.home),
            "PYTHONPATH": str(self.project),
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "COLUMNS": "100",
        }
        return subprocess.run(
            command, env=kept | own, cwd=self.project, capture_output=True, text=True, check=False
        )


def copied_project(folder: Path, home: Path) -> Copy:
    """Return a copy of the project in a folder; its environment and Node are the project's own."""
    for name in _COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "weather")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    for name in _FILES:
        shutil.copy2(PROJECT / name, folder / name)
    for name in _SHARED:
        (folder / name).symlink_to(PROJECT / name)
    # As `pipeline up --no-console` notes it.
    (home / "console.json").write_text("{}")
    tools = folder / "tools"
    tools.mkdir()
    (tools / "pipeline").write_text(_COMMAND)
    (tools / "pipeline").chmod(0o755)
    return Copy(folder, home, tools)
