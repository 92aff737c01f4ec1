"""What runs handlers."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Optional, Protocol

from ..errors import ReportedError
from ..messages import Start

_AGAIN_S = 1.0
"""A handler that swallows its interruption is interrupted again after this."""


class Runner(Protocol):
    def start(self, start: Start) -> None:
        ...

    def abort(self, execution_id: str, code: str, reason: str) -> None:
        ...

    def settled(self, execution_id: str, ticket: int, error: Optional[ReportedError]) -> None:
        ...

    def call(self, work: Callable[[], Any]) -> Any:
        """Runs a hook, and returns its result."""
        ...

    def close(self) -> None:
        ...

    @property
    def is_busy(self) -> bool:
        """Whether a handler is at work in this process."""
        ...


class HardStops:
    """Tells what does not end by itself, some time after it was asked to, and again and again."""

    def __init__(self, after_ms: Optional[float]) -> None:
        """``None``: never."""
        self._after_ms = after_ms
        self._lock = threading.Lock()
        self._timers: Dict[str, Any] = {}

    def ask(self, execution_id: str, code: str, stop: Callable[[], None]) -> None:
        """A ``terminated`` task gets no time."""
        if self._after_ms is not None:
            self._arm(execution_id, 0.0 if code == "terminated" else self._after_ms / 1000, stop)

    def ended(self, execution_id: str) -> None:
        with self._lock:
            timer = self._timers.pop(execution_id, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        with self._lock:
            timers: List[Any] = list(self._timers.values())
            self._timers.clear()
        for timer in timers:
            timer.cancel()

    def _arm(self, execution_id: str, after_s: float, stop: Callable[[], None]) -> None:
        def fire() -> None:
            with self._lock:
                is_current = self._timers.get(execution_id) is timer
            if is_current:
                self._arm(execution_id, _AGAIN_S, stop)
                stop()

        timer = threading.Timer(after_s, fire)
        timer.daemon = True
        with self._lock:
            earlier = self._timers.get(execution_id)
            self._timers[execution_id] = timer
        if earlier is not None:
            earlier.cancel()
        timer.start()
