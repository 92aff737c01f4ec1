"""What both clients know of an iteration, as last fetched."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from ..errors import Fault
from ..records import Record
from . import html
from .errors import ClientError

ENDED = ("succeeded", "failed", "cancelled", "aborted")


class IterationView:
    """One attempt at a problem."""

    data: Record
    """Everything that the orchestrator knows about it, as last fetched: see ``Iteration`` in ``/openapi.json``."""

    @property
    def task_id(self) -> str:
        """``<problem_id>/<iteration_id>``"""
        return str(self.data["task_id"])

    @property
    def problem_id(self) -> str:
        return str(self.data["problem_id"])

    @property
    def iteration_id(self) -> int:
        return int(self.data["iteration_id"])

    @property
    def state(self) -> str:
        """``waiting``, ``running``, ``suspended``; ended: ``succeeded``, ``failed``, ``cancelled``, ``aborted``."""
        return str(self.data["state"])

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def input(self) -> Any:
        return self.data["input"]

    @property
    def modules(self) -> Mapping[str, Record]:
        """By name: state, attempts, progress, error, node and more."""
        modules: Mapping[str, Record] = self.data["modules"]
        return modules

    def raise_unless_succeeded(self) -> None:
        """Raises ``ClientError`` ``task_failed`` and the like: each module at fault is in its ``details``."""
        if self.state == "succeeded":
            return
        faults = [
            Fault(name, str(module["error"]["code"]), _told(module["error"]))
            for name, module in self.modules.items()
            if module.get("error") and module["state"] != "succeeded"
        ]
        reason = f" ({self.data['reason']})" if self.data.get("reason") else ""
        message = f"task {self.task_id} is {self.state if self.has_ended else 'not at its end'}{reason}"
        raise ClientError(f"task_{self.state}", message, details=faults)

    def has_ended_with(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is this iteration's end."""
        kind, _, state = str(event["type"]).partition(".")
        return kind == "iteration" and state in ENDED and event.get("iteration_id") == self.iteration_id

    def outputs_there(self) -> List[str]:
        """By module; several of one module as ``train.plot``."""
        there = [(name, each) for name, each in self.modules.items() if each.get("output") is not None]
        return [
            reference
            for name, each in there
            for reference in ([f"{name}.{one}" for one in each.get("output_names") or ()] or [name])
        ]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.task_id} {self.state}>"

    def _repr_html_(self) -> str:
        return html.iteration(self.data)


def task_of(task_id: str, iteration_id: Optional[int]) -> Tuple[str, int]:
    """Raises ``ClientError`` ``bad_task_id``."""
    problem_id, _, number = task_id.partition("/")
    if iteration_id is not None and not number:
        return problem_id, iteration_id
    if iteration_id is None and number.isdigit():
        return problem_id, int(number)
    raise ClientError("bad_task_id", f"task_id: {task_id!r} is not <problem_id>/<iteration_id>")


def _told(error: Mapping[str, Any]) -> str:
    stack = error.get("stack")
    return f"{error['message']}\n{stack}" if stack else str(error["message"])
