"""One run of a handler: decodes its inputs, hands it its task, and turns what it gives into outputs.

1. Whatever a handler does, the run ends with exactly one ``Finished``, and never raises.
2. A partial output that cannot be encoded fails the run, also where the handler goes on.
3. A handler that was told to end gives no output any more.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import logging
import threading
import time
from contextvars import ContextVar
from pathlib import PurePath
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Type, Union

from .errors import NonRetryableError, ReportedError, TaskAbortedError, TuttiError, bounded, reported_error
from .messages import Content, FetchedInput, Finished, Output, Partial, Rules, Start
from .network.events import Begun, Log, Progress
from .records import Record, record_of
from .spool import read, spool
from .stacks import attempt
from .task import AsyncTask, Task
from .values.types import Decoded, Types, Unencodable

_MAX_LOG_CHARS = 8_192
"""A log line is read by people; what is longer belongs into an output."""
_MAX_FIELD_CHARS = 1_024
_MAX_FIELDS = 64

current_run: ContextVar[Optional[ExecutionRun]] = ContextVar("tutti_run", default=None)
"""The run whose handler is at work here."""

Handler = Callable[[Any], Any]
Send = Callable[[Any], None]
Outcome = Union[None, ReportedError, TaskAbortedError]


class Payloads:
    """What the newest welcome said about payloads."""

    def __init__(self) -> None:
        self.rules = Rules(b"", "json", False, 0, "")
        self.types = Types(b"")
        self._version = (b"", self.types)

    def set(self, rules: Rules) -> None:
        if rules.descriptors != self.rules.descriptors:
            self.types = Types(rules.descriptors)
        self.rules = rules

    def types_of(self, start: Start) -> Types:
        """What the names of types mean to this execution's graph version."""
        if not start.descriptors:
            return self.types
        descriptors, types = self._version
        if descriptors != start.descriptors:
            types = Types(start.descriptors)
            self._version = (start.descriptors, types)
        return types

    def output_type_of(self, start: Start) -> str:
        return self.rules.output_type if self.rules.is_declared else start.output_type or self.rules.output_type


