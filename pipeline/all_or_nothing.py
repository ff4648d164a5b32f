"""Writers of which either everything becomes visible, or nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


class AllOrNothing(ABC):
    """Context manager of a writer: finished where its block ends, aborted where it raises."""

    @abstractmethod
    def finish(self) -> Any:
        """Make everything visible; a second call changes nothing."""

    @abstractmethod
    def abort(self) -> None:
        """Leave nothing behind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abort()
