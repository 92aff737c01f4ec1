"""Bytes that a module has put out, with the media type that says how to show them."""

from __future__ import annotations

import io
import re
from typing import Any, Dict, Optional

from ..values.content import load_array

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\x93NUMPY", "application/x-npy"),
    (b"BM", "image/bmp"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"PK\x03\x04", "application/zip"),
)
_UNKNOWN = "application/octet-stream"


class Content(bytes):
    """An output of ``bytes``: bytes like any other, which a notebook shows by their media type.

    >>> plot = iteration.outputs["plot"]
    >>> plot.media_type, len(plot)
    ('image/png', 7281)
    """

    media_type: str

    def __new__(cls, content: bytes, media_type: Optional[str] = None) -> Content:
        """:param media_type: by default what the first bytes show"""
        made = super().__new__(cls, content)
        made.media_type = media_type or kind_of(content)
        return made

    def __reduce__(self) -> Any:
        return (type(self), (bytes(self), self.media_type))

    @property
    def text(self) -> str:
        """Raises ``UnicodeDecodeError`` for what is not text."""
        return self.decode("utf-8")

    def save(self, path: Any) -> None:
        with open(path, "wb") as file:
            file.write(self)

    def to_numpy(self) -> Any:
        """The array of ``.npy`` content."""
        return load_array(self)

    def to_pandas(self) -> Any:
        """The table of CSV content."""
        import pandas

        return pandas.read_csv(io.BytesIO(self))

    def to_image(self) -> Any:
        """The picture, as Pillow has it."""
        from PIL import Image

        return Image.open(io.BytesIO(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Dict[str, Any]:
        if self.media_type == "image/svg+xml" or self.media_type.startswith("text/"):
            return {"text/plain": self.text, self.media_type: self.text}
        if self.media_type.startswith("image/") or self.media_type == "application/pdf":
            return {"text/plain": repr(self), self.media_type: bytes(self)}
        return {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<{len(self)} bytes of {self.media_type}>"


def kind_of(content: bytes) -> str:
    """What bytes are, as the first of them tell; ``application/octet-stream`` where they say nothing."""
    found = next((kind for signature, kind in _SIGNATURES if content.startswith(signature)), None)
    if found is not None:
        return found
    if content[8:12] == b"WEBP":
        return "image/webp"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _UNKNOWN
    return _UNKNOWN if not text or "\0" in text else _kind_of_text(text.lstrip())


def _kind_of_text(text: str) -> str:
    begin = text[:512].lower()
    if re.match(r"<!doctype html|<html[\s>]", begin):
        return "text/html"
    if re.match(r"(<\?xml[^>]*>\s*)?<svg[\s>]", begin):
        return "image/svg+xml"
    if text[:1] in ("[", "{"):
        return "application/json"
    if re.match(r"#{1,6} \S", text):
        return "text/markdown"
    return "text/csv" if _is_table(text) else "text/plain"


def _is_table(text: str) -> bool:
    """Whether the first lines all have the same number of cells, at least two."""
    lines = text.splitlines()[:8]
    counts = {len(re.sub(r'"[^"]*"', "", line).split(",")) for line in lines}
    return len(lines) > 1 and len(counts) == 1 and counts != {1}
