"""The node's own life: its status, the commands that change it, and its hooks.

1. Hooks run one at a time: ``on_start`` on the way to IDLE, ``on_stop`` on the way out of it, each once per start.
2. ``STOP`` drains: nothing new is taken, what runs goes on, then ``on_stop``, then INACTIVE. ``START`` takes it back.
3. ``RESET`` gives all work back (PREEMPTED), waits for the handlers for the grace that was given, and starts again.
4. A hook that raises leads to ERROR, out of which only ``RESET`` and the end of the process lead.
5. An end goes: give the work back, ``on_stop``, wait until everything is acknowledged or the time is up. Nothing undoes it.
"""

from __future__ import annotations

from math import inf
from typing import Callable, NamedTuple, Optional, Union

from ..errors import ReportedError
from .events import Emit, RunHook
from .executions import Executions, Interruption

FLUSH_MS = 5_000.0
"""For what a command's ``grace_ms`` does not cover: acknowledgements that are under way."""


class _Inactive(NamedTuple):
    pass


class _Starting(NamedTuple):
    pass


class _Started(NamedTuple):
    pass


class _Stopping(NamedTuple):
    shown: str


class _Resetting(NamedTuple):
    grace_at: float


class _InError(NamedTuple):
    error: ReportedError


class _Terminating(NamedTuple):
    grace_at: float
    flush_at: float


_Stage = Union[_Inactive, _Starting, _Started, _Stopping, _Resetting, _InError, _Terminating]

_REFUSING = {
    "START": ("TERMINATING", "ERROR"),
    "STOP": ("TERMINATING", "ERROR"),
    "RESET": ("TERMINATING",),
    "TERMINATE": (),
}
"""The statuses in which a command makes no sense."""


class Lifecycle:
    """``on_status``: the status has changed. ``on_ended``: everything is acknowledged, or the time is up."""

    def __init__(
        self,
        on_status: Callable[[str, Optional[ReportedError]], None],
        on_ended: Callable[[], None],
        effect: Emit,
        executions: Executions,
        capacity: int,
    ) -> None:
        self._on_status = on_status
        self._on_ended = on_ended
        self._effect = effect
        self._executions = executions
        self._capacity = capacity
        self._stage: _Stage = _Inactive()
        self._want: Optional[str] = None
        self._hook: Optional[str] = None
        self._initialised = False
        """Whether ``on_start`` has succeeded and ``on_stop`` has not run since."""
        self.status = "INACTIVE"
        self.due_at = inf

    @property
    def error(self) -> Optional[ReportedError]:
        return self._stage.error if isinstance(self._stage, _InError) else None

    def refusal(self) -> Optional[ReportedError]:
        """Why an assignment cannot be taken now."""
        if isinstance(self._stage, _Terminating) or self._want == "stopped":
            message = "the node does not accept new work: it is stopping or stopped"
            return ReportedError("node_stopped", message, True)
        if not isinstance(self._stage, _Started):
            return ReportedError("not_started", f"the node is {self.status}", True)
        if self._executions.busy >= self._capacity:
            return ReportedError("no_free_slot", f"all {self._capacity} slots are taken", True)
        return None

    def command(self, cmd: str, reason: str, grace_ms: float, now: float) -> Optional[ReportedError]:
        """Answers with the reason when the command makes no sense in this status."""
        if self.status in _REFUSING[cmd]:
            return ReportedError("not_in_this_state", f"{cmd} is not possible in {self.status}", False)
        if cmd == "START":
            self._want = "started"
        elif cmd == "STOP":
            self._want = "stopped"
        elif cmd == "RESET":
            self._reset(reason, now + grace_ms, now)
        else:
            grace_at = now + grace_ms
            self.terminate(reason or "the node is terminated", grace_at, grace_at + FLUSH_MS, now)
        self.settle(now)
        return None

    def terminate(
        self, reason: str, grace_at: float, flush_at: float, now: float, error: Optional[ReportedError] = None
    ) -> None:
        """Ends the node (5). A second call may only bring the end nearer. ``error``: the process has failed."""
        if isinstance(self._stage, _Terminating):
            grace_at = min(grace_at, self._stage.grace_at)
            flush_at = min(flush_at, self._stage.flush_at)
        self._stage = _Terminating(grace_at, flush_at)
        self.due_at = min(self.due_at, grace_at, flush_at)
        interruption = Interruption("PREEMPTED", "node_stopping", reason, grace_at, error)
        self._executions.interrupt_all(interruption, now)

    def hook_done(self, hook: str, error: Optional[ReportedError], now: float) -> None:
        self._hook = None
        self._initialised = hook == "start" and error is None
        if isinstance(self._stage, (_Starting, _Stopping)):
            if error is not None:
                self._stage = _InError(error)
            elif hook == "start":
                self._stage = _Started()
            elif self._want == "started":
                self._run("start")
            else:
                self._stage = _Inactive()
        self.settle(now)

    def settle(self, now: float) -> None:
        """Compares what is wanted with what is, and takes the next step. To be called after every event, and at ``due_at``."""
        stage = self._stage
        if isinstance(stage, _Inactive):
            if self._want == "started":
                self._run("start")
        elif isinstance(stage, _Started):
            if self._want == "stopped" and self._executions.busy == 0:
                self._run("stop", "IDLE")
        elif isinstance(stage, _Resetting):
            if self._executions.busy == 0 or now >= stage.grace_at:
                self.due_at = inf
                self._run("stop", "INITIALIZING") if self._initialised else self._run("start")
            else:
                self.due_at = stage.grace_at
        elif isinstance(stage, _Terminating):
            self._settle_end(stage, now)
        self._show()

    def _settle_end(self, stage: _Terminating, now: float) -> None:
        time_is_up = now >= stage.flush_at
        if not time_is_up and self._executions.busy > 0 and now < stage.grace_at:
            self.due_at = stage.grace_at
            return
        self.due_at = stage.flush_at
        if not time_is_up and self._hook is None and self._initialised:
            self._start_hook("stop")
        if time_is_up or (self._hook is None and self._executions.settled):
            self.due_at = inf
            self._show()
            self._on_ended()

    def _reset(self, reason: str, grace_at: float, now: float) -> None:
        self._want = "started"
        # A hook that runs cannot be called back; it leads to a fresh start by itself.
        if isinstance(self._stage, _Starting):
            return
        if isinstance(self._stage, _Stopping):
            self._stage = _Stopping("INITIALIZING")
            return
        self._stage = _Resetting(grace_at)
        reason = reason or "the node is reset"
        self._executions.interrupt_all(Interruption("PREEMPTED", "node_reset", reason, grace_at), now)

    def _run(self, hook: str, shown: str = "IDLE") -> None:
        self._stage = _Starting() if hook == "start" else _Stopping(shown)
        self._start_hook(hook)

    def _start_hook(self, hook: str) -> None:
        self._hook = hook
        self._effect(RunHook(hook))

    def _show(self) -> None:
        status = self._status()
        if status != self.status:
            self.status = status
            self._on_status(status, self.error)

    def _status(self) -> str:
        stage = self._stage
        if isinstance(stage, _Inactive):
            return "INACTIVE"
        if isinstance(stage, (_Starting, _Resetting)):
            return "INITIALIZING"
        if isinstance(stage, _Started):
            return "RUNNING" if self._executions.busy > 0 else "IDLE"
        if isinstance(stage, _Stopping):
            return stage.shown
        return "ERROR" if isinstance(stage, _InError) else "TERMINATING"
