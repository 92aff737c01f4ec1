"""Fields of messages: every one is a method, ``x.field()`` gives it and ``x.field(value)`` sets it."""

from __future__ import annotations

import functools
from typing import Any, Callable, ClassVar, Dict, Optional, Type

from .checks import Check, wrong

_NOT_GIVEN: Any = object()


class Field:
    """One field of a message's class; ``x.field`` is bound to ``x``, as a method is."""

    name = ""
    where = ""
    """For errors."""

    def __set_name__(self, owner: Type[Any], name: str) -> None:
        self.name = name
        self.where = f"{owner.__name__}.{name}"

    def __get__(self, message: Optional[Message], owner: Type[Any]) -> Any:
        return self if message is None else functools.partial(self.access, message)

    def access(self, message: Message, value: Any = _NOT_GIVEN, /) -> Any:
        raise NotImplementedError

    def plain(self, message: Message) -> Any:
        """The value as Python's own types have it."""
        raise NotImplementedError

    def reset(self, message: Message) -> None:
        raise NotImplementedError


class Scalar(Field):
    """A text, a number or a truth value."""

    def __init__(self, check: Check, default: Any) -> None:
        self._check = check
        self._default = default

    def access(self, message: Message, value: Any = _NOT_GIVEN, /) -> Any:
        if value is _NOT_GIVEN:
            return message._values.get(self.name, self._default)
        message._values[self.name] = self._check(value, self.where)
        return None

    def plain(self, message: Message) -> Any:
        return self.access(message)

    def reset(self, message: Message) -> None:
        message._values.pop(self.name, None)


class Live(Field):
    """A list, or a message: what is given is the field's own, and what is set is copied into it."""

    def __init__(self, new: Callable[[], Any], plain: Callable[[Any], Any]) -> None:
        self._new = new
        self._plain = plain

    def access(self, message: Message, value: Any = _NOT_GIVEN, /) -> Any:
        own = message._values.get(self.name)
        if own is None:
            own = message._values.setdefault(self.name, self._new())
        if value is _NOT_GIVEN:
            return own
        own.take(value, self.where)
        return None

    def plain(self, message: Message) -> Any:
        return self._plain(self.access(message))

    def reset(self, message: Message) -> None:
        self.access(message, self._new())


class Message:
    """``X()`` is empty, ``X(other)`` a copy. Compared by its fields, and so without a hash."""

    fields: ClassVar[Dict[str, Field]] = {}

    def __init_subclass__(cls) -> None:
        cls.fields = {name: each for name, each in vars(cls).items() if isinstance(each, Field)}

    def __init__(self, *other: Any) -> None:
        self._values: Dict[str, Any] = {}
        if len(other) > 1:
            raise TypeError(f"{type(self).__name__}: takes nothing, or another one to copy")
        if other:
            self.take(other[0], type(self).__name__)

    def take(self, other: Any, where: str) -> None:
        """Becomes a copy of ``other``; ``where`` is for the error."""
        if not isinstance(other, type(self)):
            raise wrong(other, where, f"a {type(self).__name__}")
        if other is self:
            return
        for field in self.fields.values():
            field.reset(self)
            if field.name in other._values:
                field.access(self, other._values[field.name])

    def has(self, name: str) -> bool:
        """Whether the field was set, or its list was asked for."""
        return name in self._values

    def plain(self) -> Dict[str, Any]:
        return {name: field.plain(self) for name, field in self.fields.items()}

    def reset(self) -> None:
        """Empties it, its lists in their place."""
        for field in self.fields.values():
            field.reset(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message) or type(other) is not type(self):
            return NotImplemented
        return bool(self.plain() == other.plain())

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.plain().items())
        return f"{type(self).__name__}({told})"
