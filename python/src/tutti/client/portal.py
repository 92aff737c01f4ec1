"""Asynchronous work for synchronous callers: an event loop in a thread of its own, so that it also serves callers whose own thread runs
a loop, as that of a notebook does."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import weakref
from typing import Any, AsyncGenerator, Callable, Coroutine, Generic, Iterator, Optional, TypeVar

from .errors import ClientError

T = TypeVar("T")


class Portal:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._pid = os.getpid()
        threading.Thread(target=_serve, args=(self._loop,), name="tutti-client", daemon=True).start()
        self._stop = weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result. An exception of the caller's own, such as ``KeyboardInterrupt``, cancels the work."""
        future = self._begin(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def items(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """What an asynchronous generator gives."""
        for item in self.iterate(items, lambda: None):
            if item is not None:
                yield item

    def iterate(
        self, items: AsyncGenerator[T, None], patience: Callable[[], Optional[float]]
    ) -> Iterator[Optional[T]]:
        """The same, and ``None`` where nothing has come for as many seconds as ``patience`` says."""
        steps = _Steps(items)
        pending: Optional[concurrent.futures.Future[bool]] = None
        try:
            while True:
                pending = pending or self._begin(steps.next())
                done, _ = concurrent.futures.wait([pending], patience())
                if not done:
                    yield None
                    continue
                if not pending.result():
                    return
                pending = None
                yield steps.item
        finally:
            self.run(steps.close())

    def close(self) -> None:
        self._stop()

    def _begin(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        if os.getpid() != self._pid:
            work.close()
            raise ClientError("forked_child", "this client belongs to the process that made it: make one in each process")
        return asyncio.run_coroutine_threadsafe(work, self._loop)


class _Steps(Generic[T]):
    """An asynchronous generator, one item after the other, which can be closed while it works on the next one."""

    item: T

    def __init__(self, items: AsyncGenerator[T, None]) -> None:
        self._items = items
        self._task: Optional[asyncio.Task[Any]] = None

    async def next(self) -> bool:
        """Whether there is one."""
        self._task = asyncio.current_task()
        try:
            self.item = await self._items.__anext__()
        except StopAsyncIteration:
            return False
        return True

    async def close(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._items.aclose()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
