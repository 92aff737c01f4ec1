"""The one exception of the client."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from ..errors import Fault, TuttiError


class ClientError(TuttiError):
    """What an orchestrator refused, why it could not be asked, or why a task that was waited for did not succeed.

    ``code`` is for programs (``docs/errors.md`` lists all), ``message`` names the offending field and value, ``details`` has every
    fault of an input at its path, ``hint`` says what helps. ``status`` is that of HTTP, ``None`` where there was no such answer.

    Of the client itself: ``unreachable`` (no orchestrator answers), ``bad_answer`` (something else does), ``bad_url``, ``bad_task_id``,
    ``bad_input`` (a value that JSON cannot express), ``task_failed``, ``task_cancelled`` and ``task_aborted`` (of ``wait``),
    ``forked_child``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: Optional[str] = None,
        details: Sequence[Fault] = (),
        status: Optional[int] = None,
    ) -> None:
        super().__init__(code, message, hint, details)
        self.status = status

    def __str__(self) -> str:
        hint = [f"hint: {self.hint}"] if self.hint else []
        return "\n".join([f"{self.message} ({self.code})", *map(_told, self.details), *hint])

    def __reduce__(self) -> Any:
        return (type(self), (self.code, self.message, self.hint, self.details, self.status))


def _told(fault: Fault) -> str:
    """On lines of their own; the first names the code, a stack follows."""
    head, *rest = fault.message.split("\n")
    place = f"{fault.path}: " if fault.path else ""
    return "\n    ".join([f"  {place}{head} ({fault.code})", *rest])


def refusal(status: int, body: Any, url: str) -> ClientError:
    """The error of an answer; ``body`` is its JSON, or anything else."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ClientError("bad_answer", f"{url} answered with {status}, and not as an orchestrator does", status=status)
    details = [
        Fault(str(each.get("path", "")), str(each.get("code", "")), str(each.get("message", "")))
        for each in error.get("details") or ()
    ]
    return ClientError(
        str(error.get("code", "bad_answer")), str(error.get("message", "")), error.get("hint"), details, status
    )


def unreachable(url: str, cause: BaseException) -> ClientError:
    why = str(cause) or type(cause).__name__
    hint = "start one with `tutti up`, or give its address: Tutti(url), or TUTTI_URL"
    return ClientError("unreachable", f"no orchestrator answers at {url}: {why}", hint)
