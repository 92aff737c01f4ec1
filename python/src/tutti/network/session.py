"""The node's side of the protocol: what happened goes in, what to do comes out. No I/O, no clock, no random.

1. Until it is registered, a node says hello and nothing else: at once, then after 250 ms, 500 ms … 2 s. Whatever comes in
   between that is neither a welcome nor a refusal is ignored.
2. A frame of another incarnation is ignored but for its welcome and its refusals; a refusal of what an older incarnation
   said is ignored.
3. A command is done once; its repeats are answered with the same acknowledgement.
4. A final refusal ends the session with its code. Nothing else that a peer sends does.
5. Log lines leave after the beginning of the execution that they are about and before its end, and only while the connection has
   room for them.
6. Of several addresses it stays with the one that has welcomed it (``dialling.py``).
7. A refusal leads at most to one more hello per 250 ms: two peers cannot drive each other mad.

Times are monotonic milliseconds that never decrease.
"""

from __future__ import annotations

from math import inf
from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from ..errors import ReportedError, TuttiError
from ..protocol import (
    REFUSALS,
    Assign,
    ConfigRequest,
    ExecutionReport,
    Goodbye,
    Heartbeat,
    HeartbeatReply,
    Hello,
    Load,
    LogLine,
    NodeCommand,
    NodeMessage,
    Output,
    OutputAcks,
    Refused,
    TaskCommand,
    ToNode,
    Welcome,
)
from . import events
from .commands import Commands
from .dialling import Dialling
from .events import Effect, End, Note, Redial, Renewed, SessionEvent, Welcomed
from .executions import Executions
from .lifecycle import Lifecycle
from .load import ProcessLoad
from .log_backlog import LogBacklog
from .status_reports import StatusReports

HELLO_FIRST_MS = 250.0
"""A restarted orchestrator is back within a second or two: what it costs to ask four times a second is nothing."""
HELLO_MAX_MS = 2_000.0
_HELD_IN_HELLO = 400
"""As many as surely have room in the 64 KiB of a hello; the heartbeat that follows the welcome names all."""
_HELLOS_BEFORE_NOTE = 5
"""Hellos without an answer before a person is told."""
LOG_BYTES_PER_TURN = 262_144
"""Log lines that leave in one turn, so that other messages do not wait long behind them."""


Measure = Callable[[], Optional[ProcessLoad]]


class Outgoing(NamedTuple):
    """What leaves in one turn."""

    node_id: str
    incarnation: int
    messages: Sequence[NodeMessage]
    outputs: Sequence[Output]


class _Closed(NamedTuple):
    pass


class _Joining(NamedTuple):
    due_at: float
    backoff_ms: float
    hellos: int


class _Joined(NamedTuple):
    heartbeat_at: float


class _Ended(NamedTuple):
    """``goodbye``: it has not been sent yet, and is all that still may be."""

    goodbye: bool


_Link = Union[_Closed, _Joining, _Joined, _Ended]


class _Registration(NamedTuple):
    node_id: str
    incarnation: int
    store_id: str
    heartbeat_interval_ms: int
    epoch: int


