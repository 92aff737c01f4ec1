"""The node's own messages for people, by the logger ``tutti.node``.

The author's logging may block, raise or end the thread that calls it: notes are written by a thread of their own, and a note that cannot
be logged goes to stderr. What waits is bounded; what is lost is counted.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
from typing import Any, NamedTuple, Optional

from . import forks

_MAX_WAITING = 1_000
_FLUSH_S = 2.0
"""At the end; a logging handler that blocks does not keep the process."""


class _Note(NamedTuple):
    level: int
    message: str
    arguments: Any
    raised: Optional[BaseException]


class _Notes:
    def __init__(self) -> None:
        self._waiting: queue.Queue[_Note] = queue.Queue(_MAX_WAITING)
        self._lock = threading.Lock()
        self._is_started = False
        self._lost = 0

    def add(self, note: _Note) -> None:
        try:
            self._start()
            self._waiting.put_nowait(note)
        except queue.Full:
            self._lost += 1
        except RuntimeError:
            _write(note)  # No thread can be started.

    def flush(self) -> None:
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: self._waiting.unfinished_tasks == 0, _FLUSH_S)

    def _start(self) -> None:
        with self._lock:
            if not self._is_started:
                threading.Thread(target=self._serve, name="tutti-notes", daemon=True).start()
                self._is_started = True

    def _serve(self) -> None:
        while True:
            note = self._waiting.get()
            lost, self._lost = self._lost, 0
            _write(note)
            if lost:
                _write(_Note(logging.WARNING, "%d notes before this one are lost", (lost,), None))
            self._waiting.task_done()


def _write(note: _Note) -> None:
    try:
        logger = logging.getLogger("tutti.node")
        # ``dictConfig`` and ``fileConfig`` disable all loggers that they do not name.
        logger.disabled = False
        logger.log(note.level, note.message, *note.arguments, exc_info=note.raised)
    except BaseException as error:
        try:
            told = note.message % note.arguments if note.arguments else note.message
            print(f"tutti: {told} (it cannot be logged: {type(error).__name__})", file=sys.__stderr__)
        except BaseException:
            pass  # No log is left to write to.


_notes = _Notes()


def note(level: int, message: str, *arguments: Any, raised: Optional[BaseException] = None) -> None:
    """Never raises, never waits."""
    _notes.add(_Note(level, message, arguments, raised))


def flush_notes() -> None:
    _notes.flush()


def _anew() -> None:
    global _notes
    _notes = _Notes()


forks.in_child(_anew)
