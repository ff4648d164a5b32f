"""The dashboard: widgets by row, drawn from the metrics that the functions print."""
