"""A node in the author's process: it starts the network process, and does what that one says.

1. Handlers, hooks and the author's logging are here; the protocol is in the network process, which goes on whatever they do.
2. Either process ends when the other does.
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

from . import messages
from .channel import Channel
from .children import start_child
from .errors import ReportedError, TuttiError, reported_error
from .execution_run import Handler, Payloads
from .main_module import locate
from .network import events
from .options import NodeOptions, NodeSettings
from .protocol import TypeSchema
from .runners.loop import LoopRunner
from .runners.processes import ProcessRunner
from .runners.runner import Runner
from .runners.threads import ThreadRunner
from .stacks import attempt

_log = logging.getLogger("tutti.node")
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
        self._settings = settings
        self._schemas = schemas
        self._options = options
        self._payloads = Payloads()
        self._runner = self._make_runner(handler)
        self._hooks: queue.Queue[Callable[[], None]] = queue.Queue()
        self._ended = threading.Event()
        self._welcomed = threading.Event()
        self._released = threading.Event()
        self._is_in_hook = False
        self.error: Optional[TuttiError] = None
        self.node_id = ""
        self.status = "INACTIVE"
        self._owns_process = owns_process
        self.signals: Optional[socket.socket] = None
        """Whoever writes a signal's number here ends the node; for ``signal.set_wakeup_fd``."""

    def start(self) -> None:
        ours, theirs = socket.socketpair()
        self.signals, told = socket.socketpair()
        self.signals.setblocking(False)
        self._process = start_child("tutti.network.main", [theirs, told], os.getpid())
        self._channel = Channel(ours)
        s = self._settings
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
                control=s.control,
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
        s = self._settings
        self._channel.send(events.Shutdown(reason, s.shutdown_grace_ms, s.flush_ms))

    def wait_until_ended(self, timeout_s: Optional[float] = None) -> bool:
        return self._ended.wait(timeout_s)

    def wait_until_welcomed(self, timeout_s: Optional[float] = None) -> bool:
        """Also ends when the node does."""
        return self._welcomed.wait(timeout_s)

    def close(self) -> None:
        """After the end: leaves nothing behind, unless the author's code is still at work in the node's own process."""
        self._runner.close()
        self._hooks.put(_nothing)
        if self._owns_process and (self._runner.is_busy or self._is_in_hook):
            # It can take the interpreter's lock at any later moment: the network process looks after us until we are gone.
            return
        self._released.set()
        self._channel.send(messages.Released())
        self._process.wait()
        self._channel.close()
        if self.signals is not None:
            self.signals.close()

    def _make_runner(self, handler: Handler) -> Runner:
        workers, hard_stop_ms = self._settings.workers, self._settings.hard_stop_ms
        if workers == "processes":
            where = locate(handler.__module__)
            if where is None:
                hint = "put the node into a file, or use threads"
                raise TuttiError("bad_option", "workers: processes need a module that can be loaded", hint)
            is_main = handler.__module__ == "__main__"
            module = self._settings.module
            return ProcessRunner(where, is_main, module, self._payloads, self._send, hard_stop_ms)
        if workers == "asyncio":
            return LoopRunner(handler, self._payloads, self._send, hard_stop_ms)
        return ThreadRunner(handler, self._payloads, self._send, hard_stop_ms)

    def _send(self, message: Any) -> None:
        self._channel.send(message)

    def _listen(self) -> None:
        while not self._ended.is_set():
            message = self._channel.receive()
            if message is None:
                message = messages.Ended(
                    TuttiError("network_process_ended", "the node's network process has ended")
                )
            try:
                self._hear(message)
            except Exception:
                _log.exception("the node could not do what it was told")

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
            told = f"{message.message} ({fields})" if fields else message.message
            # Logging is set up by the author: a handler of theirs may raise.
            attempt(lambda: _log.log(level, "%s", told), None)
        elif isinstance(message, messages.Ended):
            self.error = message.error
            self._ended.set()
            self._welcomed.set()
            if self._owns_process:
                threading.Thread(target=self._show_life, name="tutti-life", daemon=True).start()

    def _show_life(self) -> None:
        """After the end, as long as other code gets its turn in this process."""
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
            told = reported_error(raised, "hook_failed")
            attempt(lambda: _log.error("%s raised: %s", name, told.stack or told.message), None)
            error = ReportedError("hook_failed", f"{name}: {told.message}", True, told.stack)
        self._send(events.HookDone(hook, error))

    def _configure(self, transaction_id: str, configuration: str) -> None:
        error: Optional[ReportedError] = None
        try:
            if self._options.on_configure is None:
                raise TuttiError("not_configurable", "this node takes no configuration")
            holds = self._call(self._options.on_configure, configuration)
            configuration = configuration if holds is None else str(holds)
        except BaseException as raised:
            error = reported_error(raised, "configuration_refused")
        self._send(events.Configured(transaction_id, configuration, error))

    def _call(self, hook: Callable[..., Any], *arguments: Any) -> Any:
        self._is_in_hook = True
        try:
            return self._result(hook(*arguments))
        finally:
            self._is_in_hook = False

    def _result(self, given: Any) -> Any:
        if not inspect.isawaitable(given):
            return given

        async def wait() -> Any:
            return await given

        return self._runner.call(wait()) if isinstance(self._runner, LoopRunner) else asyncio.run(wait())


def _nothing() -> None:
    pass
