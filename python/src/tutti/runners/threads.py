"""Each execution in a thread of its own. Its hard stop raises in that thread."""

from __future__ import annotations

import threading
from typing import Dict, Optional

from ..errors import ReportedError, TaskAbortedError
from ..execution_run import ExecutionRun, Handler, Payloads, Send
from ..messages import Start
from .interrupt import calm, interrupt
from .runner import HardStops


class _ThreadRun:
    def __init__(self, run: ExecutionRun) -> None:
        self.run = run
        self.lock = threading.Lock()
        self.thread_id: Optional[int] = None
        """Of the thread that may be interrupted now."""

    def __call__(self) -> None:
        self.thread_id = threading.get_ident()
        try:
            self.run.run()
        except TaskAbortedError as aborted:
            # It came between the handler and here.
            self.run.failed(aborted)
        finally:
            self._leave()

    def stop(self) -> None:
        with self.lock:
            if self.thread_id is not None and self.run.aborted is not None:
                interrupt(self.thread_id, self.run.aborted)

    def _leave(self) -> None:
        try:
            with self.lock:
                thread_id, self.thread_id = self.thread_id, None
                if thread_id is not None:
                    calm(thread_id)
        except TaskAbortedError:
            self.thread_id = None


class ThreadRunner:
    def __init__(
        self, handler: Handler, payloads: Payloads, send: Send, hard_stop_ms: Optional[float]
    ) -> None:
        self._handler = handler
        self._payloads = payloads
        self._send = send
        self._runs: Dict[str, _ThreadRun] = {}
        self._hard_stops = HardStops(hard_stop_ms)

    def start(self, start: Start) -> None:
        run = _ThreadRun(ExecutionRun(start, self._handler, self._payloads, self._send))
        self._runs[start.execution_id] = run

        def work() -> None:
            try:
                run()
            finally:
                self._runs.pop(start.execution_id, None)
                self._hard_stops.ended(start.execution_id)

        threading.Thread(target=work, name=f"tutti-{start.execution_id}", daemon=True).start()

    def abort(self, execution_id: str, code: str, reason: str) -> None:
        run = self._runs.get(execution_id)
        if run is not None:
            run.run.abort(code, reason)
            self._hard_stops.ask(execution_id, code, run.stop)

    def settled(self, execution_id: str, ticket: int, error: Optional[ReportedError]) -> None:
        run = self._runs.get(execution_id)
        if run is not None:
            run.run.settled(ticket, error)

    def close(self) -> None:
        self._hard_stops.close()

    @property
    def is_busy(self) -> bool:
        return bool(self._runs)
