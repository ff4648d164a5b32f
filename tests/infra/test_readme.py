"""Figures that README gives of the template."""

from __future__ import annotations

import re

from tests.infra.synthesis import ROOT, Template, resources
from tests.permissions.matrix import PROBES

README = (ROOT / "README.md").read_text("utf-8")


def said(pattern: str) -> int:
    found = re.search(pattern, " ".join(README.split()))
    assert found, pattern
    return int(found.group(1))


def test_alarms_are_as_many_as_it_says(aws_template: Template) -> None:
    assert said(r"\*\*(\d+) alarms\*\*") == len(resources(aws_template, "AWS::CloudWatch::Alarm"))


def test_actions_that_are_tried_are_as_many_as_it_says() -> None:
    assert said(r"(\d+) actions are tried") == len(PROBES)
