"""stdout and stderr as a source of a task's history.

W1. What is written within an execution goes on to the real stream unchanged, and so does what that stream raises. The stream itself
    stays the one that it is (``isatty``, ``fileno``, ``encoding``, ``buffer``): only its ``write`` is another.
W2. No text comes twice: what a handler of ``logging`` writes is in the history as a record, and what a stream hands on to another one
    counts once.
W3. What does not go through the ``write`` of these streams is not seen: bytes that go to ``buffer`` or to the descriptor (C code,
    ``faulthandler``, other programs), and text that ``redirect_stdout`` has sent elsewhere.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from .followed import run_here

_here = threading.local()
"""``muted``: the execution whose text is not sent. An interruption may leave it behind; the thread's next one is another."""


def forward_streams() -> None:
    """Once for the process, with the streams that the author has set up until now."""
    for name in ("stdout", "stderr"):
        for stream in (getattr(sys, name), getattr(sys, f"__{name}__")):
            # There are none in a process without a terminal on some systems.
            if stream is not None:
                _forward(name, stream)
    _mute_handlers()


@contextmanager
def muted() -> Iterator[None]:
    """Text that this thread writes for its execution meanwhile is not sent."""
    before = getattr(_here, "muted", None)
    _here.muted = run_here()
    try:
        yield
    finally:
        _here.muted = before


def _forward(name: str, stream: Any) -> None:
    write: Callable[[str], Any] = stream.write
    if getattr(write, "_is_forwarded", False):
        return

    @functools.wraps(write)
    def writes(text: str) -> Any:
        run = run_here()
        if run is None or not run.captures_output or getattr(_here, "muted", None) is run:
            return write(text)
        _here.muted = run
        try:
            return write(text)
        finally:
            try:
                if isinstance(text, str):
                    run.printed.write(name, text)
            finally:
                _here.muted = None

    writes._is_forwarded = True  # type: ignore[attr-defined]
    try:
        stream.write = writes
    except (AttributeError, TypeError):
        pass  # An author's own class that does not allow it: text that it passes on to the real stream is seen there.


def _mute_handlers() -> None:
    """W2. ``handle`` is also what a ``QueueListener`` calls, in a thread of its own."""
    handle = logging.Handler.handle

    @functools.wraps(handle)
    def handles(self: logging.Handler, record: logging.LogRecord) -> Any:
        with muted():
            return handle(self, record)

    setattr(logging.Handler, "handle", handles)  # noqa: B010
