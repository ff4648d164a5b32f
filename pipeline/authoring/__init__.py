"""Compile-time: from a dataset's YAML files to its plan. Not shipped to the functions."""
