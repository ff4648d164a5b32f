"""The web console: executions, rows, dead letters and datasets as pages (docs/adr/0013)."""
