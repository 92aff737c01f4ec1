"""The standard ``logging`` module as a source of a task's history.

Every record that its logger lets through counts, whatever handlers there are and wherever it propagates to.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, Dict

from .followed import follow_threads, run_here
from .streams import forward_streams, muted

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "message",
    "asctime",
    "taskName",
}
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TaskLogHandler(logging.Handler):
    """Passes on what belongs to an execution to the history of its task."""

    def emit(self, record: logging.LogRecord) -> None:
        run = run_here()
        if run is None or not run.captures_output or record.name.startswith("tutti.node"):
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
    """Records and output. Once for the process. Where nobody has set up logging: to stderr, from INFO on."""
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format=_FORMAT)
    if not hasattr(logging.Logger.callHandlers, "__wrapped__"):
        _forward_records()
        forward_streams()
        follow_threads()


def _forward_records() -> None:
    handler = TaskLogHandler()
    call_handlers = logging.Logger.callHandlers

    @functools.wraps(call_handlers)
    def call(self: logging.Logger, record: logging.LogRecord) -> None:
        handler.emit(record)
        with muted():
            call_handlers(self, record)

    setattr(logging.Logger, "callHandlers", call)  # noqa: B010


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"
