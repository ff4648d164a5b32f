from __future__ import annotations

import ast
import inspect
import sys

import pytest

from pipeline import constants
from pipeline.constants import MAX_MESSAGE_CHARACTERS, MAX_PAYLOAD_BYTES, STAGES, state_name


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_a_state_of_its_name(stage: str) -> None:
    assert state_name(stage).lower() == stage
    assert state_name(stage)[0].isupper()


def test_results_and_messages_fit_into_a_state() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    assert MAX_PAYLOAD_BYTES < 262_144
    assert 4 * MAX_MESSAGE_CHARACTERS < 32_768  # an execution's cause, in the longest UTF-8


def test_the_module_imports_the_standard_library_only() -> None:
    tree = ast.parse(inspect.getsource(constants))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {
        a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
    }

    assert {str(module).split(".")[0] for module in modules} <= set(sys.stdlib_module_names)
