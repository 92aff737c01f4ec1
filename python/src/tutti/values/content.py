"""What authors give where bytes are asked for: bytes, base64, numpy arrays, files. numpy is used where it is installed only."""

from __future__ import annotations

import base64
import binascii
import io
import re
import sys
from pathlib import PurePath
from typing import Any, Optional, Union

BytesLike = (bytes, bytearray, memoryview)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}\Z")


def is_array(value: Any) -> bool:
    """Whether this is a numpy array (which nobody can have without having imported numpy)."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def plain(value: Any) -> Any:
    """numpy's scalars and arrays as Python's numbers and lists; anything else as it is."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if isinstance(value, numpy.generic):
            return value.item()
        if isinstance(value, numpy.ndarray):
            return value.tolist()
    return value


def content_of(value: Any) -> Optional[bytes]:
    """The bytes of bytes, an array (in numpy's own ``.npy`` form: shape and type included), or a file that is named by a path.

    Nothing for anything else. Raises ``OSError`` for a file that cannot be read, ``ValueError`` for an array of Python objects.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, PurePath):
        with open(value, "rb") as file:
            return file.read()
    if is_array(value):
        buffer = io.BytesIO()
        sys.modules["numpy"].save(buffer, value, allow_pickle=False)
        return buffer.getvalue()
    return None


def from_base64(text: str) -> Optional[bytes]:
    """Either alphabet, with or without padding; nothing for what is no base64."""
    padded = text.endswith("=")
    if not _BASE64.match(text) or (len(text) % 4 != 0 if padded else len(text) % 4 == 1):
        return None
    try:
        standard = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(standard + "=" * (-len(standard) % 4))
    except (binascii.Error, ValueError):
        return None


def load_array(content: Union[bytes, bytearray, memoryview]) -> Any:
    """The numpy array that a node gave as an output, or as a field, of bytes. Raises ``ValueError`` for bytes of another kind."""
    import numpy

    return numpy.load(io.BytesIO(content), allow_pickle=False)
