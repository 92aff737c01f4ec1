"""To which execution code belongs.

L1. Code belongs to the execution in whose context it runs: its thread or asyncio task, a thread that it has started, a job that it has
    given to a ``ThreadPoolExecutor``, and a process that one of these has forked.
"""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional

from .execution_run import ExecutionRun, current_run


def run_here() -> Optional[ExecutionRun]:
    run = current_run.get()
    if run is None:
        run = threading.current_thread().__dict__.get("_tutti_run")
    return run


def follow_threads() -> None:
    """Once for the process."""
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    @functools.wraps(start)
    def starts(self: threading.Thread) -> None:
        # The thread for the node's own notes outlives the execution during which it is started.
        self.__dict__["_tutti_run"] = None if self.name == "tutti-notes" else run_here()
        start(self)

    @functools.wraps(submit)
    def submits(self: Any, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        run = run_here()
        followed: Any = work if run is None else functools.partial(_within, run, work)
        return submit(self, followed, *args, **kwargs)

    setattr(threading.Thread, "start", starts)  # noqa: B010
    setattr(ThreadPoolExecutor, "submit", submits)  # noqa: B010


def _within(run: ExecutionRun, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = current_run.set(run)
    try:
        return work(*args, **kwargs)
    finally:
        current_run.reset(token)
