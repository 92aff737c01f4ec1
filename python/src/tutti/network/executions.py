"""What this node works on, and what it still owes an answer for.

1. An execution is held from its assignment until it is known to be ended (acked so, refused, or dropped) and its handler has
   come back. ``held()`` and ``running()`` name all that are held.
2. A handler is started once for an execution, however often it is assigned.
3. The way an execution ends is decided once: what its handler says after that changes nothing. Only a stop may still
   replace an end that is not known to be committed.
4. After a stop, outputs are no longer sent: the report counts those that are known to be committed.
"""

from __future__ import annotations

from math import inf
from typing import AbstractSet, Callable, Dict, List, NamedTuple, Optional

from ..errors import ReportedError, bounded
from ..protocol import Assign, ExecutionReport, Held, Output, OutputAck
from .events import Abort, Admitted, Emit, Failed, Produced, Result, Run, Upload
from .execution import Aborting, Forgotten, HeldExecution, PendingProgress, Published, Reported, Running
from .output_window import RESEND_FIRST_MS, RESEND_MAX_MS, OutputWindow, QueuedOutput
from .remembered import Remembered

PROGRESS_INTERVAL_MS = 100.0
"""People read progress; the orchestrator passes on ten a second of an execution."""
_REMEMBERED_ENDS = 4096
"""Ended executions that are recognised when a late copy of their assignment arrives."""

Say = Callable[[ExecutionReport], None]


class Interruption(NamedTuple):
    """How and why executions are to end; ``grace_at``: when the report goes even if the handler has not come back.

    ``error``: the node's process fails, perhaps by these executions; the orchestrator counts that as a death.
    """

    state: str
    code: str
    reason: str
    grace_at: float
    error: Optional[ReportedError] = None


