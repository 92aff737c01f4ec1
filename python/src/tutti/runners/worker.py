"""A worker process: loads the module that the node is in, and runs its handler in the main thread, one execution after the other."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import socket
import threading
from typing import Any, Optional

from ..channel import Channel
from ..errors import ReportedError, TuttiError
from ..execution_run import ExecutionRun, Payloads
from ..logs import forward_logs
from ..main_module import import_or_load
from ..messages import Rules, Start
from ..network.events import Abort


def main(channel: int, parent: int) -> None:
    """``channel``: a file descriptor; ``parent``: the pid of the node's process."""
    # The node's process decides when its workers end. No SIG_IGN: the handler's own children would inherit that.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    worker = _Worker(Channel(socket.socket(fileno=channel)))
    threading.Thread(target=worker.listen, args=(parent,), name="tutti-channel", daemon=True).start()
    worker.serve()


class _Worker:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._starts: queue.Queue[Start] = queue.Queue()
        self._payloads = Payloads()
        self._run: Optional[ExecutionRun] = None
        self._early: Optional[Abort] = None
        """An abort that came before its run was made."""
        self._cancel: Any = None
        self._lock = threading.Lock()
        self._setup: queue.Queue[Any] = queue.Queue()

    def listen(self, parent: int) -> None:
        message = self._channel.receive()
        self._setup.put(message)
        while message is not None and os.getppid() == parent:
            message = self._channel.receive()
            if isinstance(message, Rules):
                self._payloads.set(message)
            elif isinstance(message, Start):
                self._starts.put(message)
            elif isinstance(message, Abort):
                self._abort(message)
            elif isinstance(message, tuple):
                self._settled(message[0].execution_id, message[0].ticket, message[1])
        os._exit(0)

    def serve(self) -> None:
        where, is_main, module = self._setup.get()
        from ..node import nodes_by_module  # It imports the runners.

        import_or_load(where, is_main)
        found = nodes_by_module().get(module)
        if found is None:
            raise TuttiError("unknown_module", f"{where} has no node of {module}: a worker cannot run it")
        logs = logging.getLogger("tutti.node")
        forward_logs()
        logs.debug("worker %d is ready", os.getpid())
        while True:
            start = self._starts.get()
            run = ExecutionRun(start, found.handler, self._payloads, self._channel.send)
            with self._lock:
                self._run = run
                early, self._early = self._early, None
            if early is not None and early.execution_id == start.execution_id:
                run.abort(early.code, early.reason)
            if found.is_async:
                asyncio.run(self._run_async(run))
            else:
                run.run()

    async def _run_async(self, run: ExecutionRun) -> None:
        task = asyncio.ensure_future(run.result_async())
        loop = asyncio.get_running_loop()
        with self._lock:
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        if run.aborted is not None:
            task.cancel()
        try:
            run.finish(await task)
        except asyncio.CancelledError as cancelled:
            run.failed(cancelled)
        finally:
            with self._lock:
                self._cancel = None

    def _abort(self, abort: Abort) -> None:
        with self._lock:
            run = self._run
            if run is None or run.execution_id != abort.execution_id:
                self._early = abort
                return
            cancel = self._cancel
        run.abort(abort.code, abort.reason)
        if cancel is not None:
            try:
                cancel()
            except RuntimeError:
                pass  # The loop has ended, and the run with it.

    def _settled(self, execution_id: str, ticket: int, error: Optional[ReportedError]) -> None:
        with self._lock:
            run = self._run
        if run is not None and run.execution_id == execution_id:
            run.settled(ticket, error)
