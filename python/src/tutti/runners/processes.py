"""Each execution in a worker process, kept for the next one. Its hard stop kills the process."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from typing import Any, Dict, List, Optional

from ..channel import Channel
from ..children import start_child
from ..errors import ReportedError, TaskAbortedError, TuttiError, reported_error
from ..execution_run import Payloads, Send
from ..main_module import MainModule
from ..messages import Finished, Start, WorkerEnded, WorkerStarted
from ..network.events import Abort, Admitted
from .runner import HardStops

_RESERVED = ""
"""In the place of the execution that a worker is about to get."""


class _Worker:
    """``execution_id``: what it works on now."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.process = process
        self.channel = channel
        self.execution_id: Optional[str] = None
        self.aborted: Optional[TaskAbortedError] = None


class ProcessRunner:
    def __init__(
        self,
        where: MainModule,
        is_main: bool,
        module: str,
        payloads: Payloads,
        send: Send,
        hard_stop_ms: Optional[float],
    ) -> None:
        self._setup = (where, is_main, module)
        self._payloads = payloads
        self._send = send
        self._lock = threading.Lock()
        self._workers: List[_Worker] = []
        self._starting: Dict[str, Optional[TaskAbortedError]] = {}
        """Executions that wait for a worker, and why they are not wanted any more, if so."""
        self._hard_stops = HardStops(hard_stop_ms)
        self._is_closed = False

    def start(self, start: Start) -> None:
        with self._lock:
            self._starting[start.execution_id] = None
        # Starting a process takes a moment, in which others are not to wait.
        threading.Thread(target=self._assign, args=(start,), name="tutti-worker-start", daemon=True).start()

    def abort(self, execution_id: str, code: str, reason: str) -> None:
        with self._lock:
            if execution_id in self._starting:
                self._starting[execution_id] = TaskAbortedError(code, reason)
                return
            worker = self._working_on(execution_id)
            if worker is None:
                return
            worker.aborted = worker.aborted or TaskAbortedError(code, reason)
        worker.channel.send(Abort(execution_id, code, reason))
        self._hard_stops.ask(execution_id, code, lambda: self._kill(execution_id))

    def settled(self, execution_id: str, ticket: int, error: Optional[ReportedError]) -> None:
        with self._lock:
            worker = self._working_on(execution_id)
        if worker is not None:
            worker.channel.send((Admitted(execution_id, ticket), error))

    def close(self) -> None:
        self._hard_stops.close()
        with self._lock:
            self._is_closed = True
            workers = list(self._workers)
        for worker in workers:
            worker.process.kill()

    @property
    def is_busy(self) -> bool:
        return False

    def _assign(self, start: Start) -> None:
        try:
            worker = self._idle_worker() or self._new_worker()
        except Exception as error:
            with self._lock:
                del self._starting[start.execution_id]
            self._send(Finished(start.execution_id, reported_error(error, "worker_died")))
            return
        with self._lock:
            worker.execution_id, worker.aborted = start.execution_id, None
            aborted = self._starting.pop(start.execution_id)
            has_died = worker not in self._workers
        worker.channel.send(self._payloads.rules)
        worker.channel.send(start)
        if has_died:
            self._died(worker)
        if aborted is not None:
            self.abort(start.execution_id, aborted.code, aborted.message)

    def _idle_worker(self) -> Optional[_Worker]:
        with self._lock:
            worker = next((each for each in self._workers if each.execution_id is None), None)
            if worker is not None:
                worker.execution_id = _RESERVED
            return worker

    def _new_worker(self) -> _Worker:
        ours, theirs = socket.socketpair()
        process = start_child("tutti.runners.worker", [theirs], os.getpid())
        worker = _Worker(process, Channel(ours))
        worker.execution_id = _RESERVED
        with self._lock:
            self._workers.append(worker)
            if self._is_closed:
                process.kill()
        self._send(WorkerStarted(process.pid))
        worker.channel.send(self._setup)
        threading.Thread(target=self._listen, args=(worker,), name="tutti-worker", daemon=True).start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        message: Any = worker.channel.receive()
        while message is not None:
            if isinstance(message, Finished):
                self._hard_stops.ended(message.execution_id)
                with self._lock:
                    worker.execution_id = None
            self._send(message)
            message = worker.channel.receive()
        self._ended(worker)

    def _ended(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.wait()
        worker.channel.close()
        with self._lock:
            self._workers.remove(worker)
        self._died(worker)
        self._send(WorkerEnded(worker.process.pid))

    def _died(self, worker: _Worker) -> None:
        """Tells what has become of its execution, if it had one."""
        with self._lock:
            execution_id, aborted = worker.execution_id, worker.aborted
            if execution_id is None or execution_id == _RESERVED:
                return
            worker.execution_id = None
        self._hard_stops.ended(execution_id)
        code = worker.process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        died = TuttiError("worker_died", f"the process of the handler ended with {how}")
        self._send(Finished(execution_id, reported_error(aborted or died, "worker_died")))

    def _kill(self, execution_id: str) -> None:
        with self._lock:
            worker = self._working_on(execution_id)
            if worker is not None:
                worker.process.kill()

    def _working_on(self, execution_id: str) -> Optional[_Worker]:
        return next((each for each in self._workers if each.execution_id == execution_id), None)
