"""Scalars of either flavour to what protobuf takes; a value that does not fit is a fault that says what would."""

from __future__ import annotations

import math
import re
import struct
from typing import Any, Callable, Dict, Optional

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Kind

from .content import content_of, from_base64, plain
from .faults import FaultList, Place, show
from .json_form import is_kept
from .media import media_of
from .media_types import is_textual

WriteScalar = Callable[[Any, Optional[Place], FaultList], Any]

_INTEGER = re.compile(r"-?\d{1,20}\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\Z", re.ASCII | re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_FLOAT = 3.4028234663852886e38


def _integer(kind: str, bits: int, signed: bool) -> WriteScalar:
    least = -(2 ** (bits - 1)) if signed else 0
    most = 2 ** (bits - 1) - 1 if signed else 2**bits - 1

    def write(value: Any, at: Optional[Place], faults: FaultList) -> Any:
        value = plain(value)
        exact: Optional[int] = None
        if isinstance(value, int) and not isinstance(value, bool):
            exact = int.__int__(value)
        elif isinstance(value, float) and float.is_integer(value):
            exact = float.__int__(value)
        elif isinstance(value, str) and _INTEGER.match(value):
            exact = int(value)
        if exact is None:
            expected = f"give a whole number from {least} to {most}"
            return faults.add(at, "wrong_type", f"{show(value)} is not a {kind}: {expected}")
        if not least <= exact <= most:
            return faults.add(
                at, "out_of_range", f"{show(exact)} does not fit a {kind}: give {least} to {most}"
            )
        return exact

    return write


def _real(kind: str, largest: float) -> WriteScalar:
    def write(value: Any, at: Optional[Place], faults: FaultList) -> Any:
        value = plain(value)
        number: Optional[float] = None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if isinstance(value, int) and kind == "double" and not is_kept(int.__int__(value)):
                expected = "give a float, which is rounded already, or fewer digits"
                return faults.add(at, "out_of_range", f"{show(value)} does not fit a double exactly: {expected}")
            try:
                number = float.__float__(value) if isinstance(value, float) else int.__float__(value)
            except OverflowError:
                number = math.inf
        elif value in ("NaN", "Infinity", "-Infinity"):
            return float(value)
        elif isinstance(value, str) and _DECIMAL.match(value):
            number = float(value)
        if number is None:
            return faults.add(at, "wrong_type", f"{show(value)} is not a {kind}: give a number")
        is_given = isinstance(value, float) and not math.isfinite(value)
        if abs(number) > largest and not is_given:
            return faults.add(at, "out_of_range", f"{show(value)} does not fit a {kind}: at most {largest}")
        # To what the wire carries, so that a float that is too small for 32 bits is left out like any other zero.
        return struct.unpack("f", struct.pack("f", number))[0] if kind == "float" else number

    return write


def _bool(value: Any, at: Optional[Place], faults: FaultList) -> Any:
    value = plain(value)
    if isinstance(value, bool):
        return value
    return faults.add(at, "wrong_type", f"{show(value)} is not a bool: give True or False")


def write_text(value: Any, at: Optional[Place], faults: FaultList) -> Any:
    if not isinstance(value, str):
        return faults.add(at, "wrong_type", f"{show(value)} is not a string: give text")
    if _SURROGATE.search(value):
        message = f"{show(value)} is not valid Unicode: it has half of a surrogate pair"
        return faults.add(at, "bad_text", message)
    # Whatever the __str__ of a subclass says, such as an enum's.
    return str.__str__(value)


def write_bytes(value: Any, at: Optional[Place], faults: FaultList) -> Any:
    """Of a field of a message: text is base64, as over HTTP."""
    if isinstance(value, str):
        decoded = from_base64(value)
        if decoded is None:
            message = f"{show(value)} is not base64: give bytes, or the bytes encoded as base64"
            return faults.add(at, "bad_base64", message)
        return decoded
    return _content(value, None, at, faults, "give bytes, an array, a picture, a path of a file, or base64")


def write_content(value: Any, media_type: Optional[str], faults: FaultList) -> Any:
    """Of a whole output: an author's text is text."""
    if media_type is None and isinstance(value, str) and media_of(value) is None:
        return faults.add(None, "wrong_type", "text is not bytes: give bytes, such as text.encode()")
    return _content(value, media_type, None, faults, remedy_for(media_type))


def _content(value: Any, media_type: Optional[str], at: Optional[Place], faults: FaultList, remedy: str) -> Any:
    try:
        content = content_of(value, media_type)
    except Exception as error:
        return faults.add(at, "unencodable", f"{show(value)} cannot be made into {media_type or 'bytes'}: {error}")
    if content is None:
        return faults.add(at, "wrong_type", f"{show(value)} is not {media_type or 'bytes'}: {remedy}")
    return content


def remedy_for(media_type: Optional[str]) -> str:
    if media_type is None:
        return "give bytes, an array, a picture, or a path of a file"
    if media_type.startswith("image/"):
        return "give a figure, an image, an array, tutti.Image, or the content of a file"
    if media_type in ("text/csv", "text/tab-separated-values"):
        return "give a data frame, a list of mappings, tutti.Table, or text"
    return "give text, or bytes" if is_textual(media_type) else "give bytes, or a path of a file"


SCALAR_WRITERS: Dict[int, WriteScalar] = {
    Kind.TYPE_INT32: _integer("int32", 32, True),
    Kind.TYPE_SINT32: _integer("sint32", 32, True),
    Kind.TYPE_SFIXED32: _integer("sfixed32", 32, True),
    Kind.TYPE_UINT32: _integer("uint32", 32, False),
    Kind.TYPE_FIXED32: _integer("fixed32", 32, False),
    Kind.TYPE_INT64: _integer("int64", 64, True),
    Kind.TYPE_SINT64: _integer("sint64", 64, True),
    Kind.TYPE_SFIXED64: _integer("sfixed64", 64, True),
    Kind.TYPE_UINT64: _integer("uint64", 64, False),
    Kind.TYPE_FIXED64: _integer("fixed64", 64, False),
    Kind.TYPE_DOUBLE: _real("double", 1.7976931348623157e308),
    Kind.TYPE_FLOAT: _real("float", _LARGEST_FLOAT),
    Kind.TYPE_BOOL: _bool,
    Kind.TYPE_STRING: write_text,
    Kind.TYPE_BYTES: write_bytes,
}
