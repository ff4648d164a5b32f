"""What the pages show, as plain data read from a target; no page speaks to AWS itself."""
