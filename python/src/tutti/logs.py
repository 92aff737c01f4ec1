"""The standard ``logging`` module as a source of a task's history."""

from __future__ import annotations

import logging
from typing import Any, Dict

from .execution_run import current_run

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "message",
    "asctime",
    "taskName",
}
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TaskLogHandler(logging.Handler):
    """Passes on what is logged within a handler (in its own thread, or asyncio task) to the history of its task."""

    def emit(self, record: logging.LogRecord) -> None:
        run = current_run.get()
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
    """Attaches a ``TaskLogHandler`` to the root logger, once. Where nobody has set up logging: to stderr, from INFO on."""
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig(level=logging.INFO, format=_FORMAT)
    if not any(isinstance(handler, TaskLogHandler) for handler in root.handlers):
        root.addHandler(TaskLogHandler())


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"
