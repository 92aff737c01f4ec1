"""An array of numbers as a PNG file, so that a picture needs no further library."""

from __future__ import annotations

import struct
import zlib
from typing import Any

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By the number of channels: grey, grey with transparency, RGB, RGBA."""


def png_of(array: Any) -> bytes:
    """Of ``height × width`` or ``height × width × channels``: whole numbers from 0 to 255, truth values, or floats from 0 to 1.

    Raises ``ValueError`` for any other array.
    """
    kind = array.dtype.kind
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(f"a picture is height × width, or height × width × channels, not {array.shape}")
    channels = 1 if array.ndim == 2 else array.shape[2]
    if channels not in _COLOUR_TYPES:
        raise ValueError(f"a picture has 1 to 4 channels, not {channels}")
    if kind == "b":
        pixels = array.astype("uint8") * 255
    elif kind == "f":
        if not (array >= 0).all() or not (array <= 1).all():
            raise ValueError("a picture of floats has values from 0 to 1: scale the array, or give uint8")
        pixels = (array * 255).round().astype("uint8")
    elif kind in "iu":
        if array.min() < 0 or array.max() > 255:
            raise ValueError("a picture of whole numbers has values from 0 to 255: scale the array")
        pixels = array.astype("uint8")
    else:
        raise ValueError(f"a picture has numbers, not {array.dtype}")
    height, width = array.shape[:2]
    # Each row begins with the filter that was used: none.
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = (_part(b"IHDR", header), _part(b"IDAT", zlib.compress(rows)), _part(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _part(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
