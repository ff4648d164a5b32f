"""The columns that every output row carries about its own processing."""

from __future__ import annotations

from typing import Final

PROCESSED_DATE: Final = "processed_date"
"""UTC timestamp: the start of the execution that wrote the row."""
STATUS: Final = "status"
PROCESSED: Final = "processed"
"""The only status of a written row: others are in the quarantine, with their reason."""

LINEAGE_TYPES: Final = {PROCESSED_DATE: "timestamp[us, tz=UTC]", STATUS: "string"}
