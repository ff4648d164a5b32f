"""Stage 2: tidy the values column by column, and drop repeated rows."""