class Executions:
    """``say``: what it is given is lost while the node is not registered; what matters is repeated."""

    def __init__(self, say: Say, effect: Emit) -> None:
        self._say = say
        self._effect = effect
        self._held: Dict[str, HeldExecution] = {}
        self._ended: Remembered[bool] = Remembered(_REMEMBERED_ENDS)
        self._window = OutputWindow()
        self._due_at = inf
        self._open = False
        self.busy = 0
        """Slots taken."""

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be acknowledged."""
        return all(isinstance(held.phase, Forgotten) for held in self._held.values())

    @property
    def due_at(self) -> float:
        return min(self._due_at, self._window.due_at)

    def held(self) -> List[Held]:
        return [Held(held.execution_id, held.lease, held.state) for held in self._held.values()]

    def running(self) -> List[str]:
        return list(self._held)

    def is_held(self, execution_id: str) -> bool:
        return execution_id in self._held

    def has_ended(self, execution_id: str) -> bool:
        return execution_id in self._ended

    def assign(self, assign: Assign, refusal: Optional[ReportedError], now: float) -> None:
        """``refusal``: why the node does not accept new work now."""
        known = self._held.get(assign.execution_id)
        if known is not None and isinstance(known.phase, Forgotten):
            refusal = ReportedError("no_free_slot", "its handler has not returned yet", True)
            self._reject(assign, refusal)
        elif known is not None:
            self._say(ExecutionReport(known.execution_id, known.lease, "ACCEPTED"))
        elif assign.execution_id in self._ended:
            return  # A late copy: the orchestrator has committed the end.
        elif refusal is not None:
            self._reject(assign, refusal)
        else:
            held = HeldExecution(assign, now)
            self._held[assign.execution_id] = held
            self.busy += 1
            if isinstance(held.phase, Running):
                self._wake(held.phase.deadline_at)
            self._say(ExecutionReport(held.execution_id, held.lease, "ACCEPTED"))
            self._effect(Run(assign))

    def begun(self, execution_id: str) -> None:
        held = self._held.get(execution_id)
        if held is None or not isinstance(held.phase, Running) or held.phase.begun:
            return
        held.phase = held.phase._replace(begun=True)
        self._say(ExecutionReport(held.execution_id, held.lease, "RUNNING"))

    def say_begun(self, named: AbstractSet[str]) -> None:
        """That others have begun than those that a hello named as begun is said again: their first word may have been lost with the connection before."""
        for held in self._held.values():
            if isinstance(held.phase, Running) and held.phase.begun and held.execution_id not in named:
                self._say(ExecutionReport(held.execution_id, held.lease, "RUNNING"))

    def progress(self, execution_id: str, fraction: float, message: str, now: float) -> None:
        held = self._held.get(execution_id)
        if held is not None and isinstance(held.phase, Running):
            held.progress = PendingProgress(fraction, message)
            self._say_progress(held, now)

    def logs(self, execution_id: str) -> Optional[str]:
        """Counts a line of this execution's log. The lease that it carries, if something may still be said of the execution."""
        held = self._held.get(execution_id)
        if held is None or isinstance(held.phase, Forgotten):
            return None
        held.logged += 1
        return held.lease

    def publish(self, execution_id: str, produced: Produced, ticket: int, now: float) -> None:
        held = self._held.get(execution_id)
        if held is not None and isinstance(held.phase, Running):
            self._add(held, produced, ticket, False, now)

    def returned(self, execution_id: str, result: Result, now: float) -> None:
        held = self._held.get(execution_id)
        if held is None or not held.busy:
            return
        held.busy = False
        self.busy -= 1
        if isinstance(held.phase, Running):
            if isinstance(result, Failed):
                self._fail(held, result.error, held.published, now)
            else:
                held.progress = None
                held.phase = Published()
                self._add(held, result.produced, None, True, now)
        elif isinstance(held.phase, Aborting):
            self._report_abort(held, now)
        elif isinstance(held.phase, Forgotten):
            del self._held[execution_id]

    def interrupt(self, execution_id: str, interruption: Interruption, now: float) -> None:
        """A task command."""
        held = self._held.get(execution_id)
        if held is None:
            return
        state, code, reason, grace_at, error = interruption
        phase = held.phase
        if isinstance(phase, Running):
            self._window.drop(execution_id)
            held.progress = None
            held.phase = Aborting(state, reason, grace_at, error)
            self._effect(Abort(execution_id, code, reason))
            self._end_or_wake(held, grace_at, now)
        elif isinstance(phase, Aborting):
            # Who stops a task does not want it anywhere else either.
            state = "CANCELLED" if phase.state == "CANCELLED" else state
            held.phase = Aborting(state, reason, min(phase.grace_at, grace_at), error or phase.error)
            if code == "terminated":
                self._effect(Abort(execution_id, code, reason))
            self._end_or_wake(held, grace_at, now)
        elif isinstance(phase, Published):
            self._window.drop(execution_id)
            self._report(held, _final(held, state, held.acked, reason), now)
        elif isinstance(phase, Reported):
            self._window.drop(execution_id)
            report = phase.report._replace(last_seq=held.acked)
            self._report(
                held, _final(held, state, held.acked, reason) if state == "CANCELLED" else report, now
            )

    def interrupt_all(self, interruption: Interruption, now: float) -> None:
        """Every handler that runs is told to end; results that are on their way are left alone."""
        for held in list(self._held.values()):
            if isinstance(held.phase, (Running, Aborting)):
                self.interrupt(held.execution_id, interruption, now)

    def acked(self, ack: OutputAck, now: float) -> None:
        held = self._held.get(ack.execution_id)
        if held is None:
            return
        held.acked = max(held.acked, min(ack.seq, held.published))
        self._window.ack(ack.execution_id, ack.seq)
        if ack.ended:
            self._forget(held, "the execution has ended")
        self._admit(now)

    def abandon(self, execution_id: str, why: str, now: float) -> None:
        """The orchestrator no longer wants this execution."""
        held = self._held.get(execution_id)
        if held is not None:
            self._forget(held, why)
            self._admit(now)

    def output_refused(self, execution_id: str, seq: int, error: ReportedError, now: float) -> None:
        """One output was refused for what it is: the execution can no longer succeed."""
        held = self._held.get(execution_id)
        if held is None or seq <= held.acked or seq > held.published:
            return
        self._window.drop(execution_id, seq)
        phase = held.phase
        if isinstance(phase, Running):
            self._fail(held, error, seq - 1, now)
            self._effect(Abort(execution_id, "abandoned", error.message))
        elif isinstance(phase, Published):
            self._fail(held, error, seq - 1, now)
        elif isinstance(phase, Reported):
            last_seq = min(phase.report.last_seq, seq - 1)
            self._report(held, phase.report._replace(last_seq=last_seq), now)
        self._admit(now)

    def blob_missing(self, execution_id: str, seq: int) -> None:
        """The orchestrator has not got the blob of an output (or, with ``seq`` 0, of any of them)."""
        held = self._held.get(execution_id)
        if held is None:
            return
        for each in (seq,) if seq else range(held.acked + 1, held.published + 1):
            suspended = self._window.suspend(execution_id, each)
            if suspended is not None and suspended.output.blob is not None:
                self._effect(Upload(execution_id, each, suspended.output.blob, suspended.source))

    def uploaded(self, execution_id: str, seq: int, now: float) -> None:
        self._window.resume(execution_id, seq, now)

    def opened(self, output_window: int, now: float) -> None:
        """A new welcome: everything that is not acknowledged goes again."""
        self._open = True
        self._window.open(output_window, now)
        self._admit(now)
        for held in self._held.values():
            if isinstance(held.phase, Reported):
                self._report(held, held.phase.report, now)
            elif held.progress is not None:
                self._wake(now)

    def closed(self) -> None:
        self._open = False
        self._window.close()

    def forget_ends(self) -> None:
        """Another store may assign again what this one has ended."""
        self._ended.clear()

    def tick(self, now: float) -> None:
        self._window.resend(now)
        if now < self._due_at:
            return
        self._due_at = inf
        for held in self._held.values():
            self._tick_one(held, now)

    def take_outputs(self, is_held: Callable[[Output], bool]) -> List[Output]:
        """``is_held``: whether a message must not leave yet."""
        return self._window.take(is_held)

    def _tick_one(self, held: HeldExecution, now: float) -> None:
        phase = held.phase
        if isinstance(phase, Running):
            if phase.deadline_at <= now:
                message = "the attempt took longer than its timeout"
                self._fail(held, ReportedError("timeout", message, True), held.published, now)
                self._effect(Abort(held.execution_id, "timeout", message))
            else:
                self._wake(phase.deadline_at)
                if held.progress is not None:
                    self._say_progress(held, now)
        elif isinstance(phase, Aborting):
            self._end_or_wake(held, phase.grace_at, now)
        elif isinstance(phase, Reported):
            if phase.due_at > now:
                self._wake(phase.due_at)
            else:
                self._report(held, phase.report, now, min(phase.backoff_ms * 2, RESEND_MAX_MS))

    def _add(
        self, held: HeldExecution, produced: Produced, ticket: Optional[int], last: bool, now: float
    ) -> None:
        held.published += 1
        kind, payload, blob, source, name = produced
        logged = held.logged if last else 0
        about = (held.execution_id, held.lease, held.published, last)
        output = Output(*about, kind, payload, blob, logged, name)
        self._window.add(QueuedOutput(output, source, ticket))
        self._admit(now)

    def _admit(self, now: float) -> None:
        for output, _, ticket in self._window.admit(now):
            if ticket is not None:
                self._effect(Admitted(output.execution_id, ticket))

    def _say_progress(self, held: HeldExecution, now: float) -> None:
        if held.progress is None or not self._open:
            return
        if now - held.progress_sent_at < PROGRESS_INTERVAL_MS:
            self._wake(held.progress_sent_at + PROGRESS_INTERVAL_MS)
            return
        fraction, message = held.progress
        held.progress = None
        held.progress_sent_at = now
        self._say(
            ExecutionReport(held.execution_id, held.lease, "PROGRESS", progress=fraction, message=message)
        )

    def _reject(self, assign: Assign, refusal: ReportedError) -> None:
        report = ExecutionReport(assign.execution_id, assign.lease, "REJECTED")
        self._say(report._replace(message=refusal.message, error=refusal))

    def _fail(self, held: HeldExecution, error: ReportedError, last_seq: int, now: float) -> None:
        held.progress = None
        self._report(held, _final(held, "FAILED", last_seq, error.message, error), now)

    def _end_or_wake(self, held: HeldExecution, grace_at: float, now: float) -> None:
        if grace_at <= now:
            self._report_abort(held, now)
        else:
            self._wake(grace_at)

    def _report_abort(self, held: HeldExecution, now: float) -> None:
        if isinstance(held.phase, Aborting):
            state, reason, _, error = held.phase
            self._report(held, _final(held, state, held.acked, reason, error), now)

    def _report(
        self,
        held: HeldExecution,
        final: ExecutionReport,
        now: float,
        backoff_ms: float = RESEND_FIRST_MS,
    ) -> None:
        held.phase = Reported(final, now + backoff_ms, backoff_ms)
        self._wake(now + backoff_ms)
        self._say(final)

    def _forget(self, held: HeldExecution, why: str) -> None:
        self._window.drop(held.execution_id)
        self._ended.set(held.execution_id, True)
        held.progress = None
        if not held.busy:
            del self._held[held.execution_id]
        elif not isinstance(held.phase, Forgotten):
            if isinstance(held.phase, Running):
                self._effect(Abort(held.execution_id, "abandoned", why))
            held.phase = Forgotten()

    def _wake(self, at: float) -> None:
        self._due_at = min(self._due_at, at)


def _final(
    held: HeldExecution, state: str, last_seq: int, message: str, error: Optional[ReportedError] = None
) -> ExecutionReport:
    return ExecutionReport(
        held.execution_id, held.lease, state, last_seq=last_seq, message=bounded(message), error=error
    )
