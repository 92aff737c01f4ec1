"""One run of a handler: decodes its inputs, hands it its task, and turns what it gives into outputs.

1. Whatever a handler does, the run ends with exactly one ``Finished``, and never raises: also where its error cannot be told, or its
   output cannot be handed on.
2. A partial output that cannot be encoded fails the run, also where the handler goes on.
3. A handler that was told to end no longer gives outputs.
4. A forked child that comes back from the handler ends there, with the exit code that it would have had: it ends no run, and gives
   nothing. Only its log lines and its progress reach the task.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import logging
import os
import threading
import time
from contextvars import ContextVar
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional, Type, Union

from .errors import NonRetryableError, ReportedError, TaskAbortedError, TuttiError, bounded, reported_error
from .forked import leave
from .handlers import Handler, is_generator, place_of
from .messages import Finished, Output, Partial, Start
from .network.events import Begun, Log, Progress
from .named_outputs import NamedOutputs
from .notes import note
from .payloads import Payloads
from .printed import Printed
from .records import Record, record_of
from .task import AsyncTask, Task

_MAX_LOG_CHARS = 8_192
"""A log line is read by people; what is longer belongs into an output."""
_MAX_FIELD_CHARS = 1_024
_MAX_FIELDS = 64

current_run: ContextVar[Optional[ExecutionRun]] = ContextVar("tutti_run", default=None)
"""The run whose handler is at work here."""

Send = Callable[[Any], None]
Outcome = Union[None, ReportedError, TaskAbortedError]


class ExecutionRun:
    def __init__(
        self, start: Start, handler: Handler, payloads: Payloads, send: Send, captures_output: bool
    ) -> None:
        self.execution_id = start.execution_id
        self.captures_output = captures_output
        """Whether what it prints and logs goes into the task's history."""
        self.printed = Printed(self.log)
        self.aborted: Optional[TaskAbortedError] = None
        self._pid = os.getpid()
        self._start = start
        self._handler = handler
        self._is_generator = is_generator(handler)
        self._cancel: Optional[Callable[[], Any]] = None
        """Cancels the awaitable that a plain function has given."""
        self._payloads = payloads
        self._send = send
        self._lock = threading.Lock()
        self._is_aborted = threading.Event()
        self._tickets = itertools.count(1)
        self._waiting: Dict[int, Callable[[Outcome], None]] = {}
        """Publishers that wait for room in the output window, by ticket."""
        self._named = NamedOutputs(start.module, start.outputs)
        self._completing: Optional[Output] = None
        """The one that completes the named outputs."""
        self._failure: Optional[BaseException] = None
        self._has_returned = False

    # What the node tells

    def abort(self, code: str, reason: str) -> None:
        with self._lock:
            if self.aborted is None:
                self.aborted = TaskAbortedError(code, reason)
            waiting, self._waiting = list(self._waiting.values()), {}
        self._is_aborted.set()
        for settle in waiting:
            settle(self.aborted)
        self._cancel_awaited()

    def settled(self, ticket: int, error: Optional[ReportedError]) -> None:
        """A partial output has its place in the window, or could not be published."""
        with self._lock:
            settle = self._waiting.pop(ticket, None)
        if settle is not None:
            settle(error)

    # What the handler tells

    def raise_if_aborted(self) -> None:
        if self.aborted is not None:
            raise TaskAbortedError(self.aborted.code, self.aborted.message)

    def sleep(self, seconds: float) -> None:
        self._is_aborted.wait(seconds)
        self.raise_if_aborted()

    def progress(self, fraction: float, message: str) -> None:
        self.raise_if_aborted()
        fraction = float(fraction)
        if fraction == fraction:
            clamped = min(1.0, max(0.0, fraction))
            self._send(Progress(self.execution_id, clamped, bounded(str(message))))

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        at = int(time.time() * 1000)
        line = bounded(str(message), _MAX_LOG_CHARS)
        self._send(Log(self.execution_id, at, level, line, _as_texts(fields)))

    @property
    def has_ended(self) -> bool:
        """Whether its end was told."""
        return self._has_returned

    @property
    def is_awaited(self) -> bool:
        """Whether a plain function has given an awaitable, which is at work."""
        return self._cancel is not None

    def publish(self, value: Any, name: Optional[str] = None) -> None:
        has_settled = threading.Event()
        outcomes: List[Outcome] = []

        def settle(outcome: Outcome) -> None:
            outcomes.append(outcome)
            has_settled.set()

        self._give(value, name, settle)
        has_settled.wait()
        self._raise(outcomes[0])

    async def publish_async(self, value: Any, name: Optional[str] = None) -> None:
        loop = asyncio.get_running_loop()
        has_settled: asyncio.Future[Outcome] = loop.create_future()

        def resolve(outcome: Outcome) -> None:
            if not has_settled.done():
                has_settled.set_result(outcome)

        def settle(outcome: Outcome) -> None:
            loop.call_soon_threadsafe(resolve, outcome)

        self._give(value, name, settle)
        self._raise(await has_settled)

    def _give(self, value: Any, name: Optional[str], settle: Callable[[Outcome], None]) -> None:
        self.raise_if_aborted()
        if self._has_returned:
            raise TuttiError("task_ended", "the handler has returned already")
        if self._is_forked:
            hint = "give the value back to the handler, and publish it there"
            raise TuttiError("forked_child", "a forked child process cannot publish", hint)
        try:
            with self._lock:
                is_last = self._named.give(name)
            output = self._encode(value, name or "")
        except Exception as error:
            self._failure = self._failure or error
            raise
        if is_last:
            self._completing = output
            settle(None)
            return
        self._leave(output, settle)

    def _encode(self, value: Any, name: str = "") -> Output:
        return Output(*self._payloads.encode(value, self._start, name), name)

    def _leave(self, output: Output, settle: Callable[[Outcome], None]) -> None:
        with self._lock:
            ticket = next(self._tickets)
            if self.aborted is None:
                self._waiting[ticket] = settle
        self.raise_if_aborted()
        self._send(Partial(self.execution_id, ticket, *output))

    def _raise(self, outcome: Outcome) -> None:
        if isinstance(outcome, TaskAbortedError):
            self.raise_if_aborted()
        elif outcome is not None:
            raise (TuttiError if outcome.retryable else NonRetryableError)(outcome.code, outcome.message)

    # The run

    async def run_async(self) -> None:
        """Runs an ``async def`` function or an asynchronous generator here, to its end."""
        self.finish(await self.result_async())

    def result(self) -> Union[Output, ReportedError]:
        """Runs a plain function or a generator here, to its end."""
        token = current_run.set(self)
        try:
            task: Task[Any, Any] = self._task(Task)
            given = self._handler(task)
            if inspect.isgenerator(given) and self._is_generator:
                given = self._publish_all(given)
            elif inspect.isawaitable(given) or inspect.isasyncgen(given):
                given = asyncio.run(self._run_awaited(given))
            return self._output(given)
        except BaseException as raised:
            return self.error(raised)
        finally:
            current_run.reset(token)

    async def result_async(self) -> Union[Output, ReportedError]:
        token = current_run.set(self)
        try:
            task: AsyncTask[Any, Any] = self._task(AsyncTask)
            return self._output(await self._awaited(self._handler(task)))
        except BaseException as raised:
            return self.error(raised)
        finally:
            current_run.reset(token)

    def failed(self, error: BaseException) -> None:
        """Ends a run from outside of it."""
        self.finish(self.error(error))

    def finish(self, result: Union[Output, ReportedError]) -> None:
        with self._lock:
            if self._has_returned:
                return
            self._has_returned = True
        self.printed.end()
        try:
            self._send(Finished(self.execution_id, result))
        except Exception as error:
            told = f"the handler's result cannot be handed over: {type(error).__name__}"
            self._send(Finished(self.execution_id, ReportedError("result_lost", told, True)))

    async def _awaited(self, given: Any) -> Any:
        if inspect.isasyncgen(given):
            last: Any = None
            try:
                async for last in given:
                    await self.publish_async(last)
            finally:
                await given.aclose()
            return last
        while inspect.isawaitable(given):
            given = await given
        return given

    async def _run_awaited(self, given: Any) -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is not None:
            self._cancel = partial(loop.call_soon_threadsafe, task.cancel)
        if self.aborted is not None:
            self._cancel_awaited()
        try:
            return await self._awaited(given)
        finally:
            self._cancel = None

    def _cancel_awaited(self) -> None:
        cancel = self._cancel
        if cancel is not None:
            try:
                cancel()
            except RuntimeError:
                pass  # Its loop has ended, and it has come back.

    def _publish_all(self, generator: Any) -> Any:
        """What it yields are partial outputs; what it returns, or else the last that it yielded, is the output."""
        last: Any = None
        try:
            value = next(generator)
            while True:
                last = value
                try:
                    self.publish(value)
                except TaskAbortedError as aborted:
                    value = generator.throw(aborted)
                else:
                    value = next(generator)
        except StopIteration as stop:
            return last if stop.value is None else stop.value
        finally:
            generator.close()

    def _output(self, given: Any) -> Union[Output, ReportedError]:
        if self._is_forked:
            leave(None, self.printed.end)
        self.raise_if_aborted()
        if self._failure is not None:
            return self.error(self._failure)
        if inspect.isgenerator(given):
            told = "the output is a generator: make a list of it, or yield in the handler itself"
            raise NonRetryableError("bad_output", told)
        if not self._named:
            return self._encode(given)
        try:
            encoded = [self._encode(value, name) for name, value in self._named.returned(given)]
        except TuttiError as error:
            # Raised here, and not where the author could see what to mend.
            return self.error(error)._replace(stack=place_of(self._handler))
        last = self._completing or encoded.pop()
        for output in encoded:
            self._leave(output, lambda outcome: None)
        return last

    def error(self, raised: BaseException) -> ReportedError:
        """The description of an error. Never raises, whatever the error does when it is examined."""
        if self._is_forked:
            leave(raised, self.printed.end)
        try:
            if isinstance(raised, (asyncio.CancelledError, TaskAbortedError)):
                raised = self.aborted or raised
            error = reported_error(raised, "handler_error")
            if self.aborted is None:
                told = f"execution {self.execution_id} failed: {error.stack or error.message}"
                note(logging.ERROR, "%s", told)
            return error
        except BaseException as again:
            told = f"{type(raised).__name__}, which cannot be shown: {type(again).__name__}"
            return ReportedError("handler_error", bounded(told), True)

    @property
    def _is_forked(self) -> bool:
        """Whether this is a child process that the handler has forked."""
        return os.getpid() != self._pid

    def _task(self, cls: Type[Any]) -> Any:
        start = self._start
        inputs = {each.name: self._payloads.decode(each, start) for each in start.inputs if not each.previous}
        previous = {each.name: self._payloads.decode(each, start) for each in start.inputs if each.previous}
        self.raise_if_aborted()
        self._send(Begun(self.execution_id))
        return cls(
            self,
            start.task_id,
            start.module,
            start.attempt,
            start.pass_,
            start.item,
            start.execution_id,
            start.traceparent or None,
            Record(inputs),
            record_of(previous, _EVERY_NAME),
        )


class _EveryName(frozenset):  # type: ignore[type-arg]
    """Any module may have given something in a parent iteration, or not."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


_EVERY_NAME: Any = _EveryName()


def _as_texts(fields: Mapping[str, Any]) -> Dict[str, str]:
    some = itertools.islice(fields.items(), _MAX_FIELDS)
    return {str(name): bounded(_as_text(value), _MAX_FIELD_CHARS) for name, value in some}


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)
