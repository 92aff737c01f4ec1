"""The hard stop of a thread whose code never looks."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any

from ..errors import TaskAbortedError


def interrupt(thread_id: int, error: TaskAbortedError) -> None:
    """Raises ``error`` in the thread, at the next step of its Python code.

    Code that is within one call of C (a long ``pow``, a blocking ``recv``) is reached when that comes back, not before.
    """
    _set(thread_id, _raising(error))


def calm() -> None:
    """Takes back an interruption of the calling thread that has perhaps not happened yet.

    Only for a thread that was interrupted. Another exception takes the place of the one that is pending, and is caught at once: where
    the interpreter is told that there is none (``NULL``), CPython 3.11 looks for it at every step from then on.
    """
    try:
        _set(threading.get_ident(), _Calmed)
        while True:
            time.sleep(0)
    except _Calmed:
        pass


class _Calmed(BaseException):
    pass


def _set(thread_id: int, raised: Any) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(raised))


def _raising(error: TaskAbortedError) -> Any:
    """A thread can be made to raise a class only: this one's instances say what ``error`` says."""

    def init(self: TaskAbortedError) -> None:
        TaskAbortedError.__init__(self, error.code, error.message)

    return type("TaskAbortedError", (TaskAbortedError,), {"__init__": init, "__module__": __name__})
