"""The work in polars' streaming engine, which goes through the file in pieces: less memory.

Its sinks share the checked rows without our doing; left to itself it was fastest.
"""

from __future__ import annotations

from benchmarks.ending import end_process
from benchmarks.peers.arguments import work
from benchmarks.peers.polars import process

if __name__ == "__main__":
    process(work(), "streaming")
    end_process()