class ExecutionRun:
    def __init__(self, start: Start, handler: Handler, payloads: Payloads, send: Send) -> None:
        self.execution_id = start.execution_id
        self.aborted: Optional[TaskAbortedError] = None
        self._start = start
        self._handler = handler
        self._payloads = payloads
        self._send = send
        self._lock = threading.Lock()
        self._is_aborted = threading.Event()
        self._tickets = itertools.count(1)
        self._waiting: Dict[int, Callable[[Outcome], None]] = {}
        """Publishers that wait for room in the output window, by ticket."""
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

    def publish(self, partial: Any) -> None:
        has_settled = threading.Event()
        outcomes: List[Outcome] = []

        def settle(outcome: Outcome) -> None:
            outcomes.append(outcome)
            has_settled.set()

        self._give(partial, settle)
        has_settled.wait()
        self._raise(outcomes[0])

    async def publish_async(self, partial: Any) -> None:
        loop = asyncio.get_running_loop()
        has_settled: asyncio.Future[Outcome] = loop.create_future()

        def resolve(outcome: Outcome) -> None:
            if not has_settled.done():
                has_settled.set_result(outcome)

        def settle(outcome: Outcome) -> None:
            loop.call_soon_threadsafe(resolve, outcome)

        self._give(partial, settle)
        self._raise(await has_settled)

    def _give(self, partial: Any, settle: Callable[[Outcome], None]) -> None:
        self.raise_if_aborted()
        if self._has_returned:
            raise TuttiError("task_ended", "the handler has returned already")
        try:
            kind, content = self._encode(partial)
        except Exception as error:
            self._failure = self._failure or error
            raise
        with self._lock:
            ticket = next(self._tickets)
            if self.aborted is None:
                self._waiting[ticket] = settle
        self.raise_if_aborted()
        self._send(Partial(self.execution_id, ticket, kind, content))

    def _raise(self, outcome: Outcome) -> None:
        if isinstance(outcome, TaskAbortedError):
            self.raise_if_aborted()
        elif outcome is not None:
            raise (TuttiError if outcome.retryable else NonRetryableError)(outcome.code, outcome.message)

    # The run

    def run(self) -> None:
        """Runs a plain function or a generator here, to its end."""
        self.finish(self.result())

    async def run_async(self) -> None:
        """Runs an ``async def`` function or an asynchronous generator here, to its end."""
        self.finish(await self.result_async())

    def result(self) -> Union[Output, ReportedError]:
        token = current_run.set(self)
        try:
            task: Task[Any, Any] = self._task(Task)
            given = self._handler(task)
            if inspect.isgenerator(given):
                given = self._publish_all(given)
            return self._output(given)
        except BaseException as raised:
            return self._error(raised)
        finally:
            current_run.reset(token)

    async def result_async(self) -> Union[Output, ReportedError]:
        token = current_run.set(self)
        try:
            task: AsyncTask[Any, Any] = self._task(AsyncTask)
            given = self._handler(task)
            if inspect.isasyncgen(given):
                last: Any = None
                async for last in given:
                    await self.publish_async(last)
                return self._output(last)
            return self._output(await given)
        except BaseException as raised:
            return self._error(raised)
        finally:
            current_run.reset(token)

    def failed(self, error: BaseException) -> None:
        """Ends a run from outside of it."""
        self.finish(self._error(error))

    def finish(self, result: Union[Output, ReportedError]) -> None:
        with self._lock:
            if self._has_returned:
                return
            self._has_returned = True
        self._send(Finished(self.execution_id, result))

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
        self.raise_if_aborted()
        if self._failure is not None:
            return self._error(self._failure)
        return Output(*self._encode(given))

    def _error(self, raised: BaseException) -> ReportedError:
        if isinstance(raised, (asyncio.CancelledError, TaskAbortedError)):
            raised = self.aborted or raised
        error = reported_error(raised, "handler_error")
        if self.aborted is None:
            # A logging configuration is the author's, too: it may raise.
            told = f"execution {self.execution_id} failed: {error.stack or error.message}"
            attempt(lambda: logging.getLogger("tutti.node").error("%s", told), None)
        return error

    def _task(self, cls: Type[Any]) -> Any:
        start = self._start
        inputs = {each.name: self._decode(each) for each in start.inputs if not each.previous}
        previous = {each.name: self._decode(each) for each in start.inputs if each.previous}
        self.raise_if_aborted()
        self._send(Begun(self.execution_id))
        return cls(
            self,
            start.task_id,
            start.module,
            start.attempt,
            start.execution_id,
            Record(inputs),
            record_of(previous, _EVERY_NAME),
        )

    def _decode(self, given: FetchedInput) -> Any:
        types = self._payloads.types_of(self._start)
        if not types.has(given.type):
            told = f"input {given.name}: the orchestrator has not told the type {given.type}"
            raise NonRetryableError("unknown_type", told)
        decoded = types.decode(given.type, read(given.content))
        if isinstance(decoded, Decoded):
            return decoded.value
        told = f"input {given.name} is not a {given.type}: {decoded.message}"
        raise NonRetryableError("bad_input", told)

    def _encode(self, value: Any) -> Tuple[str, Content]:
        """By reference where it is too large to go inline."""
        rules = self._payloads.rules
        kind = self._payloads.output_type_of(self._start)
        if kind == "bytes" and isinstance(value, PurePath):
            try:
                kept = spool(value, rules.spool)
                return kind, kept if kept.size > rules.inline_max_bytes else read(kept)
            except OSError as error:
                raise NonRetryableError("bad_output", f"the output cannot be read: {error}") from error
        encoded = self._payloads.types_of(self._start).encode(kind, value)
        if isinstance(encoded, Unencodable):
            faults = "; ".join(f"{path}: {told}" if path else told for path, _, told in encoded.faults)
            told = f"the output is not a {kind}: {faults}"
            raise TuttiError("bad_output", told, details=encoded.faults)
        if len(encoded.content) <= rules.inline_max_bytes:
            return kind, encoded.content
        return kind, spool(encoded.content, rules.spool)


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
