"""Stage 3: rename, derive, filter and select, in SQL or in Python."""
