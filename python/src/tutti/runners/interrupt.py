"""The hard stop of a thread whose code never looks."""

from __future__ import annotations

import ctypes
from typing import Any

from ..errors import TaskAbortedError


def interrupt(thread_id: int, error: TaskAbortedError) -> None:
    """Raises ``error`` in the thread, at the next step of its Python code.

    Code that is within one call of C (a long ``pow``, a blocking ``recv``) is reached when that comes back, not before.
    """
    _set(thread_id, ctypes.py_object(_raising(error)))


def calm(thread_id: int) -> None:
    """Takes back an interruption that has not happened yet."""
    _set(thread_id, None)


def _set(thread_id: int, raised: Any) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), raised)


def _raising(error: TaskAbortedError) -> Any:
    """A thread can be made to raise a class only: this one's instances say what ``error`` says."""

    def init(self: TaskAbortedError) -> None:
        TaskAbortedError.__init__(self, error.code, error.message)

    return type("TaskAbortedError", (TaskAbortedError,), {"__init__": init, "__module__": __name__})
