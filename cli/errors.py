"""What the command says when it cannot go on: one line, and what to do next."""

from __future__ import annotations

from typing import Final

EXIT_OK: Final = 0
EXIT_RUN_FAILED: Final = 1
EXIT_WRONG_USE: Final = 2
EXIT_INTERRUPTED: Final = 130


class CliError(Exception):
    """A foreseeable trouble.

    Parameters
    ----------
    message
        What is wrong, without a full stop.
    next_step
        What the reader should type or do, as a clause; empty if the message says it all.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        self.message = message
        self.next_step = next_step
        super().__init__(message)

    def __str__(self) -> str:
        """Return the one line that goes to stderr."""
        line = f"{self.message}. {self.next_step}" if self.next_step else self.message
        return " ".join(line.split())


class NotFoundError(CliError):
    """Nothing has the name that was given."""
