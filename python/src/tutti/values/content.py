"""What authors give where bytes are asked for: bytes, text, arrays, files, pictures, tables. Libraries are used where they are imported."""

from __future__ import annotations

import base64
import binascii
import io
import re
import sys
from pathlib import PurePath
from typing import Any, Optional, Union

from .media import Html, Image, Markdown, Table, media_of
from .media_types import is_textual

BytesLike = (bytes, bytearray, memoryview)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}\Z")
_TABLES = ("text/csv", "text/tab-separated-values")


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


def content_of(value: Any, media_type: Optional[str] = None) -> Optional[bytes]:
    """The bytes that a value is as a file of this kind: bytes as they are, the content of a file that a path names, an array in numpy's
    own ``.npy`` form, a picture, a table, a text where the kind is one.

    Nothing where it is none of these. Raises ``OSError`` for a file that cannot be read, ``ValueError`` for a value that cannot become
    a file of this kind.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, PurePath):
        with open(value, "rb") as file:
            return file.read()
    if is_array(value) and (media_type is None or not media_type.startswith("image/")) and media_type not in _TABLES:
        buffer = io.BytesIO()
        sys.modules["numpy"].save(buffer, value, allow_pickle=False)
        return buffer.getvalue()
    if media_type in _TABLES and isinstance(value, (list, tuple)):
        value = Table(value)
    media = Image(value) if is_array(value) and media_type not in _TABLES else media_of(value)
    if isinstance(media, (Markdown, Html)):
        if media_type not in (None, media.media_type):
            raise ValueError(f"it is {media.media_type}, not {media_type}")
        return str.encode(media, "utf-8")
    if media is not None:
        content: Optional[bytes] = media.content(media_type or media.media_type)
        if content is None:
            raise ValueError(f"it cannot become {media_type}: give the content of such a file")
        return content
    if isinstance(value, str) and media_type is not None and is_textual(media_type):
        return str.encode(value, "utf-8")
    return None


def from_base64(text: str) -> Optional[bytes]:
    """Either alphabet, with or without padding; nothing for what is not base64."""
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
