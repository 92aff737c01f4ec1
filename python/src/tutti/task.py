"""What a handler gets: one execution of the module for one task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Generic, Mapping, Optional, TypeVar

from .metrics import metrics_line

if TYPE_CHECKING:
    from .execution_run import ExecutionRun

Inputs = TypeVar("Inputs")
Previous = TypeVar("Previous")


class TaskLog:
    """Structured lines that go to the task's history. ``fields`` are kept as texts: others are written as JSON."""

    def __init__(self, write: Callable[[str, str, Mapping[str, Any]], None]) -> None:
        self._write = write

    def debug(self, message: str, fields: Optional[Mapping[str, Any]] = None) -> None:
        self._write("debug", message, fields or {})

    def info(self, message: str, fields: Optional[Mapping[str, Any]] = None) -> None:
        self._write("info", message, fields or {})

    def warning(self, message: str, fields: Optional[Mapping[str, Any]] = None) -> None:
        self._write("warn", message, fields or {})

    def error(self, message: str, fields: Optional[Mapping[str, Any]] = None) -> None:
        self._write("error", message, fields or {})


class _BaseTask(Generic[Inputs, Previous]):
    def __init__(
        self,
        run: ExecutionRun,
        id: str,
        module: str,
        attempt: int,
        pass_: int,
        item: Optional[int],
        execution_id: str,
        traceparent: Optional[str],
        inputs: Inputs,
        previous: Previous,
    ) -> None:
        self._run = run
        self.id = id
        """The task_id: ``<problem_id>/<iteration_id>``."""
        self.module = module
        self.attempt = attempt
        """Numbers every execution of the module in this task, from 1."""
        self.pass_ = pass_
        """Of a module in a loop (``loops:`` in the graph file): the pass that it is in, from 1. Elsewhere 1."""
        self.item = item
        """Of a module with ``map`` in the graph file: the number of the item that it is for, from 0. ``None`` elsewhere."""
        self.execution_id = execution_id
        self.traceparent = traceparent
        """W3C Trace Context of this execution, for spans of the node's own: ``00-<trace id>-<parent id>-<flags>``. ``None`` where
        neither the orchestrator nor the client that submitted the task traces."""
        self.inputs = inputs
        """Decoded, by the name of the source or module. One whose module failed is absent where the graph says ``on_error: ignore``:
        ``task.inputs.get("name")`` gives ``None`` for it."""
        self.previous = previous
        """What the named modules gave in the parent iteration; absent (``None`` as an attribute) where there is none."""
        self.log = TaskLog(run.log)

    @property
    def cancelled(self) -> bool:
        """Whether the task has been stopped: the handler's result is dropped, and its slot is free once the handler has returned."""
        return self._run.aborted is not None

    def raise_if_cancelled(self) -> None:
        """Raises ``TaskAbortedError`` when the task has been stopped."""
        self._run.raise_if_aborted()

    def progress(self, fraction: float, message: str = "") -> None:
        """Reports the progress, from 0 to 1. At most ten values a second are sent, the newest ones.

        Raises ``TaskAbortedError`` when the task has been stopped.
        """
        self._run.progress(fraction, message)

    def metrics(self, step: float, values: Optional[Mapping[str, Any]] = None, /, **more: Any) -> None:
        """Numbers of a step: ``task.metrics(epoch, loss=0.1, accuracy=0.93)``. The page draws each name as a
        curve over the steps, live and beside those of other iterations; ``nan`` and the infinities are kept.

        They are lines of the log, and count as such: one call is one line, and an execution has room for 100,000.

        :param values: as ``more``, for names that are not identifiers

        Raises ``TypeError`` for a value that is not a number, and ``ValueError`` for the names ``step`` and ``stream``,
        for no numbers, and for more than 60.
        """
        message, fields = metrics_line(step, {**(values or {}), **more})
        self._run.log("info", message, fields)


class Task(_BaseTask[Inputs, Previous]):
    """The task of a plain function, or of a generator."""

    def sleep(self, seconds: float) -> None:
        """Waits; raises ``TaskAbortedError`` as soon as the task has been stopped."""
        self._run.sleep(seconds)

    def publish(self, partial: Any) -> Any:
        """Publishes a partial output, before the one that the handler returns; waits until there is room in the output window.

        In a coroutine that a plain function returned, it must be awaited.

        Raises ``NonRetryableError`` ``bad_output`` when the type cannot carry it, and ``TaskAbortedError`` when the task has been
        stopped. For a module with named outputs, use ``output``.
        """
        return self._run.publish_async(partial) if self._run.is_awaited else self._run.publish(partial)

    def output(self, name: str, value: Any) -> Any:
        """Publishes one of the module's named outputs (``outputs:`` in the graph file) before the handler returns, which then omits
        it: ``task.output("plot", figure)``. Each is published once. It waits as ``publish`` does, and must be awaited in the same cases.
        The output that completes them is sent when the handler has returned.

        Raises ``NonRetryableError`` ``unknown_output`` for a name that the graph does not declare, ``duplicate_output``, and the
        errors of ``publish``.
        """
        if self._run.is_awaited:
            return self._run.publish_async(value, name)
        return self._run.publish(value, name)


class AsyncTask(_BaseTask[Inputs, Previous]):
    """The task of an ``async def`` function. It is cancelled, as asyncio does it, when the task has been stopped."""

    async def publish(self, partial: Any) -> None:
        """As ``Task.publish``; to be awaited."""
        await self._run.publish_async(partial)

    async def output(self, name: str, value: Any) -> None:
        """As ``Task.output``; to be awaited."""
        await self._run.publish_async(value, name)
