"""Executions of an ``async def`` handler, together in one asyncio loop that has a thread of its own.

A stop cancels the asyncio task at once. Its hard stop, for code that keeps the loop to itself, raises in the loop's thread while that
code is at work. Whatever comes out of the loop, it goes on: a task that a handler has left behind ends no other execution.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from functools import partial
from typing import Any, Callable, Dict, Optional

from ..errors import ReportedError, TaskAbortedError
from ..execution_run import ExecutionRun, Send
from ..handlers import Handler
from ..messages import Start
from ..notes import note
from ..payloads import Payloads
from .interrupt import interrupt
from .runner import HardStops


class LoopRunner:
    def __init__(
        self,
        handler: Handler,
        payloads: Payloads,
        send: Send,
        hard_stop_ms: Optional[float],
        captures_output: bool,
    ) -> None:
        self._handler = handler
        self._captures = captures_output
        self._payloads = payloads
        self._send = send
        self._runs: Dict[str, ExecutionRun] = {}
        self._tasks: Dict[str, asyncio.Task[None]] = {}
        self._hard_stops = HardStops(hard_stop_ms)
        self._loop = asyncio.new_event_loop()
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, name="tutti-asyncio", daemon=True)
        self._thread.start()

    def start(self, start: Start) -> None:
        run = ExecutionRun(start, self._handler, self._payloads, self._send, self._captures)
        self._runs[start.execution_id] = run
        self._loop.call_soon_threadsafe(self._begin, run)

    def abort(self, execution_id: str, code: str, reason: str) -> None:
        run = self._runs.get(execution_id)
        if run is not None:
            run.abort(code, reason)
            self._loop.call_soon_threadsafe(self._cancel, execution_id)
            self._hard_stops.ask(execution_id, code, partial(self._stop, run))

    def settled(self, execution_id: str, ticket: int, error: Optional[ReportedError]) -> None:
        run = self._runs.get(execution_id)
        if run is not None:
            run.settled(ticket, error)

    def call(self, work: Callable[[], Any]) -> Any:
        """Awaits an awaitable in the loop of the handlers."""
        given = work()
        if not inspect.isawaitable(given):
            return given

        async def wait() -> Any:
            return await given

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result()

    def close(self) -> None:
        self._hard_stops.close()
        self._is_closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    @property
    def is_busy(self) -> bool:
        return bool(self._runs)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._is_closing:
            try:
                self._loop.run_forever()
            except TaskAbortedError:
                continue  # It came just after the code for which it was meant.
            except BaseException as raised:
                # SystemExit and KeyboardInterrupt of a task that a handler has made.
                note(logging.WARNING, "a task of a handler raised %s", type(raised).__name__)

    def _begin(self, run: ExecutionRun) -> None:
        execution_id = run.execution_id
        if run.aborted is not None:
            run.failed(run.aborted)
            self._runs.pop(execution_id, None)
            return

        def ended(_: asyncio.Task[None]) -> None:
            self._tasks.pop(execution_id, None)
            self._runs.pop(execution_id, None)
            self._hard_stops.ended(execution_id)
            # A task that is cancelled before its first step has not run at all.
            if not run.has_ended:
                run.failed(run.aborted or TaskAbortedError())

        task = self._loop.create_task(run.run_async())
        self._tasks[execution_id] = task
        task.add_done_callback(ended)

    def _cancel(self, execution_id: str) -> None:
        task = self._tasks.get(execution_id)
        if task is not None:
            task.cancel()

    def _stop(self, run: ExecutionRun) -> None:
        task = self._tasks.get(run.execution_id)
        thread_id = self._thread.ident
        if run.aborted is None or task is None or thread_id is None:
            return
        if asyncio.current_task(self._loop) is task:
            interrupt(thread_id, run.aborted)
        else:
            self._loop.call_soon_threadsafe(self._cancel, run.execution_id)
