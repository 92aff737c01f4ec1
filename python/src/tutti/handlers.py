"""What a handler is: the author's function, or anything else that is called with a task.

H1. A handler that is an ``async def`` runs in the asyncio loop: a function, a method, an object with ``async def __call__``, or a
    ``functools.partial`` of one of these.
H2. Whatever is awaitable is awaited. Where a plain function gives it (a decorator around an ``async def``, a ``lambda``), that happens in
    a loop of its own, in the thread of the execution; ``await task.publish(…)`` is the same there.
H3. ``yield`` publishes a partial output if the handler is a generator function, or is decorated as ``functools.wraps`` does it and returns
    the generator. A generator or iterator that a plain function returns is a value, and no type carries it: ``bad_output``.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable, Iterator

Handler = Callable[[Any], Any]

_MAX_LAYERS = 32
"""Of decorators and partials; an object that makes up its attributes has no end of them."""


def is_async(handler: Any) -> bool:
    """H1."""
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in _layers(handler, through_wrapped=False)
    )


def is_generator(handler: Any) -> bool:
    """H3."""
    return any(inspect.isgeneratorfunction(each) for each in _layers(handler, through_wrapped=True))


def place_of(handler: Any) -> str:
    """Where it is written, as a line of a traceback; empty where nobody knows."""
    for each in _layers(handler, through_wrapped=True):
        code = getattr(each, "__code__", None)
        if code is not None:
            return f'  File "{code.co_filename}", line {code.co_firstlineno}, in {code.co_name}'
    return ""


def _layers(handler: Any, through_wrapped: bool) -> Iterator[Any]:
    """The functions that a call of it reaches, from the outside in."""
    for _ in range(_MAX_LAYERS):
        yield handler
        if isinstance(handler, functools.partial):
            handler = handler.func
        elif inspect.ismethod(handler):
            handler = handler.__func__
        elif through_wrapped and "__wrapped__" in getattr(handler, "__dict__", ()):
            handler = handler.__wrapped__
        elif not inspect.isroutine(handler) and not inspect.isclass(handler):
            handler = getattr(type(handler), "__call__", None)
        else:
            return
