"""The run report: everything that is known of one run, on one page (docs/adr/0014)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).parent / "templates"
STYLE: Final = TEMPLATES / "report.css"
"""Style of the report, for a page that brings the colours."""
PALETTE: Final = TEMPLATES / "palette.css"
"""The colours."""
