"""Stage 1: parse the file, check it against its contract, split off the rows that break it."""
