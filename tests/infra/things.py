"""A dataset of an `id` and one more column, which a test describes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from pipeline.plan import Plan

PlanOf = Callable[..., Plan]

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: things
name: things
version: 1.0.0
status: active
servers: [{{server: landing, type: s3, location: 's3://landing/*', format: csv}}]
schema:
  - name: things
    properties:
      - {{name: id, logicalType: integer, required: true}}
      - {column}
"""


def view_definition(encoded: str) -> dict[str, Any]:
    before, after = "/* Presto View: ", " */"
    assert encoded.startswith(before)
    assert encoded.endswith(after)
    return dict(json.loads(base64.b64decode(encoded[len(before) : -len(after)])))
