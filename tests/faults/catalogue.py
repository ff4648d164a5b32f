"""All scenarios, in the order in which they are told."""

from __future__ import annotations

from tests.faults import duplicates, kills, poison, replays, storage, tail
from tests.faults.suite import SCENARIOS

__all__ = ["SCENARIOS", "duplicates", "kills", "poison", "replays", "storage", "tail"]
