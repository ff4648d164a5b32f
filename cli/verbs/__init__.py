"""The verbs of the command, one small module per subject."""
