"""The `pipeline` command: one process per verb, no state of its own but the local cloud's."""
