from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cfnlint.api import lint
from cfnlint.config import ManualArgs

if TYPE_CHECKING:
    from tests.infra.synthesis import Template


def test_template_has_no_findings(aws_template: Template) -> None:
    config = ManualArgs(regions=["us-east-1", "eu-central-1"])
    assert lint(json.dumps(aws_template), config=config) == []
