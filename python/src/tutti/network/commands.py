"""Does every request once, and answers each of its repeats as the first."""

from __future__ import annotations

from typing import Callable, Optional, Union

from ..errors import ReportedError
from ..protocol import CommandAck, ConfigReply, ConfigRequest, NodeCommand, TaskCommand
from .events import Configure, Emit
from .executions import Executions, Interruption
from .lifecycle import Lifecycle
from .remembered import Remembered

_REMEMBERED_ANSWERS = 1_024
"""Commands and configurations whose answers are kept for their repeats."""

_ABORT_CODES = {"STOP": "stopped", "RESET": "reset", "PREEMPT": "preempted", "TERMINATE": "terminated"}


class Commands:
    """``say``: what it is given is lost while the node is not registered; the request comes again."""

    def __init__(
        self,
        say: Callable[[Union[CommandAck, ConfigReply]], None],
        effect: Emit,
        executions: Executions,
        lifecycle: Lifecycle,
    ) -> None:
        self._say = say
        self._effect = effect
        self._executions = executions
        self._lifecycle = lifecycle
        self._acks: Remembered[CommandAck] = Remembered(_REMEMBERED_ANSWERS)
        self._replies: Remembered[Optional[ConfigReply]] = Remembered(_REMEMBERED_ANSWERS)
        """``None``: the hook is at it."""

    def node(self, command: NodeCommand, now: float) -> bool:
        """Whether it was done now, and not before."""
        if self._repeated(command.command_id):
            return False
        error = self._lifecycle.command(command.cmd, command.reason, command.grace_ms, now)
        self._acknowledge(command.command_id, "", error)
        return True

    def task(self, command: TaskCommand, now: float) -> None:
        command_id, cmd, execution_id, reason, grace_ms = command
        if self._repeated(command_id):
            return
        error: Optional[ReportedError] = None
        if not self._executions.is_held(execution_id) and not self._executions.has_ended(execution_id):
            error = ReportedError("unknown_execution", f"this node does not hold {execution_id}", False)
        self._acknowledge(command_id, execution_id, error)
        code = _ABORT_CODES[cmd]
        interruption = Interruption(
            state="PREEMPTED" if cmd == "PREEMPT" else "CANCELLED",
            code=code,
            reason=reason or f"the task was {code}",
            grace_at=now if cmd == "TERMINATE" else now + grace_ms,
        )
        self._executions.interrupt(execution_id, interruption, now)

    def configure(self, request: ConfigRequest) -> None:
        if request.transaction_id not in self._replies:
            self._replies.set(request.transaction_id, None)
            self._effect(Configure(request.transaction_id, request.configuration))
            return
        reply = self._replies.get(request.transaction_id)
        if reply is not None:
            self._say(reply)

    def configured(self, transaction_id: str, configuration: str, error: Optional[ReportedError]) -> None:
        reply = ConfigReply(transaction_id, error is None, configuration, error)
        self._replies.set(transaction_id, reply)
        self._say(reply)

    def _repeated(self, command_id: str) -> bool:
        ack = self._acks.get(command_id)
        if ack is not None:
            self._say(ack)
        return ack is not None

    def _acknowledge(self, command_id: str, execution_id: str, error: Optional[ReportedError]) -> None:
        ack = CommandAck(command_id, execution_id, error is None, error)
        self._acks.set(command_id, ack)
        self._say(ack)
