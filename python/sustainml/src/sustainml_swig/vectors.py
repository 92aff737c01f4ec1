"""The lists of the messages, with the methods of both worlds: those of ``std::vector`` and those of a Python list.

V1. A message gives its own list, not a copy: what is done to it is done to the message.
V2. An element of another type is refused, and the list stays as it was.
V3. The address that ``get_buffer`` gives is that of the elements: it holds until the list changes its length, and as long as the list
    lives.
"""

from __future__ import annotations

import ctypes
from collections.abc import MutableSequence
from numbers import Integral
from typing import Any, Iterable, Iterator, List, Optional, TypeVar

from . import checks

T = TypeVar("T")


class _Vector(MutableSequence[T]):
    """Made empty, from a sequence, with a size, or with a size and a value, as in C++."""

    _items: Any
    _blank: Any
    """What a list that grows by its size is filled with."""

    def __init__(self, *arguments: Any) -> None:
        if len(arguments) > 2:
            raise TypeError(f"{type(self).__name__}: takes a sequence, or a size and a value")
        self._items = self._kept(())
        if len(arguments) == 2:
            self.assign(*arguments)
        elif arguments and isinstance(arguments[0], Integral):
            self.resize(int(arguments[0]))
        elif arguments:
            self.take(arguments[0], type(self).__name__)

    def take(self, values: Any, where: str) -> None:
        """Becomes a copy of a sequence; ``where`` is for the error."""
        items = self._all(values, where)
        self._before_resize()
        self._items[:] = items

    # Lists

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return len(self._items) > 0

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __getitem__(self, at: Any) -> Any:
        if not isinstance(at, slice):
            return self._items[at]
        part = type(self)()
        part._items = self._items[at]
        return part

    def __setitem__(self, at: Any, value: Any) -> None:
        where = type(self).__name__
        if isinstance(at, slice):
            items = self._all(value, where)
            self._before_resize()
            self._items[at] = items
        else:
            self._items[at] = self._one(value, where)

    def __delitem__(self, at: Any) -> None:
        self._before_resize()
        del self._items[at]

    def insert(self, at: int, *arguments: Any) -> None:
        """``insert(at, value)``, or ``insert(at, count, value)``."""
        if len(arguments) not in (1, 2):
            raise TypeError("insert: takes a place and a value, or a place, a count and a value")
        where = f"{type(self).__name__}.insert"
        count = checks.size(arguments[0], where) if len(arguments) == 2 else 1
        items = self._kept([self._one(arguments[-1], where)] * count)
        self._before_resize()
        self._items[at:at] = items

    def extend(self, values: Iterable[Any]) -> None:
        has_length = hasattr(type(values), "__len__")
        self[len(self) :] = values if has_length else list(values)

    def clear(self) -> None:
        self._before_resize()
        self._items.clear()

    # std::vector

    def size(self) -> int:
        return len(self._items)

    def empty(self) -> bool:
        return not self

    def push_back(self, value: Any) -> None:
        self.append(value)

    def pop_back(self) -> None:
        self.pop()

    def front(self) -> Any:
        return self[0]

    def back(self) -> Any:
        return self[-1]

    def begin(self) -> int:
        """A place for ``insert`` and ``erase``."""
        return 0

    def end(self) -> int:
        return len(self._items)

    def erase(self, at: int, end: Optional[int] = None) -> int:
        """One element, or those up to ``end``; gives the place that follows."""
        self._before_resize()
        if end is None:
            del self._items[at]
        else:
            del self._items[at:end]
        return at

    def assign(self, count: int, value: Any) -> None:
        where = f"{type(self).__name__}.assign"
        self.take([self._one(value, where)] * checks.size(count, where), where)

    def resize(self, count: int, *value: Any) -> None:
        """Cuts it off, or fills it up with ``value``."""
        where = f"{type(self).__name__}.resize"
        length = checks.size(count, where)
        if len(value) > 1:
            raise TypeError(f"{where}: takes a size and a value")
        filler = self._one(value[0], where) if value else self._blank
        items = self._kept([filler] * (length - len(self)))
        self._before_resize()
        del self._items[length:]
        self._items += items

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._items!r})"

    # What the element's type decides

    def _one(self, value: Any, where: str) -> Any:
        raise NotImplementedError

    def _kept(self, items: Iterable[Any]) -> Any:
        raise NotImplementedError

    def _before_resize(self) -> None:
        pass

    def _all(self, values: Any, where: str) -> Any:
        # A text is a sequence of letters, and never meant as such.
        has_items = hasattr(type(values), "__len__") and hasattr(type(values), "__getitem__")
        if isinstance(values, (str, dict)) or not has_items:
            raise checks.wrong(values, where, "a list or a tuple")
        return self._kept([self._one(value, f"{where}[{at}]") for at, value in enumerate(values)])


class std_string_vec(_Vector[str]):
    """A list of texts."""

    _items: List[str]
    _blank = ""

    def _one(self, value: Any, where: str) -> str:
        return checks.text(value, where)

    def _kept(self, items: Iterable[str]) -> List[str]:
        return list(items)

    def _all(self, values: Any, where: str) -> Any:
        if isinstance(values, (bytes, bytearray)):
            raise checks.wrong(values, where, "a list or a tuple of texts")
        return super()._all(values, where)


class Address:
    """Where the elements of a ``uint8_t_vector`` are; ``int()`` gives the number, and the elements stay while this is kept."""

    def __init__(self, elements: Any) -> None:
        self._elements = elements

    def __int__(self) -> int:
        return ctypes.addressof(self._elements)

    __index__ = __int__

    def __repr__(self) -> str:
        return f"<uint8_t * {int(self):#x}>"


class uint8_t_vector(_Vector[int]):
    """A list of bytes."""

    _items: bytearray
    _blank = 0
    _address: Optional[Address] = None
    """While there is one, the bytearray cannot change its length (V3)."""

    def get_buffer(self) -> Address:
        if self._address is None:
            self._address = Address((ctypes.c_ubyte * len(self._items)).from_buffer(self._items))
        return self._address

    def __bytes__(self) -> bytes:
        return bytes(self._items)

    def _before_resize(self) -> None:
        if self._address is not None:
            self._items = bytearray(self._items)
            self._address = None

    def _one(self, value: Any, where: str) -> int:
        kept: int = checks.octet(value, where)
        return kept

    def _kept(self, items: Iterable[int]) -> bytearray:
        return bytearray(items)

    def _all(self, values: Any, where: str) -> Any:
        if isinstance(values, (bytes, bytearray, uint8_t_vector)):
            return bytearray(bytes(values))
        return super()._all(values, where)
