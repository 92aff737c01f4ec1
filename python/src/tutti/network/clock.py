"""A monotonic clock on which the time does not count during which this process did not run: stopped, swapped out, or busy.

Whatever is late by it is late for a reason of its own: a machine that was suspended for an hour does not end an attempt.
"""

from __future__ import annotations

import time
from typing import Callable

PAUSE_MS = 500.0
"""A reading that is later than foreseen by more was a pause. Well above what a loaded machine does to a wait."""


class PauseFreeClock:
    """Read at every turn of the loop; the loop's own waits are foreseen."""

    def __init__(self, read_s: Callable[[], float] = time.monotonic) -> None:
        self._read_s = read_s
        self._last_ms = read_s() * 1000.0
        self._paused_ms = 0.0
        self._foreseen_ms = 0.0

    def now_ms(self) -> float:
        read_ms = self._read_s() * 1000.0
        excess_ms = read_ms - self._last_ms - self._foreseen_ms
        if excess_ms > PAUSE_MS:
            self._paused_ms += excess_ms
        self._last_ms = read_ms
        self._foreseen_ms = 0.0
        return read_ms - self._paused_ms

    def waits(self, ms: float) -> None:
        """The next reading may be so much later without a pause."""
        self._foreseen_ms = ms
