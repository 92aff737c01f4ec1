"""The shell around a session: its sockets, its time, and the channel to the process in which the handlers run.

1. Events are taken one at a time and in order, also those that an effect brings about.
2. What a turn of the loop has to say leaves at its end: one frame of each kind, control before outputs (more only where one would
   be too large).
3. Nothing that comes in raises: a frame that cannot be read is noted and ignored.
4. Nothing here waits for the author's process: when its interpreter is held for a minute, heartbeats go on.
5. The author's process is gone: its work is given back, its finished results still delivered, and the node ends. The node has ended:
   so does the author's process where it is the node's own, killed if it has shown no life for ``_SILENCE_MS`` of its end: a handler
   that holds the interpreter's lock for good keeps everything else in it from happening, its end, too.
6. The supervisor is gone, or says so: the node ends as after a signal.
"""

from __future__ import annotations

import os
import re
import signal
from collections import deque
from math import inf
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Tuple

import zmq

from .. import messages
from ..addresses import as_dialled
from ..errors import ReportedError, TuttiError, reported_error
from ..protocol import Hello, LogLine, NodeMessage, Welcome
from ..spool import OwnedFile, Spool
from ..values.types import Types
from ..wire import (
    Unreadable,
    decode_to_node,
    encode_node_message,
    encode_output,
    outputs_frame,
    to_orchestrator,
)
from . import events
from .blobs import Blobs, Transfer, cancel_all
from .bus import Bus
from .clock import PauseFreeClock
from .events import Effect, SessionEvent
from .inlets import Ends, Inlets
from .keys import Curve, curves_of
from .load import LoadMeter, ProcessLoad
from .runs import NetworkRun
from .session import Session

_BAD_FRAME_NOTE_MS = 10_000.0
"""A peer that sends rubbish does not fill the log."""
_LOOK_MS = 1_000.0
"""How often the author's process is looked at, where nothing else happens."""
_SILENCE_MS = 5_000.0
"""How long the author's process may be silent at the node's end: it says every second that it is alive."""
_FRAME_RESERVE_BYTES = 1_024
"""For a frame's header, and the few bytes around each message."""
_PER_MESSAGE_BYTES = 8
_HTTP = re.compile(rb'P/1\.[01] \d{3} |\r\n[\w-]+: |"; charset=')
"""A part of an answer in HTTP: libzmq takes its first bytes for a header."""
_HTTP_PORT = "that is an HTTP port; use the control address (its port is 7400 unless set otherwise)"
_MAX_MESSAGES = 1_000
"""In one frame: well below the orchestrator's limit."""
_LOG_HIGH_BYTES = 1_048_576
"""More waiting log lines hold back the process that writes them."""
_LOG_STALL_MS = 10_000.0
"""A connection that takes nothing for so long no longer holds the handler back: further lines are then dropped and counted."""


