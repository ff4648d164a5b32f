"""The CDK command line, as a user without an account types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.synthesis import ROOT

CDK = ROOT / "node_modules" / ".bin" / "cdk"
JSII_CACHE = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
"""Where the CDK's library lies unpacked on Linux: 200 MB, ten seconds in a home that is new."""


@pytest.mark.parametrize("context", [[], ["--context", "target=local"]])
def test_synth_needs_no_credentials(context: list[str], tmp_path: Path) -> None:
    # GIVEN a shell that knows nothing of AWS
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment |= {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII_CACHE),
    }
    # WHEN
    ran = subprocess.run(
        [CDK, "synth", "--quiet", "--output", tmp_path / "out", *context],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    # THEN there is a template for the target
    assert ran.returncode == 0, ran.stderr
    template = (tmp_path / "out" / "LambdaPipelines.template.json").read_text("utf-8")
    assert ("python3.13" in template) == (not context)
    assert ("provided.al2023" in template) == bool(context)


def test_wrong_context_is_one_clear_line(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env=os.environ | {"CDK_CONTEXT_JSON": '{"target": "moon"}', "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "context 'target' must be aws or local, not 'moon'" in ran.stderr
    assert "Traceback" not in ran.stderr