class Session:
    def __init__(self, identity: Hello, has_addresses: bool = False) -> None:
        """``identity``: what the node says of itself in every hello; ``status`` and ``held`` are filled in each time.

        ``has_addresses``: whether there are other addresses than the one that is dialled first.
        """
        self._dialling = Dialling(has_addresses)
        self._identity = identity
        self._effects: List[Effect] = []
        self._executions = Executions(self._tell, self._effect)
        self._lifecycle = Lifecycle(
            self._status_changed, self._leave, self._effect, self._executions, identity.capacity
        )
        self._commands = Commands(self._tell, self._effect, self._executions, self._lifecycle)
        self._reports = StatusReports()
        self._link: _Link = _Closed()
        self._awaited: Optional[Tuple[str, str]] = None
        """The last answer that no graph has the module: what the author was told."""
        self._registration: Optional[_Registration] = None
        self._messages: List[NodeMessage] = []
        self._logs = LogBacklog()
        self._say: Optional[str] = None
        self._hello_sent_at = -inf
        self._has_left = False
        self._named_as_begun: Set[str] = set()
        """The executions that the newest hello named as begun."""

    @property
    def status(self) -> str:
        return self._lifecycle.status

    @property
    def node_id(self) -> str:
        """As given by the last welcome; empty before the first."""
        return self._registration.node_id if self._registration is not None else ""

    @property
    def wake_at(self) -> float:
        """When the next ``Tick`` has something to do. May be too early, never too late."""
        link = self._link
        if isinstance(link, (_Ended, _Closed)):
            return inf
        link_at = link.due_at if isinstance(link, _Joining) else link.heartbeat_at
        return min(link_at, self._executions.due_at, self._lifecycle.due_at, self._dialling.due_at)

    def step(self, event: SessionEvent, now: float) -> Sequence[Effect]:
        self._effects = []
        if self._is_ended():
            return self._effects
        self._handle(event, now)
        self._lifecycle.settle(now)
        if self._has_left and not self._is_ended():
            self._link = _Ended(goodbye=isinstance(self._link, _Joined))
            self._effect(End(None))
        return self._effects

    @property
    def log_bytes(self) -> int:
        """Of the log lines that wait."""
        return self._logs.bytes

    @property
    def has_logs(self) -> bool:
        """Whether log lines wait that could leave if the connection had room for them."""
        return isinstance(self._link, _Joined) and not self._logs.is_empty

    def take(self, measure: Optional[Measure] = None, has_room: bool = True) -> Outgoing:
        """Everything that is to be sent, once, except for log lines that the connection has no room for, and the ends behind them.

        ``measure``: what the processes cost, asked when a heartbeat is due.
        """
        incarnation = self._registration.incarnation if self._registration is not None else 0
        messages = self._take_messages(measure, self._take_logs(has_room))
        outputs = self._executions.take_outputs(lambda output: output.last and self._logs.holds(output.execution_id))
        return Outgoing(self.node_id, incarnation, messages, outputs)

    def _take_logs(self, has_room: bool) -> List[LogLine]:
        link = self._link
        if isinstance(link, _Joined):
            return self._logs.take(LOG_BYTES_PER_TURN) if has_room else []
        return self._logs.take(inf) if isinstance(link, _Ended) and link.goodbye else []

    def _take_messages(self, measure: Optional[Measure], logs: Sequence[LogLine]) -> Sequence[NodeMessage]:
        say, self._say = self._say, None
        link = self._link
        if isinstance(link, _Joining):
            return [self._hello()] if say == "hello" else []
        if isinstance(link, _Joined):
            said = self._take_said(logs)
            if say == "heartbeat":
                said.append(self._heartbeat(measure))
            return said
        if isinstance(link, _Ended) and link.goodbye:
            self._link = _Ended(goodbye=False)
            return [*self._take_said(logs), Goodbye()]
        return []

    def _take_said(self, logs: Sequence[LogLine]) -> List[NodeMessage]:
        first = [message for message in self._messages if _is_beginning(message)]
        held = [message for message in self._messages if self._is_held(message)]
        rest = [each for each in self._messages if not _is_beginning(each) and not self._is_held(each)]
        self._messages = held
        return [*first, *logs, *rest, *self._reports.take()]

    def _is_held(self, message: NodeMessage) -> bool:
        """Whether it is an end behind log lines that wait."""
        return (
            isinstance(message, ExecutionReport)
            and message.state in ("FAILED", "CANCELLED", "PREEMPTED")
            and self._logs.holds(message.execution_id)
        )

    def _handle(self, event: SessionEvent, now: float) -> None:
        executions = self._executions
        if isinstance(event, events.Frame):
            self._frame(event.frame, now)
        elif isinstance(event, events.Line):
            self._dialling.line(event.is_up, now)
        elif isinstance(event, events.Tick):
            self._tick(now)
        elif isinstance(event, events.Progress):
            executions.progress(event.execution_id, event.fraction, event.message, now)
        elif isinstance(event, events.Log):
            self._log(event)
        elif isinstance(event, events.LogLost):
            self._log_lost(event)
        elif isinstance(event, events.LogsLost):
            for line in event.lines:
                self._logs.drop(line)
        elif isinstance(event, events.Publish):
            executions.publish(event.execution_id, event.produced, event.ticket, now)
        elif isinstance(event, events.Returned):
            executions.returned(event.execution_id, event.result, now)
        elif isinstance(event, events.Begun):
            executions.begun(event.execution_id)
        elif isinstance(event, events.Uploaded):
            executions.uploaded(event.execution_id, event.seq, now)
        elif isinstance(event, events.UploadFailed):
            executions.output_refused(event.execution_id, event.seq, event.error, now)
        elif isinstance(event, events.HookDone):
            self._lifecycle.hook_done(event.hook, event.error, now)
        elif isinstance(event, events.Configured):
            self._commands.configured(event.transaction_id, event.configuration, event.error)
        elif isinstance(event, events.TypesMissing):
            self._rejoin(now)
        elif isinstance(event, events.Shutdown):
            grace_at = now + event.grace_ms
            self._lifecycle.terminate(event.reason, grace_at, grace_at + event.flush_ms, now, event.error)
        elif isinstance(self._link, _Closed):
            self._dialling.dialled(now)
            self._join(now)

    def _frame(self, frame: ToNode, now: float) -> None:
        self._dialling.answered()
        for message in frame.messages:
            if isinstance(message, Welcome):
                self._welcomed(message, frame.epoch, now)
            elif isinstance(message, Refused):
                self._refused(message, frame.incarnation, now)
            elif (
                isinstance(self._link, _Joined)
                and self._registration is not None
                and frame.incarnation == self._registration.incarnation
                and frame.epoch >= self._registration.epoch
            ):
                self._told(message, now)
            # The next message of the frame meets the node as this one has left it.
            self._lifecycle.settle(now)

    def _told(
        self,
        message: Union[HeartbeatReply, NodeCommand, TaskCommand, Assign, OutputAcks, ConfigRequest],
        now: float,
    ) -> None:
        if isinstance(message, Assign):
            self._assign(message, now)
        elif isinstance(message, OutputAcks):
            for ack in message.acks:
                self._executions.acked(ack, now)
        elif isinstance(message, NodeCommand):
            if self._commands.node(message, now):
                self._reports.force(self.status, self._lifecycle.error)
        elif isinstance(message, TaskCommand):
            self._commands.task(message, now)
        elif isinstance(message, HeartbeatReply):
            self._effect(Renewed(message.blob_token))
        else:
            self._commands.configure(message)

    def _tick(self, now: float) -> None:
        if now >= self._dialling.due_at:
            self._redial(now)
        link = self._link
        if isinstance(link, _Joining) and now >= link.due_at:
            self._say_hello(min(link.backoff_ms * 2, HELLO_MAX_MS), link.hellos + 1, now)
        elif isinstance(link, _Joined) and now >= link.heartbeat_at:
            self._say = "heartbeat"
            self._beat_after(now)
        self._executions.tick(now)

    def _beat_after(self, now: float) -> None:
        interval = self._registration.heartbeat_interval_ms if self._registration is not None else 0
        self._link = _Joined(now + interval)

    def _redial(self, now: float) -> None:
        link = self._link
        if isinstance(link, _Joined):
            self._note("warning", "the connection is lost for too long: the node tries its other addresses")
        self._dialling.dialled(now)
        self._effect(Redial())
        self._messages = []
        self._say = None
        self._executions.closed()
        due_at = max(now, self._hello_sent_at + HELLO_FIRST_MS)
        self._link = _Joining(due_at, HELLO_FIRST_MS / 2, link.hellos if isinstance(link, _Joining) else 0)

    def _rejoin(self, now: float) -> None:
        if isinstance(self._link, _Joined):
            self._join(now)

    def _join(self, now: float) -> None:
        self._messages = []
        self._say = None
        self._executions.closed()
        earliest = self._hello_sent_at + HELLO_FIRST_MS
        if earliest <= now:
            self._say_hello(HELLO_FIRST_MS, 1, now)
        else:
            self._link = _Joining(earliest, HELLO_FIRST_MS / 2, 0)

    def _say_hello(self, backoff_ms: float, hellos: int, now: float) -> None:
        self._say = "hello"
        self._hello_sent_at = now
        self._link = _Joining(now + backoff_ms, backoff_ms, hellos)
        if hellos == _HELLOS_BEFORE_NOTE and self._awaited is None:
            hint = "check that this is the control address and that the orchestrator is running"
            self._note(
                "warning", "no orchestrator has answered yet; the node keeps trying", hellos=hellos, hint=hint
            )

    def _hello(self) -> Hello:
        self._reports.told(self.status)
        held = self._executions.held()
        self._named_as_begun = {each.execution_id for each in held[:_HELD_IN_HELLO] if each.state != "ACCEPTED"}
        return self._identity._replace(
            status=self.status,
            held=held[:_HELD_IN_HELLO],
            held_in_all=len(held) if len(held) > _HELD_IN_HELLO else 0,
        )

    def _heartbeat(self, measure: Optional[Measure]) -> Heartbeat:
        load = measure() if measure is not None else None
        return Heartbeat(
            self.status,
            self._executions.running(),
            None if load is None else Load(load.cpu, load.memory_bytes, self._executions.busy),
        )

    def _welcomed(self, welcome: Welcome, epoch: int, now: float) -> None:
        before = self._registration
        same_store = before is not None and before.store_id == welcome.store_id
        if (
            before is not None
            and same_store
            and before.node_id == welcome.node_id
            and welcome.incarnation < before.incarnation
        ):
            return
        if before is not None and same_store and epoch < before.epoch:
            # From an orchestrator that leads no longer.
            return
        # The answer to a hello that was said twice: nothing was lost since the first one.
        is_repeat = (
            isinstance(self._link, _Joined)
            and before is not None
            and same_store
            and before.incarnation == welcome.incarnation
            and before.epoch == epoch
        )
        self._registration = _Registration(
            welcome.node_id, welcome.incarnation, welcome.store_id, welcome.heartbeat_interval_ms, epoch
        )
        self._dialling.welcomed(welcome.dead_after_ms)
        if before is not None and not same_store:
            self._executions.forget_ends()
        self._awaited = None
        self._beat_after(now)
        for execution_id in welcome.drop:
            self._executions.abandon(execution_id, "the orchestrator no longer wants it", now)
        self._effect(Welcomed(welcome))
        if is_repeat:
            return
        self._executions.opened(welcome.output_window, now)
        self._executions.say_begun(self._named_as_begun)
        if len(self._executions.running()) > _HELD_IN_HELLO:
            self._say = "heartbeat"
        error = self._lifecycle.error
        self._reports.changed(self.status, error)
        if error is not None:
            self._reports.force(self.status, error)
        self._note(
            "info",
            "registered" if before is None else "registered again",
            node_id=welcome.node_id,
            incarnation=welcome.incarnation,
            epoch=epoch,
            dropped=len(welcome.drop),
        )

    def _refused(self, refused: Refused, frame_incarnation: int, now: float) -> None:
        code, message, execution_id, seq = refused.code, refused.message, refused.execution_id, refused.seq
        answered = refused.incarnation or frame_incarnation
        if self._registration is not None and 0 < answered < self._registration.incarnation:
            return
        remedy = REFUSALS.get(code)
        if remedy == "final":
            self._effect(End(TuttiError(code, message, refused.hint or None)))
            for each in self._executions.running():
                self._executions.abandon(each, message, now)
            self._link = _Ended(goodbye=False)
            return
        if code in ("say_hello", "stale_incarnation"):
            self._note("info", "the orchestrator asks for a registration", code=code, answer=message)
            self._rejoin(now)
            return
        if code == "unknown_module":
            self._await_graph(message, refused.hint)
            return
        told = {name: value for name, value in refused._asdict().items() if value and name != "message"}
        self._note("warning", f"refused: {message}", **told)
        if not self._executions.is_held(execution_id):
            return
        if code == "blob_missing":
            self._executions.blob_missing(execution_id, seq)
        elif code in ("unknown_execution", "stale_execution"):
            self._executions.abandon(execution_id, message, now)
        elif remedy == "forget" and seq:
            self._executions.output_refused(execution_id, seq, ReportedError(code, message, False), now)

    def _await_graph(self, message: str, hint: str) -> None:
        """The hello is repeated as it is anyway; its author is told once, and again when the answer is another one."""
        if self._awaited == (message, hint):
            return
        self._awaited = (message, hint)
        self._note("warning", f"waits for a graph to be stored: {message}", code="unknown_module", hint=hint)

    def _assign(self, assign: Assign, now: float) -> None:
        module = self._identity.module
        if assign.module == module:
            refusal = self._lifecycle.refusal()
        else:
            message = f"this node plays {module}, not {assign.module}"
            refusal = ReportedError("wrong_module", message, True)
        self._executions.assign(assign, refusal, now)

    def _log(self, event: events.Log) -> None:
        lease = self._executions.logs(event.execution_id)
        if lease is None:
            return
        self._logs.add(
            LogLine(event.execution_id, lease, event.at, event.level, event.message, event.fields)
        )

    def _log_lost(self, event: events.LogLost) -> None:
        lease = self._executions.logs(event.execution_id)
        if lease is not None:
            self._logs.drop(LogLine(event.execution_id, lease, event.at, "warn", "", {}))

    def _tell(self, message: NodeMessage) -> None:
        if not isinstance(self._link, _Joined):
            return
        if isinstance(message, ExecutionReport) and self._is_held(message):
            # An end that still waits behind its log lines is said once.
            about = message.execution_id
            self._messages = [
                each
                for each in self._messages
                if not (isinstance(each, ExecutionReport) and each.execution_id == about and self._is_held(each))
            ]
        self._messages.append(message)

    def _status_changed(self, status: str, error: Optional[ReportedError]) -> None:
        if isinstance(self._link, _Joined):
            self._reports.changed(status, error)

    def _leave(self) -> None:
        self._has_left = True

    def _is_ended(self) -> bool:
        return isinstance(self._link, _Ended)

    def _effect(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _note(self, level: str, message: str, **fields: Any) -> None:
        self._effect(Note(level, message, fields))


def _is_beginning(message: NodeMessage) -> bool:
    """The first word about an execution."""
    return isinstance(message, ExecutionReport) and message.state in ("ACCEPTED", "RUNNING")
