"""Stage 4: join the lookups and stamp each row."""
