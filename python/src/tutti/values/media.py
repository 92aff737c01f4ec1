"""Outputs as people mean them: a text to be read, a page, a picture, a table.

Where the graph says ``bytes:<media type>``, or ``bytes``, each is a file. Within ``json`` a text or a picture is an object with its
``media_type`` and its ``text`` or ``base64``, which the page shows for what it is; a table is a list with an object for each row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, List, Optional

from .foreign import csv_of, figure_of, draw, is_frame, is_picture, is_series, parquet_of, records_of, save
from .png import png_of

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)


class Markdown(str):
    """A text in Markdown."""

    media_type = "text/markdown"


class Html(str):
    """A page in HTML. People see it in a frame of its own, in which no script runs."""

    media_type = "text/html"


class Image:
    """A picture: a figure of matplotlib's, an image of Pillow's, an array (``height × width``, with 1 to 4 channels or without), or the
    content of a file (PNG, JPEG, GIF, WebP, SVG, …).

    Raises ``ValueError`` for anything else.
    """

    def __init__(self, picture: Any) -> None:
        self._picture = picture
        self._figure = figure_of(picture)
        self.media_type = "image/png"
        """Of its file, unless the graph asks for another."""
        if isinstance(picture, (bytes, bytearray, memoryview)):
            found = _kind_of(bytes(picture[:512]))
            if found is None:
                raise ValueError("these bytes are not a picture: give the content of a PNG, JPEG, GIF, WebP or SVG file")
            self.media_type = found
        elif self._figure is None and not is_picture(picture) and not _is_array(picture):
            name = type(picture).__name__
            raise ValueError(f"a {name} is not a picture: give a figure, an image, an array or the content of a file")

    def content(self, media_type: str) -> Optional[bytes]:
        """Its file of this kind; nothing where it cannot become one."""
        if self._figure is not None:
            return draw(self._figure, media_type)
        if is_picture(self._picture):
            return save(self._picture, media_type)
        if media_type != self.media_type:
            return None
        return png_of(self._picture) if _is_array(self._picture) else bytes(self._picture)


class Table:
    """A table: a data frame, a list with a mapping for each row, or a list of rows with ``columns`` as their names.

    Raises ``ValueError`` for anything else.
    """

    media_type = "text/csv"

    def __init__(self, rows: Any, columns: Optional[List[str]] = None) -> None:
        self._frame = rows if is_frame(rows) else None
        if self._frame is not None:
            self.rows: List[Any] = records_of(rows) if columns is None else records_of(rows[columns])
            self._frame = rows if columns is None else rows[columns]
            return
        listed = list(rows.tolist() if _is_array(rows) or is_series(rows) else rows)
        if all(isinstance(row, Mapping) for row in listed):
            names = columns or list(dict.fromkeys(name for row in listed for name in row))
            self.rows = [{name: row.get(name) for name in names} for row in listed]
        elif columns is not None and all(isinstance(row, (list, tuple)) for row in listed):
            at = next((index for index, row in enumerate(listed) if len(row) != len(columns)), None)
            if at is not None:
                raise ValueError(f"row {at} has {len(listed[at])} values for {len(columns)} columns")
            self.rows = [dict(zip(columns, row)) for row in listed]
        else:
            raise ValueError("give a data frame, a list of mappings, or a list of rows and the names of their columns")

    def content(self, media_type: str) -> Optional[bytes]:
        """Its file of this kind; nothing where it cannot become one."""
        if media_type == "application/vnd.apache.parquet":
            return parquet_of(self._frame) if self._frame is not None else None
        if media_type not in ("text/csv", "text/tab-separated-values"):
            return None
        if self._frame is not None and media_type == "text/csv":
            return csv_of(self._frame)
        return csv_text(self.rows, "," if media_type == "text/csv" else "\t").encode("utf-8")


def csv_text(rows: List[Any], delimiter: str) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if row.get(name) is None else row.get(name) for name in names] for row in rows)
    return text.getvalue()


def media_of(value: Any) -> Any:
    """The text, picture or table that a value is; nothing for any other."""
    if isinstance(value, (Markdown, Html, Image, Table)):
        return value
    if figure_of(value) is not None or is_picture(value):
        return Image(value)
    return Table(value) if is_frame(value) else None


def _is_array(value: Any) -> bool:
    return type(value).__name__ == "ndarray"


def _kind_of(content: bytes) -> Optional[str]:
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/svg+xml" if b"<svg" in content else None
