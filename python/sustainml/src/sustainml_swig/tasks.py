"""Between a task of Tutti and the objects of a callback.

The framework's task id is two numbers. ``iteration_id`` is the task's own; ``problem_id`` is made from the problem's, the same in every node
and at every time, since a problem has no number here.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Type

from tutti import NonRetryableError, Task

from .constants import ErrorCode, Status, TaskStatus
from .fields import Message
from .messages import NodeStatus, ResponseType, TaskId

_MOST = 2**31 - 1
"""Front ends of the framework read a problem's number as a signed one."""


class Given(NamedTuple):
    """One argument of a callback."""

    name: str
    """Of the module whose output it is, or of the graph's source."""
    message: Type[Message]
    is_baseline: bool = False
    """From the parent iteration."""


def arguments_of(task: Task[Any, Any], given: Sequence[Given]) -> List[Message]:
    """Empty where there is nothing: a baseline of a first iteration, or an input whose module may fail."""
    task_id = task_id_of(task.id)
    return [_argument(task, each, task_id) for each in given]


def _argument(task: Task[Any, Any], given: Given, task_id: TaskId) -> Message:
    fields: Optional[Mapping[str, Any]] = (task.previous if given.is_baseline else task.inputs).get(given.name)
    message = given.message()
    if fields is None:
        return message
    for name, field in message.fields.items():
        if name != "task_id" and fields.get(name) is not None:
            field.access(message, fields[name])
    its_id = _parent_id_of(task, task_id) if given.is_baseline else task_id
    message.fields["task_id"].access(message, its_id)
    return message


def task_id_of(task_id: str) -> TaskId:
    """``<problem_id>/<iteration_id>`` as the framework's two numbers."""
    problem, _, iteration = task_id.rpartition("/")
    digest = hashlib.sha256(problem.encode("utf-8")).digest()
    return TaskId(int.from_bytes(digest[:4], "big") % _MOST + 1, int(iteration))


def _parent_id_of(task: Task[Any, Any], task_id: TaskId) -> TaskId:
    """What the user's input says of it; (0, 0), which is invalid, where it says nothing."""
    user: Any = task.inputs.get("user_input") or {}
    iteration = user.get("previous_iteration", 0)
    return TaskId(task_id.problem_id(), iteration) if iteration > 0 else TaskId()


def output_of(output: Message) -> Dict[str, Any]:
    """All of its fields but ``task_id``, which goes beside the payload."""
    return {name: field.plain(output) for name, field in output.fields.items() if name != "task_id"}


def raise_for(status: NodeStatus) -> None:
    """An error status fails the module at once: the callback has decided, and another attempt would not help."""
    told = [
        (status.node_status(), Status.NODE_ERROR),
        (status.task_status(), TaskStatus.TASK_ERROR),
        (status.error_code(), ErrorCode.INTERNAL_ERROR),
    ]
    said = [wrong.name for value, wrong in told if value == wrong]
    if said:
        description = status.error_description() or f"the callback has set {' and '.join(said)}"
        raise NonRetryableError("node_status_error", description)


def refusal_of(response: ResponseType) -> Optional[str]:
    """Why a configuration query is refused; nothing where it is answered.

    An answer in which ``success`` was never set is one, as it is in the framework, unless it has an error code.
    """
    has_failed = not response.success() if response.has("success") else response.err_code() != 0
    if not has_failed:
        return None
    told: str = response.configuration()
    try:
        error = json.loads(told)["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        error = None
    if isinstance(error, str) and error:
        return error
    return told or "the service callback has answered without success"
