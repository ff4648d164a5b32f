"""The CDK app: one module per concern, composed in `stack.py`.

The CDK library starts a Node process when it is first imported. The one that the virtual
environment brings is preferred to whatever stands first on PATH, so that every machine
synthesises with the same Node and none warns about an untested one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_NODE = Path(sys.executable).with_name("node")
if _NODE.exists():
    os.environ.setdefault("JSII_NODE", str(_NODE))
