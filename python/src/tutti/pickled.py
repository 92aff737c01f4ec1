"""Messages as bytes, whatever the author's code does to ``sys.modules``, ``sys.path`` and the modules in there.

1. A class of messages is known by a name of ours, and found in a table that is made when the node is imported: nothing is imported
   to write a message, or to read one.
2. Of a subclass of text, bytes or a number only the plain value is said: the other process does not have the author's classes.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, Callable, Dict, Type

from . import errors, messages, protocol
from .network import events

_CLASSES: Dict[str, Type[Any]] = {
    f"{module.__name__}.{name}": value
    for module in (errors, protocol, events, messages)
    for name, value in vars(module).items()
    if isinstance(value, type) and value.__module__ == module.__name__
}
_PLAIN: Dict[Type[Any], Callable[[Any], Any]] = {
    str: str.__str__,
    bytes: lambda value: bytes.join(b"", (value,)),
    int: int.__int__,
    float: float.__float__,
}
_CLASSES.update({plain.__name__: plain for plain in _PLAIN})
_NAMES = {cls: name for name, cls in _CLASSES.items()}


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return _NAMES.get(value) if type(value) is type else None

    def reducer_override(self, value: Any) -> Any:
        cls = type(value)
        if cls in _NAMES and issubclass(cls, tuple):
            return cls, tuple(value)
        for plain, said in _PLAIN.items():
            if issubclass(cls, plain):
                return plain, (said(value),)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: Any) -> Any:
        return _CLASSES[name]


def dumps(message: Any) -> bytes:
    body = io.BytesIO()
    _Pickler(body, protocol=5).dump(message)
    return body.getvalue()


def loads(body: bytes) -> Any:
    return _Unpickler(io.BytesIO(body)).load()
