"""Executions of a plain function, each in one of as many threads as the node has slots. A hard stop raises in such a thread.

T1. Whatever a handler does to its thread, its execution ends with one ``Finished``, and the thread takes the next one.
T2. With a capacity of 1 there is one thread, also for the hooks that run while no handler is at work: what belongs to the thread that
    opened it (an sqlite3 connection, ``threading.local``) can be opened in ``on_start``.
T3. An interruption reaches the execution that it is meant for, or none.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import Any, Callable, Dict, List, Optional, Union

from ..errors import ReportedError, TaskAbortedError, TuttiError
from ..execution_run import ExecutionRun, Send
from ..handlers import Handler
from ..messages import Output, Start
from ..payloads import Payloads
from .interrupt import calm, interrupt
from .runner import HardStops


class _ThreadRun:
    def __init__(self, run: ExecutionRun) -> None:
        self.run = run
        self._lock = threading.Lock()
        self._thread_id: Optional[int] = None
        """Of the thread that may be interrupted now."""
        self._was_interrupted = False

    def __call__(self) -> Union[Output, ReportedError]:
        """Never raises."""
        try:
            try:
                self._thread_id = threading.get_ident()
                # A handler's changes to its context are not visible to the next one.
                return contextvars.copy_context().run(self.run.result)
            finally:
                self._leave()
        except BaseException as raised:
            # An interruption that came between the handler and here.
            return self.run.error(raised)

    def stop(self) -> None:
        with self._lock:
            if self._thread_id is not None and self.run.aborted is not None:
                self._was_interrupted = True
                interrupt(self._thread_id, self.run.aborted)

    def _leave(self) -> None:
        while True:
            try:
                with self._lock:
                    self._thread_id = None
                if self._was_interrupted:
                    calm()
                return
            except TaskAbortedError:
                continue


class ThreadRunner:
    def __init__(
        self,
        handler: Handler,
        payloads: Payloads,
        send: Send,
        hard_stop_ms: Optional[float],
        captures_output: bool,
        capacity: int,
    ) -> None:
        self._handler = handler
        self._captures = captures_output
        self._payloads = payloads
        self._send = send
        self._capacity = capacity
        self._jobs: queue.SimpleQueue[Optional[Callable[[], None]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._runs: Dict[str, _ThreadRun] = {}
        self._hard_stops = HardStops(hard_stop_ms)

    def start(self, start: Start) -> None:
        run = _ThreadRun(ExecutionRun(start, self._handler, self._payloads, self._send, self._captures))
        self._runs[start.execution_id] = run
        try:
            self._submit(lambda: self._execute(run))
        except Exception as error:
            del self._runs[start.execution_id]
            told = f"no thread can be started for the handler: {error}"
            run.run.failed(TuttiError("no_thread", told, "raise the limit of processes and threads"))

    def abort(self, execution_id: str, code: str, reason: str) -> None:
        run = self._runs.get(execution_id)
        if run is not None:
            run.run.abort(code, reason)
            self._hard_stops.ask(execution_id, code, run.stop)

    def settled(self, execution_id: str, ticket: int, error: Optional[ReportedError]) -> None:
        run = self._runs.get(execution_id)
        if run is not None:
            run.run.settled(ticket, error)

    def call(self, work: Callable[[], Any]) -> Any:
        """T2."""
        if self._capacity > 1 or self._runs:
            return work()
        ended = threading.Event()
        given: List[Any] = []
        raised: List[BaseException] = []

        def job() -> None:
            try:
                given.append(work())
            except BaseException as error:
                raised.append(error)
            finally:
                self._is_free()
                ended.set()

        try:
            self._submit(job)
        except Exception:
            return work()
        ended.wait()
        if raised:
            raise raised[0]
        return given[0]

    def close(self) -> None:
        self._hard_stops.close()
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)

    @property
    def is_busy(self) -> bool:
        return bool(self._runs)

    def _submit(self, job: Callable[[], None]) -> None:
        """Raises if no thread is free and none can be started."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
            elif self._threads < self._capacity:
                try:
                    threading.Thread(target=self._work, name="tutti-work", daemon=True).start()
                    self._threads += 1
                except Exception:
                    # Another one takes it when it is free.
                    if self._threads == 0:
                        raise
                    self._idle -= 1
            else:
                self._idle -= 1
            self._jobs.put(job)

    def _work(self) -> None:
        try:
            while True:
                job = self._jobs.get()
                if job is None:
                    return
                job()
        finally:
            with self._lock:
                self._threads -= 1
                self._idle -= 1

    def _execute(self, run: _ThreadRun) -> None:
        execution_id = run.run.execution_id
        threading.current_thread().name = f"tutti-{execution_id}"
        result: Union[Output, ReportedError] = ReportedError(
            "thread_ended", "the thread of the handler ended without a result", True
        )
        try:
            result = run()
        finally:
            self._hard_stops.ended(execution_id)
            # Before the node is told, since the next execution takes this thread.
            self._is_free()
            self._runs.pop(execution_id, None)
            run.run.finish(result)

    def _is_free(self) -> None:
        with self._lock:
            self._idle += 1
