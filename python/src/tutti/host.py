"""A node in the author's process: it starts the network process, and does what that one says.

1. Handlers, hooks and the author's logging are here; the protocol is in the network process, which goes on whatever they do.
2. Either process ends when the other does.
3. The thread that listens never waits for the author's code, and nothing ends it but the end of the node.
4. In a forked child the node has ended: nothing is sent, and nothing waits.
5. Where the author's code has closed the connection to the network process, the node ends: nothing that it works on could be told.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import queue
import socket
import threading
import uuid
from typing import Any, Callable, Optional, Sequence

from . import forks, messages
from .channel import Channel, Letterbox
from .children import start_child
from .errors import ReportedError, TuttiError, reported_error
from .handlers import Handler
from .network import events
from .notes import note
from .options import NodeOptions, NodeSettings
from .payloads import Payloads
from .protocol import TypeSchema
from .runners.loop import LoopRunner
from .runners.runner import Runner
from .runners.threads import ThreadRunner

_LIFE_S = 1.0
"""Well within what the network process waits for."""


class Host:
    def __init__(
        self,
        settings: NodeSettings,
        options: NodeOptions,
        handler: Handler,
        owns_process: bool,
        schemas: Sequence[TypeSchema],
    ) -> None:
        """``owns_process``: the author's process ends with the node, where need be by force."""
        self.settings = settings
        self._pid = os.getpid()
        self._schemas = schemas
        self._options = options
        self._payloads = Payloads()
        self._runner = self._make_runner(handler)
        self._hooks: queue.Queue[Callable[[], None]] = queue.Queue()
        self._ended = threading.Event()
        self._welcomed = threading.Event()
        self._released = threading.Event()
        self._is_in_hook = False
        self._shows_life = False
        self.error: Optional[TuttiError] = None
        self.has_failed = False
        """It has ended by a failure of this machine's, which another process need not have."""
        self.is_wanted_to_end = False
        """The node was told to end."""
        self.node_id = ""
        self.status = "INACTIVE"
        self._owns_process = owns_process
        self.signals: Optional[socket.socket] = None
        """A signal's number written here ends the node; for ``signal.set_wakeup_fd``."""

    def start(self, relay: Optional[socket.socket] = None, supervisor: Optional[socket.socket] = None) -> None:
        """``relay``: where the network process passes signals on to. The node ends when ``supervisor`` does."""
        ours, theirs = socket.socketpair()
        self.signals, told = socket.socketpair()
        self.signals.setblocking(False)
        letters, box = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        shared = [end.dup() if end is not None else None for end in (relay, supervisor)]
        self._process = start_child("tutti.network.main", [theirs, told, box, *shared], os.getpid())
        self._channel = Channel(ours)
        self._letterbox = Letterbox(letters)
        forks.in_child(self._give_up)
        s = self.settings
        self._channel.send(
            messages.Config(
                module=s.module,
                instance=s.instance,
                boot_id=str(uuid.uuid4()),
                version=s.version,
                capacity=s.capacity,
                labels=s.labels,
                output_type=s.output_type,
                schemas=self._schemas,
                token=s.token,
                join=s.join,
                keys=s.keys,
                controls=list(s.controls),
                shutdown_grace_ms=s.shutdown_grace_ms,
                flush_ms=s.flush_ms,
                hooks=[
                    name
                    for name, hook in (("start", self._options.on_start), ("stop", self._options.on_stop))
                    if hook is not None
                ],
                owns_process=self._owns_process,
            )
        )
        threading.Thread(target=self._listen, name="tutti-node", daemon=True).start()
        threading.Thread(target=self._run_hooks, name="tutti-hooks", daemon=True).start()

    def stop(self, reason: str) -> None:
        """Gives the work back, says goodbye, and ends; idempotent."""
        s = self.settings
        self._send(events.Shutdown(reason, s.shutdown_grace_ms, s.flush_ms))

    def wait_until_ended(self, timeout_s: Optional[float] = None) -> bool:
        return self._ended.wait(timeout_s)

    def wait_until_welcomed(self, timeout_s: Optional[float] = None) -> bool:
        """Also ends when the node does."""
        return self._welcomed.wait(timeout_s)

    def close(self) -> None:
        """After the end: leaves nothing behind, unless the author's code is still at work in the node's own process."""
        if os.getpid() != self._pid:
            return
        self._runner.close()
        self._hooks.put(_nothing)
        if self._owns_process and (self._runner.is_busy or self._is_in_hook):
            # It can take the interpreter's lock at any later moment: the network process looks after us until we are gone.
            return
        self._released.set()
        forks.no_longer(self._give_up)
        if not self._channel.send(messages.Released()):
            # The numbers of the other sockets may belong to other files by now. The network process notices the end of this one.
            if not self._owns_process:
                self._process.terminate()
            self._forget_sockets()
            return
        self._process.wait()
        self._channel.close()
        self._letterbox.close()
        if self.signals is not None:
            self.signals.close()

    def _forget_sockets(self) -> None:
        self._channel.forget()
        self._letterbox.forget()
        if self.signals is not None:
            self.signals.detach()

    def _give_up(self) -> None:
        """In a forked child. Events are replaced: their locks may be held by threads that are not here."""
        self._channel.give_up()
        if self.signals is not None:
            self.signals.close()
        self._ended, self._welcomed, self._released = (threading.Event() for _ in range(3))
        for event in (self._ended, self._welcomed, self._released):
            event.set()
        forks.no_longer(self._give_up)

    def _make_runner(self, handler: Handler) -> Runner:
        s = self.settings
        common = (handler, self._payloads, self._send, s.hard_stop_ms, s.capture_output)
        if s.workers == "asyncio":
            return LoopRunner(*common)
        return ThreadRunner(*common, s.capacity)

    def _send(self, message: Any) -> None:
        if os.getpid() == self._pid:
            if not self._channel.send(message):
                self._cut_off()
        elif isinstance(message, (events.Log, events.Progress)):
            has_sent = self._letterbox.send(message)
            if not has_sent and isinstance(message, events.Log):
                self._letterbox.send(events.LogLost(message.execution_id, message.at))

    def _cut_off(self) -> None:
        """5. The thread that listens may not notice: the system keeps a file that is being read."""
        self.has_failed = True
        told = "code of this process has closed the node's connection to its network process"
        hint = "close only descriptors that the handler has opened; call os.closerange only in child processes"
        self._hear(messages.Ended(TuttiError("connection_closed", told, hint)))

    def _listen(self) -> None:
        while not self._ended.is_set():
            message = self._channel.receive()
            if self._ended.is_set():
                return
            if message is None and not self._channel.is_whole:
                self._cut_off()
                return
            if message is None:
                self.has_failed = True
                message = messages.Ended(
                    TuttiError("network_process_ended", "the node's network process has ended")
                )
            try:
                self._hear(message)
            except BaseException as raised:
                note(logging.ERROR, "the node could not carry out a command", raised=raised)

    def _hear(self, message: Any) -> None:
        if isinstance(message, messages.Start):
            self._runner.start(message)
        elif isinstance(message, events.Abort):
            self._runner.abort(*message)
        elif isinstance(message, events.Admitted):
            self._runner.settled(message.execution_id, message.ticket, None)
        elif isinstance(message, messages.Refuse):
            self._runner.settled(*message)
        elif isinstance(message, messages.Rules):
            self._payloads.set(message)
        elif isinstance(message, messages.Status):
            self.node_id, self.status = message
            if self.node_id:
                self._welcomed.set()
        elif isinstance(message, events.RunHook):
            hook = message.hook
            self._hooks.put(lambda: self._run_hook(hook))
        elif isinstance(message, events.Configure):
            self._hooks.put(lambda: self._configure(*message))
        elif isinstance(message, events.Note):
            level = getattr(logging, message.level.upper(), logging.INFO)
            fields = " ".join(f"{name}={value}" for name, value in message.fields.items())
            note(level, "%s%s", message.message, f" ({fields})" if fields else "")
        elif isinstance(message, messages.Ending):
            self._begin_to_show_life()
        elif isinstance(message, messages.Ended):
            self.error, self.is_wanted_to_end = message
            self._begin_to_show_life()
            self._ended.set()
            self._welcomed.set()

    def _begin_to_show_life(self) -> None:
        if self._owns_process and not self._shows_life:
            self._shows_life = True
            threading.Thread(target=self._show_life, name="tutti-life", daemon=True).start()

    def _show_life(self) -> None:
        """From the beginning of the end, as long as other code gets its turn in this process."""
        while not self._released.wait(_LIFE_S):
            self._channel.send(messages.Alive())

    def _run_hooks(self) -> None:
        """One at a time."""
        while not self._ended.is_set():
            self._hooks.get()()

    def _run_hook(self, hook: str) -> None:
        name = f"on_{hook}"
        error: Optional[ReportedError] = None
        try:
            run = self._options.on_start if hook == "start" else self._options.on_stop
            if run is not None:
                self._call(run)
        except BaseException as raised:
            told = _reported(raised, "hook_failed")
            note(logging.ERROR, "%s raised: %s", name, told.stack or told.message)
            error = told._replace(code="hook_failed", message=f"{name}: {told.message}", retryable=True)
        self._send(events.HookDone(hook, error))

    def _configure(self, transaction_id: str, configuration: str) -> None:
        error: Optional[ReportedError] = None
        try:
            if self._options.on_configure is None:
                raise TuttiError("not_configurable", "this node does not accept a configuration")
            holds = self._call(self._options.on_configure, configuration)
            configuration = configuration if holds is None else str(holds)
        except BaseException as raised:
            error = _reported(raised, "configuration_refused")
        self._send(events.Configured(transaction_id, configuration, error))

    def _call(self, hook: Callable[..., Any], *arguments: Any) -> Any:
        self._is_in_hook = True
        try:
            if isinstance(self._runner, LoopRunner):
                return self._runner.call(lambda: hook(*arguments))
            return self._runner.call(lambda: _result(hook(*arguments)))
        finally:
            self._is_in_hook = False


def _result(given: Any) -> Any:
    if not inspect.isawaitable(given):
        return given

    async def wait() -> Any:
        return await given

    return asyncio.run(wait())


def _reported(raised: BaseException, fallback: str) -> ReportedError:
    """The description of an error, whatever it does when it is examined."""
    try:
        return reported_error(raised, fallback)
    except BaseException as again:
        told = f"{type(raised).__name__}, which cannot be shown: {type(again).__name__}"
        return ReportedError(fallback, told, True)


def _nothing() -> None:
    pass
