"""The standard ``logging`` module as a source of a task's history.

L1. A record belongs to the execution in whose context it is logged: its thread or asyncio task, a thread that it has started, a job that
    it has given to a ``ThreadPoolExecutor``, and a process that one of these has forked.
L2. Every record that its logger lets through counts, whatever handlers there are and wherever it propagates to.
"""

from __future__ import annotations

import functools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Optional

from .execution_run import ExecutionRun, current_run

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "message",
    "asctime",
    "taskName",
}
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TaskLogHandler(logging.Handler):
    """Passes on what belongs to an execution to the history of its task."""

    def emit(self, record: logging.LogRecord) -> None:
        run = _run_here()
        if run is None or record.name.startswith("tutti.node"):
            return
        try:
            fields: Dict[str, Any] = {
                name: value for name, value in vars(record).items() if name not in _STANDARD
            }
            message = record.getMessage()
            if record.exc_info:
                message += "\n" + (self.formatter or logging.Formatter()).formatException(record.exc_info)
            if record.name != "root":
                fields.setdefault("logger", record.name)
            run.log(_level(record.levelno), message, fields)
        except Exception:
            self.handleError(record)


def forward_logs() -> None:
    """Once for the process. Where nobody has set up logging: to stderr, from INFO on."""
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format=_FORMAT)
    if not hasattr(logging.Logger.callHandlers, "__wrapped__"):
        _forward_records()
        _follow_threads()


def _forward_records() -> None:
    """L2."""
    handler = TaskLogHandler()
    call_handlers = logging.Logger.callHandlers

    @functools.wraps(call_handlers)
    def call(self: logging.Logger, record: logging.LogRecord) -> None:
        handler.emit(record)
        call_handlers(self, record)

    setattr(logging.Logger, "callHandlers", call)  # noqa: B010


def _follow_threads() -> None:
    """L1."""
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    @functools.wraps(start)
    def starts(self: threading.Thread) -> None:
        self.__dict__["_tutti_run"] = _run_here()
        start(self)

    @functools.wraps(submit)
    def submits(self: Any, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        run = _run_here()
        followed: Any = work if run is None else functools.partial(_within, run, work)
        return submit(self, followed, *args, **kwargs)

    setattr(threading.Thread, "start", starts)  # noqa: B010
    setattr(ThreadPoolExecutor, "submit", submits)  # noqa: B010


def _within(run: ExecutionRun, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = current_run.set(run)
    try:
        return work(*args, **kwargs)
    finally:
        current_run.reset(token)


def _run_here() -> Optional[ExecutionRun]:
    run = current_run.get()
    if run is None:
        run = threading.current_thread().__dict__.get("_tutti_run")
    return run


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"
