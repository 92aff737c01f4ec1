"""Errors with a stable ``code``, and what is reported of anything that a handler raises."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional, Sequence

from .stacks import attempt, head_of, stack_of, text_of

_MAX_MESSAGE_CHARS = 4096
"""Long enough for a stack's first lines, short enough for an event."""

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


class Fault(NamedTuple):
    """One fault in some input, at its place; ``path`` is empty for the whole."""

    path: str
    code: str
    message: str


class TuttiError(Exception):
    """Every error of Tutti: ``code`` is for programs, ``message`` names the offending value, ``hint`` suggests a remedy."""

    def __init__(
        self, code: str, message: str, hint: Optional[str] = None, details: Sequence[Fault] = ()
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = tuple(details)

    def __str__(self) -> str:
        return self.message


class NonRetryableError(TuttiError):
    """Raised by a handler: the module fails at once, even if attempts are left.

    >>> raise NonRetryableError("no_such_region", 'geo_location_region: no figures for "Atlantis"')
    """


class TaskAbortedError(BaseException):
    """The task has been stopped. Raised in a handler; ``except Exception`` does not catch it.

    ``code``: ``stopped``, ``reset``, ``preempted``, ``terminated`` (a task command), ``timeout`` (the attempt took longer than the
    graph allows), ``node_reset``, ``node_stopping`` (a command to the node, or the end of its process), ``abandoned`` (the
    orchestrator no longer wants this execution).
    """

    def __init__(self, code: str = "abandoned", message: str = "the task was aborted") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class ReportedError(NamedTuple):
    """What the orchestrator is told of an error."""

    code: str
    message: str
    retryable: bool
    stack: str = ""
    """Where it was raised and what caused it; at most 16 KiB."""


def bounded(text: str, max_chars: int = _MAX_MESSAGE_CHARS) -> str:
    """``text``, cut where it is longer than a report may carry."""
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def reported_error(raised: BaseException, fallback: str) -> ReportedError:
    """The report of any exception. Never raises, whatever the exception does when it is examined.

    ``code``: the exception's own where that is text in snake_case, else ``fallback``. ``message``: of an exception with a code of
    its own, or a plain ``Exception`` with a text, the text as it is; of every other one its class and its text
    (``KeyError: 'epochs'``). ``stack``: where it was raised, and its causes. Only a ``NonRetryableError`` is not retryable.
    """
    code: Any = attempt(lambda: getattr(raised, "code", None), None)
    # A SystemExit's is for the process: sys.exit("failed").
    own_code = "" if issubclass(type(raised), SystemExit) else attempt(lambda: _own_code(code), "")
    text = text_of(raised)
    is_plain = bool(text) and (own_code != "" or type(raised) is Exception)
    message = bounded(text if is_plain else head_of(raised)).encode("utf-8", "replace").decode("utf-8")
    retryable = not issubclass(type(raised), NonRetryableError)
    return ReportedError(own_code or fallback, message, retryable, stack_of(raised))


def _own_code(code: Any) -> str:
    plain = str.__str__(code) if isinstance(code, str) else ""
    return plain if _SNAKE_CASE.match(plain) else ""
