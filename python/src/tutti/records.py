"""Decoded messages."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable

from .nearest import did_you_mean


class Record(Dict[str, Any]):
    """A decoded message: ``record.field`` and ``record["field"]`` are the same.

    It is a plain ``dict``, so that it prints, compares and goes into JSON as one. An attribute whose field the type has but which is
    not set (a message, an ``optional`` field, a member of a ``oneof``) is ``None``; as an item it is absent. A field that is named like
    a method of ``dict`` (``items``, ``values``, ``keys`` …) is reached by ``record["items"]`` only.
    """

    __slots__ = ("_names",)

    _names: FrozenSet[str]

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            pass
        try:
            names: Iterable[str] = object.__getattribute__(self, "_names")
        except AttributeError:
            names = self
        if name in names and not name.startswith("__"):
            return None
        raise AttributeError(f"there is no field {name}{did_you_mean(name, names)}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self]

    def __reduce__(self) -> Any:
        return (type(self), (dict(self),))


def record_of(fields: Dict[str, Any], names: FrozenSet[str]) -> Record:
    """A record of a type with these field names, set or not."""
    record = Record(fields)
    object.__setattr__(record, "_names", names)
    return record