class NetworkRuntime:
    def __init__(self, config: messages.Config, inlets: Inlets, spool: Spool, parent: int) -> None:
        """``parent``: the pid of the author's process."""
        self._config = config
        self._inlets = inlets
        self._port = inlets.port
        self._ends = Ends(inlets.relay)
        self._spool = spool
        self._parent = parent
        self._clock = PauseFreeClock()
        self._bus = Bus()
        self._bus.on_dropped = self._dropped
        self._logs_in: Dict[int, Tuple[bytes, List[LogLine]]] = {}
        """By frame that may still be dropped, the log lines in it."""
        self._moved_at = 0.0
        """When log lines have left last, or none have waited."""
        self._blobs = Blobs(config.token)
        self._session = Session(
            Hello(
                module=config.module,
                instance=config.instance,
                boot_id=config.boot_id,
                version=config.version,
                capacity=config.capacity,
                labels=config.labels,
                output_type=config.output_type,
                status="INACTIVE",
                held=(),
                token=config.join or config.token,
                schemas=config.schemas,
                types_by_assignment=True,
            ),
            has_addresses=len(config.controls) > 1,
        )
        self._curves: List[Optional[Curve]] = []
        self._dialled = 0
        """The place of the dialled one among the addresses."""
        self._runs: Dict[str, NetworkRun] = {}
        self._uploads: List[Transfer] = []
        self._meter = LoadMeter()
        self._types = Types(b"")
        self._descriptors = b""
        self._max_frame_bytes = inf
        self._events: Deque[SessionEvent] = deque()
        self._is_stepping = False
        self._bad_frames = 0
        self._bad_frames_noted_at = -inf
        self._ended: Optional[messages.Ended] = None
        self._shown: Optional[Tuple[str, str]] = None
        self._heard_at = -inf
        """When the author's process last said anything. From the beginning of the end on it does so every second."""
        self._heard_end_at = inf
        """When the node was told to end by a signal or its supervisor."""
        self._parent_is_gone = False

    def run(self) -> None:
        """Returns when the node has ended, and nothing is left to do for its process."""
        try:
            config = self._config
            self._curves = curves_of(config.module, config.controls, config.join, config.keys)
            self._dial()
        except TuttiError as error:
            self._ended = messages.Ended(error)
        else:
            self._emit(events.Open())
            self._loop()
        cancel_all(self._uploads)
        self._flush()
        self._bus.close()
        self._farewell()

    @property
    def _control(self) -> str:
        return self._config.controls[self._dialled]

    def _dial(self) -> None:
        self._bus.connect(self._control, self._curves[self._dialled], watches=len(self._config.controls) > 1)

    def _redial(self) -> None:
        self._dialled = (self._dialled + 1) % len(self._config.controls)
        try:
            self._dial()
        except TuttiError as error:
            self._note("error", error.message, {"code": error.code})

    def _loop(self) -> None:
        poller = zmq.Poller()
        dealer, monitor = None, None
        poller.register(self._blobs.fileno(), zmq.POLLIN)
        inlets = self._inlets
        wakers = {"author": inlets.signals, "network": inlets.own_signals}
        for each in (inlets.letters, inlets.supervisor, *wakers.values()):
            if each is not None:
                poller.register(each.fileno(), zmq.POLLIN)
        self._note_spool()
        self._flush()
        while self._ended is None:
            if self._bus.dealer is not dealer:
                for left in (dealer, monitor):
                    if left is not None:
                        poller.unregister(left)
                dealer, monitor = self._bus.dealer, self._bus.monitor
                if monitor is not None:
                    poller.register(monitor, zmq.POLLIN)
            poller.register(dealer, zmq.POLLIN | (zmq.POLLOUT if self._bus.has_pending else 0))
            now = self._clock.now_ms()
            listens = self._takes_logs(now)
            if not self._port.is_closed:
                poller.register(
                    self._port.fileno(),
                    (zmq.POLLIN if listens else 0) | (zmq.POLLOUT if self._port.has_unsent else 0),
                )
            goes_on = self._session.has_logs and not self._bus.has_pending
            wait_ms = 0.0 if goes_on else min(_LOOK_MS, max(0.0, self._session.wake_at - now))
            self._clock.waits(wait_ms)
            ready = dict(poller.poll(int(wait_ms) + (wait_ms > int(wait_ms))))
            self._bus.flush()
            for is_up in self._bus.lines():
                self._emit(events.Line(is_up))
            for frame in self._bus.receive() if ready.get(dealer, 0) & zmq.POLLIN else ():
                self._receive(frame)
            self._hear_port(self._port.fileno() in ready, listens, inlets.letters.fileno() in ready)
            if self._port.is_closed and self._port.fileno() in ready:
                poller.unregister(self._port.fileno())
            if self._blobs.fileno() in ready:
                self._blobs.collect()
            for source, waker in wakers.items():
                if waker.fileno() in ready and not self._signalled(source, waker):
                    poller.unregister(waker.fileno())
            if inlets.supervisor is not None and inlets.supervisor.fileno() in ready:
                poller.unregister(inlets.supervisor.fileno())
                self._ends.supervisor_ends()
                self._terminate("the supervisor ends the node")
            self._look_at_parent()
            self._emit(events.Tick())
            self._flush()
            self._show_status()

    def _takes_logs(self, now: float) -> bool:
        """Not while more log lines wait than leave: then the author's process waits, too, but never long for a dead connection."""
        if self._session.log_bytes < _LOG_HIGH_BYTES or not self._bus.has_pending:
            self._moved_at = now
        return self._session.log_bytes < _LOG_HIGH_BYTES or now > self._moved_at + _LOG_STALL_MS

    def _dropped(self, frame: bytes) -> None:
        if id(frame) in self._logs_in:
            self._emit(events.LogsLost(self._logs_in.pop(id(frame))[1]))

    # What comes from the orchestrator

    def _receive(self, frame: bytes) -> None:
        read = decode_to_node(frame)
        if isinstance(read, Unreadable):
            http = _HTTP.search(frame[:1_024])
            self._note_bad_frame(_HTTP_PORT if http else f"ignored an unreadable message: {read.message}")
            return
        for fault in read.faults:
            self._note_bad_frame(f"ignored an unreadable message: {fault}")
        self._emit(events.Frame(read.frame))

    def _note_bad_frame(self, message: str) -> None:
        self._bad_frames += 1
        now = self._clock.now_ms()
        if now >= self._bad_frames_noted_at + _BAD_FRAME_NOTE_MS:
            fields = {"count": self._bad_frames}
            self._note("warning", message, fields)
            self._bad_frames, self._bad_frames_noted_at = 0, now

    def _note(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Every message about the orchestrator says which address is dialled."""
        self._tell(events.Note(level, f"{self._control}: {message}", fields))

    # What comes from the author's process

    def _hear_port(self, has_messages: bool, listens: bool, has_letters: bool) -> None:
        heard: List[Any] = []
        if has_messages and not self._port.is_closed:
            self._port.flush()
            heard = self._port.receive() if listens else []
            self._heard_at = self._clock.now_ms()
        if has_messages or has_letters:
            # A child's last lines come before the end of the handler that has waited for it.
            heard = [*self._inlets.letters.receive(), *heard]
        self._hear(heard)

    def _hear(self, heard: List[Any]) -> None:
        for message in heard:
            if isinstance(message, messages.Partial):
                self._with_run(message.execution_id, NetworkRun.partial, message)
            elif isinstance(message, messages.Finished):
                self._with_run(message.execution_id, NetworkRun.finished, message)
            elif not isinstance(message, messages.Alive):
                self._emit(message)

    def _with_run(self, execution_id: str, use: Callable[..., None], *told: Any) -> None:
        run = self._runs.get(execution_id)
        if run is not None:
            use(run, *told)
            if run.has_ended:
                self._runs.pop(execution_id, None)

    def _look_at_parent(self) -> None:
        if self._parent_is_gone or not (self._port.is_closed or os.getppid() != self._parent):
            return
        self._parent_is_gone = True
        self._port.is_closed = True
        gone = ReportedError("process_ended", "the node's process has ended", True)
        self._emit(events.Shutdown(gone.message, 0, self._config.flush_ms, gone))
        for execution_id in list(self._runs):
            self._with_run(execution_id, NetworkRun.lost, gone)

    def _signalled(self, source: str, waker: Any) -> bool:
        """False: no more will come."""
        name = self._ends.hear(source, waker)
        if name:
            self._terminate(f"the node's process got {name}")
        return name is not None

    def _terminate(self, why: str) -> None:
        if self._ends.count > 1:
            # The second one ends the process at once.
            self._kill_parent()
            return
        if self._heard_end_at < inf:
            return
        self._heard_end_at = self._clock.now_ms()
        self._tell(messages.Ending())
        self._tell(events.Note("info", f"{why}: the node gives its work back and ends", {}))
        self._emit(events.Shutdown(why, self._config.shutdown_grace_ms, self._config.flush_ms))

    # The session

    def _emit(self, event: SessionEvent) -> None:
        self._events.append(event)
        if self._is_stepping:
            return
        self._is_stepping = True
        try:
            while self._events:
                for effect in self._session.step(self._events.popleft(), self._clock.now_ms()):
                    self._perform(effect)
        finally:
            self._is_stepping = False

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, events.Welcomed):
            self._welcomed(effect.welcome)
        elif isinstance(effect, events.Redial):
            self._redial()
        elif isinstance(effect, events.Renewed):
            self._blobs.set_token(effect.blob_token)
        elif isinstance(effect, events.Run):
            self._run(effect)
        elif isinstance(effect, events.Abort):
            self._with_run(effect.execution_id, NetworkRun.abort)
            self._tell(effect)
        elif isinstance(effect, events.Upload):
            self._upload(effect)
        elif isinstance(effect, events.RunHook) and (
            self._parent_is_gone or effect.hook not in self._config.hooks
        ):
            self._emit(events.HookDone(effect.hook, None))
        elif isinstance(effect, events.Note):
            self._note(*effect)
        elif isinstance(effect, events.End):
            is_wanted = effect.error is None and self._ends.count == 0 and not self._parent_is_gone
            self._ended = messages.Ended(effect.error and self._with_address(effect.error), is_wanted)
        else:
            self._tell(effect)

    def _with_address(self, refusal: TuttiError) -> TuttiError:
        told = f"{self._control}: {refusal.message}"
        return TuttiError(refusal.code, told, refusal.hint, refusal.details)

    def _run(self, effect: events.Run) -> None:
        run = NetworkRun(
            effect.assign, self._blobs, self._spool.directory, self._control, self._tell, self._emit
        )
        self._runs[effect.assign.execution_id] = run
        if effect.assign.descriptors or all(self._types.has(each.type) for each in effect.assign.inputs):
            run.fetch()
        else:
            self._emit(events.TypesMissing())

    def _welcomed(self, welcome: Welcome) -> None:
        control = self._control
        self._max_frame_bytes = welcome.max_frame_bytes or inf
        self._blobs.set_base(as_dialled(welcome.blob_url, control))
        self._blobs.set_token(welcome.blob_token)
        try:
            if welcome.descriptors != self._descriptors:
                self._types = Types(welcome.descriptors)
                self._descriptors = welcome.descriptors
            self._bus.connect_outputs(as_dialled(welcome.outputs_endpoint, control))
        except Exception as error:
            self._note("error", f"welcome: {error}", {})
        output_type = self._config.output_type or welcome.output_type or "json"
        is_declared = bool(self._config.output_type)
        self._tell(
            messages.Rules(
                self._descriptors,
                output_type,
                is_declared,
                welcome.inline_max_bytes,
                self._spool.directory,
            )
        )
        for run in [run for run in self._runs.values() if run.is_waiting]:
            run.fetch()

    def _upload(self, effect: events.Upload) -> None:
        execution_id, seq, blob, source = effect

        def done(error: Optional[ReportedError]) -> None:
            if error is None:
                self._emit(events.Uploaded(execution_id, seq))
            else:
                self._emit(events.UploadFailed(execution_id, seq, error))

        if isinstance(source, OwnedFile):
            self._uploads = [each for each in self._uploads if not each.cancelled.is_set()]
            self._uploads.append(self._blobs.put(blob, source, done))

    # What leaves

    def _tell(self, message: Any) -> None:
        if not self._port.is_closed:
            self._port.send(message)

    def _note_spool(self) -> None:
        if not self._spool.directory:
            told = f"there is no temporary folder ({self._spool.problem}): large payloads will fail; set TMPDIR"
            self._tell(events.Note("warning", told, {}))

    def _show_status(self) -> None:
        shown = (self._session.node_id, self._session.status)
        if shown != self._shown:
            self._shown = shown
            self._tell(messages.Status(*shown))

    def _flush(self) -> None:
        if not self._bus.has_pending:
            self._logs_in.clear()
        has_room = not self._bus.has_pending
        node_id, incarnation, said, outputs = self._session.take(self._measure, has_room)
        # Who says hello says all that counts: what was said before a connection was lost is stale.
        is_hello = bool(said) and isinstance(said[0], Hello)
        encoded = [(message, self._encoded(message)) for message in said]
        sayable = deque(message for message, of_one in encoded if of_one)
        for batch in self._in_frames([of_one for _, of_one in encoded]):
            frame = to_orchestrator(node_id, incarnation, batch)
            messages_in = [sayable.popleft() for _ in batch]
            logs = [message for message in messages_in if isinstance(message, LogLine)]
            if logs:
                self._logs_in[id(frame)] = (frame, logs)
            self._bus.send(frame, is_hello)
        topic = f"output/{self._config.module}/".encode()
        for batch in self._in_frames([encode_output(output) for output in outputs]):
            self._bus.publish(topic, outputs_frame(batch))

    def _measure(self) -> Optional[ProcessLoad]:
        """The author's process and this one."""
        return self._meter.measure([self._parent, os.getpid()])

    def _encoded(self, message: NodeMessage) -> bytes:
        try:
            return encode_node_message(message)
        except Exception as error:
            # Nothing that an author says may end the node.
            told = reported_error(error, "unencodable").message
            self._tell(events.Note("error", f"a message could not be sent: {told}", {}))
            return b""

    def _in_frames(self, batch: List[bytes]) -> List[List[bytes]]:
        """In order, each below what the orchestrator takes; a single message that is larger goes alone."""
        frames: List[List[bytes]] = []
        size = 0
        for message in batch:
            if not message:
                continue
            weight = len(message) + _PER_MESSAGE_BYTES
            too_large = size + weight > self._max_frame_bytes - _FRAME_RESERVE_BYTES
            if not frames or too_large or len(frames[-1]) == _MAX_MESSAGES:
                frames.append([])
                size = 0
            frames[-1].append(message)
            size += weight
        return frames

    # The end

    def _farewell(self) -> None:
        self._show_status()
        self._tell(self._ended)
        silent_since = min(max(self._heard_at, self._heard_end_at), self._clock.now_ms())
        released = False
        poller = zmq.Poller()
        poller.register(self._inlets.signals.fileno(), zmq.POLLIN)
        while not (released or self._port.is_closed) and os.getppid() == self._parent:
            left = silent_since + _SILENCE_MS - self._clock.now_ms()
            if left <= 0:
                if self._config.owns_process:
                    self._kill_parent()
                return
            poller.register(self._port.fileno(), zmq.POLLIN | (zmq.POLLOUT if self._port.has_unsent else 0))
            wait_ms = min(left, _LOOK_MS)
            self._clock.waits(wait_ms)
            ready = dict(poller.poll(int(wait_ms)))
            signals = self._inlets.signals
            if signals.fileno() in ready and not self._signalled("author", signals):
                poller.unregister(signals.fileno())
            self._port.flush()
            for message in self._port.receive():
                if isinstance(message, messages.Alive):
                    silent_since = self._clock.now_ms()
                elif isinstance(message, messages.Released):
                    released = True

    def _kill_parent(self) -> None:
        if os.getppid() == self._parent:
            os.kill(self._parent, signal.SIGKILL)
