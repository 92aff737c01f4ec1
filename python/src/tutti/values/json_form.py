"""From an author's value to JSON, without loss: a value that JSON cannot express is a fault at its place, and never becomes another value.

``docs/values.md`` says the same in a table.

1. A subclass of ``str``, ``int`` or ``float`` is what its base's own methods make of it, whatever its ``__str__`` says.
2. A whole number is refused where a 64-bit float does not keep it, since the readers in other languages have nothing else.
3. Keys that would become the same name are a fault.
4. ``NaN`` and the infinities are kept, as the objects that stand for them (``numbers.py``).
5. Times, paths and sets become the text or the list that they are; pictures, texts and tables what ``media.py`` says.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import math
import sys
import uuid
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, List, Optional, Set

from ..records import Record
from .content import plain
from .faults import FaultList, Place, show
from .foreign import is_missing, is_series
from .media import Html, Image, Markdown, Table, media_of
from .numbers import number_form

MAX_DEPTH = 100
"""The nesting of lists and objects that every reader accepts."""

_MAX_FAULTS = 20
"""A person fixes a few at a time; a value that contains itself has endless faults."""

_SAFE = 2**53 - 1
_SCALARS = frozenset((str, bool, type(None), int, float))


class _Enough(Exception):
    """No further faults are collected."""


def write_json(value: Any, faults: FaultList) -> bytes:
    """The text in UTF-8; it means nothing where there are faults."""
    try:
        form = _JsonForm(faults).of(value, None)
    except _Enough:
        return b""
    if faults.faults:
        return b""
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # Half of a surrogate pair has no UTF-8; as an escape JSON can carry it.
        return "".join(
            f"\\u{ord(letter):04x}" if "\ud800" <= letter <= "\udfff" else letter for letter in text
        ).encode("utf-8")


def is_kept(number: int) -> bool:
    """Whether a whole number survives being read as a 64-bit float and written again."""
    if -_SAFE <= number <= _SAFE:
        return True
    try:
        return decimal.Decimal(repr(float(number))) == number
    except OverflowError:
        return False


class _JsonForm:
    """Plain ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` and ``None`` of a value."""

    def __init__(self, faults: FaultList) -> None:
        self._faults = faults
        self._around: List[int] = []
        """The lists and objects that the value at hand is in, by their identity."""

    def of(self, value: Any, at: Optional[Place]) -> Any:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return self._integer(value, at)
        if kind is float:
            return self._real(value, at)
        if kind is list or kind is tuple:
            return self._list(value, value, at)
        if kind is dict or kind is Record:
            return self._object(value, at)
        depth = len(self._around)
        try:
            return self._other(value, at)
        except _Enough:
            raise
        except Exception as error:
            del self._around[depth:]
            return self._fault(at, "unencodable", f"{show(value)} cannot be read: {error}")

    def _integer(self, value: int, at: Optional[Place]) -> Any:
        if is_kept(value):
            return value
        return self._fault(
            at, "out_of_range", f"{show(value)} has more digits than a 64-bit float keeps: give it as a string"
        )

    def _real(self, value: float, at: Optional[Place]) -> Any:
        return value if math.isfinite(value) else number_form(value)

    def _other(self, value: Any, at: Optional[Place]) -> Any:
        if isinstance(value, (Markdown, Html)):
            return {"media_type": value.media_type, "text": str.__str__(value)}
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bool):
            return value
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)):
            return self._numpy(numpy, value, at)
        if isinstance(value, int):
            return self._integer(int.__int__(value), at)
        if isinstance(value, float):
            return self._real(float.__float__(value), at)
        if isinstance(value, Mapping):
            return self._object(value, at)
        if isinstance(value, list) or (isinstance(value, tuple) and not hasattr(value, "_fields")):
            return self._list(value, list(_items_of(value)), at)
        return self._as_meant(value, at)

    def _as_meant(self, value: Any, at: Optional[Place]) -> Any:
        """What JSON has one obvious form for."""
        if is_missing(value):
            return None
        if isinstance(value, (datetime.date, datetime.time)):
            return value.isoformat()
        if isinstance(value, (uuid.UUID, PurePath)):
            return str(value)
        if isinstance(value, decimal.Decimal):
            return self._decimal(value, at)
        if isinstance(value, (set, frozenset)):
            return self._list(value, _in_order(value), at)
        if is_series(value):
            return self._list(value, value.tolist() if hasattr(value, "tolist") else value.to_list(), at)
        media = media_of(value)
        if isinstance(media, Table):
            return self.of(media.rows, at)
        if isinstance(media, Image):
            content = media.content(media.media_type)
            if content is None:
                return self._refuse(value, at)
            return {"media_type": media.media_type, "base64": base64.b64encode(content).decode("ascii")}
        return self._refuse(value, at)

    def _decimal(self, value: decimal.Decimal, at: Optional[Place]) -> Any:
        number = float(value)
        if not math.isfinite(number) and not value.is_finite():
            return self._real(number, at)
        if math.isfinite(number) and decimal.Decimal(repr(number)) == value:
            return number
        return self._fault(
            at, "out_of_range", f"{str(value)[:60]} has more digits than a 64-bit float keeps: give str(…) of it"
        )

    def _numpy(self, numpy: Any, value: Any, at: Optional[Place]) -> Any:
        if value.dtype.kind == "M":
            texts = numpy.where(numpy.isnat(value), None, numpy.datetime_as_string(value))
            return self.of(texts.tolist(), at)
        if value.dtype.kind == "m":
            return self._refuse(value, at)
        made_plain = plain(value)
        is_loss = (
            isinstance(made_plain, numpy.generic)
            or isinstance(value, numpy.ma.MaskedArray)
            or value.dtype.names is not None
        )
        return self._refuse(value, at) if is_loss else self.of(made_plain, at)

    def _list(self, value: Any, items: Any, at: Optional[Place]) -> Any:
        if not self._enter(value, at):
            return None
        form = items if _are_plain(items) else [self.of(item, Place(at, index)) for index, item in enumerate(items)]
        self._around.pop()
        return form

    def _object(self, value: Mapping[Any, Any], at: Optional[Place]) -> Any:
        if not self._enter(value, at):
            return None
        form = {}
        for key, item in value.items():
            name = _name_of(key)
            if name is None:
                place = Place(at, _shown_key(key))
                self._fault(place, "wrong_type", f"{show(key)} is not a name: give text, such as str(key)")
                continue
            place = Place(at, name)
            if name in form:
                self._fault(place, "duplicate_field", f"two keys become the name {show(name)}: give one of them")
                continue
            form[name] = self.of(item, place)
        self._around.pop()
        return form

    def _enter(self, value: Any, at: Optional[Place]) -> bool:
        is_loop = id(value) in self._around
        if is_loop or len(self._around) >= MAX_DEPTH:
            why = (
                "the value contains itself"
                if is_loop
                else f"more than {MAX_DEPTH} levels of lists and objects"
            )
            self._fault(at, "too_deep", f"{why}: give it in flatter form, or as text")
            return False
        self._around.append(id(value))
        return True

    def _refuse(self, value: Any, at: Optional[Place]) -> None:
        self._fault(at, "wrong_type", f"{show(value)} has no JSON form: {remedy_for(value)}")

    def _fault(self, at: Optional[Place], code: str, message: str) -> None:
        self._faults.add(at, code, message)
        if len(self._faults.faults) >= _MAX_FAULTS:
            raise _Enough


def _in_order(items: Any) -> List[Any]:
    """A set in an order that is the same in every run."""
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=repr)


def _items_of(value: Any) -> Iterable[Any]:
    """Of a list or a tuple, by its base's own method."""
    return list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)


def _are_plain(items: Any) -> bool:
    """Whether all are scalars that JSON takes as they are; asked of a whole list at once, since lists of numbers are long."""
    kinds: Set[type] = set(map(type, items))
    if not kinds <= _SCALARS:
        return False
    numbers = [item for item in items if type(item) is int or type(item) is float]
    try:
        return all(map(math.isfinite, numbers)) and (
            int not in kinds or (max(numbers) <= _SAFE and min(numbers) >= -_SAFE)
        )
    except OverflowError:
        return False


def _name_of(key: Any) -> Optional[str]:
    """Text, and whole numbers as their digits; nothing for a key that may become one text or another."""
    if isinstance(key, str):
        return str.__str__(key)
    key = plain(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return int.__repr__(key)
    return str.__str__(key) if isinstance(key, str) else None


def _shown_key(key: Any) -> str:
    try:
        return str(key)[:60]
    except Exception:
        return type(key).__name__


def remedy_for(value: Any) -> str:
    """A replacement for a value that has no JSON form."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        return "give its .value or its .name"
    if isinstance(value, datetime.timedelta):
        return "give its .total_seconds()"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "give tutti.Image(…) for a picture, base64.b64encode(…).decode(), or the output the type bytes"
    if isinstance(value, complex):
        return "give its .real and .imag"
    if isinstance(value, tuple):
        return "give its ._asdict(), or list(…) of it"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "give dataclasses.asdict(…) of it"
    if hasattr(kind, "model_dump"):
        return 'give its .model_dump(mode="json")'
    if hasattr(kind, "__attrs_attrs__"):
        return "give attrs.asdict(…) of it"
    if hasattr(kind, "to_dict"):
        return "give its .to_dict()"
    if hasattr(kind, "filled"):
        return "give its .filled(…).tolist()"
    if hasattr(kind, "tolist"):
        return "give its .tolist(), or a list of dicts"
    if isinstance(value, BaseException):
        return "give str(…) of it"
    if hasattr(kind, "__await__"):
        return "await it"
    if isinstance(value, Iterable) and not isinstance(value, type):
        return "give list(…) of it"
    if callable(value):
        return "call it, or leave it out"
    return "give None, True, False, a number, text, a list or a dict"
