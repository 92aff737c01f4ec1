"""When a node that knows several addresses tries the next one.

1. It stays with the orchestrator that has welcomed it, until the connection was lost for ``dead_after``.
2. An address that has not answered yet gets ``ANSWER_WITHIN_MS``.
"""

from __future__ import annotations

from math import inf
from typing import Optional

ANSWER_WITHIN_MS = 2_000.0
"""Three hellos."""


class Dialling:
    def __init__(self, has_others: bool) -> None:
        self._has_others = has_others
        self._welcomed_for: Optional[float] = None
        self._silent_since: Optional[float] = None

    @property
    def due_at(self) -> float:
        """When the next address is to be tried, unless this one answers before."""
        if not self._has_others or self._silent_since is None:
            return inf
        patience = self._welcomed_for if self._welcomed_for is not None else ANSWER_WITHIN_MS
        return self._silent_since + patience

    def dialled(self, now: float) -> None:
        self._welcomed_for = None
        self._silent_since = now

    def welcomed(self, dead_after_ms: float) -> None:
        self._welcomed_for = dead_after_ms

    def answered(self) -> None:
        self._silent_since = None

    def line(self, is_up: bool, now: float) -> None:
        """The connection was lost, or is there again. One without an answer shows nothing before the first welcome."""
        if not is_up:
            self._silent_since = now if self._silent_since is None else self._silent_since
        elif self._welcomed_for is not None:
            self._silent_since = None
