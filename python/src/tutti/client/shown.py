"""Values as a notebook shows them: pictures, Markdown, HTML, tables, JSON. What a node gave cannot act on the page: texts are escaped, HTML is
in a frame in which nothing runs, and a picture is a picture only."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from html import escape
from typing import Any, List, Mapping, Optional, Sequence

from markdown_it import MarkdownIt

from ..values.content import from_base64, load_array
from ..values.media_types import is_bytes, is_textual, media_type_of
from .content import kind_of

_CELL_CHARACTERS = 120
_TEXT_CHARACTERS = 4000
_ROWS = 10
_MOST_COLUMNS = 20
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml")
_MARKDOWN = MarkdownIt("js-default")
"""HTML within the Markdown is shown as text, and links lead to pages only."""


def output(value: Any, kind: Optional[str]) -> str:
    """An output of this type, as HTML."""
    if kind is not None and is_bytes(kind) and isinstance(value, str):
        content = from_base64(value)
        if content is not None:
            return _content(content, media_type_of(kind) or kind_of(content))
    return _large(value, kind) or _value(value)


def short(value: Any, kind: Optional[str] = None) -> str:
    """A value as one short text; bytes as what they are."""
    if kind is not None and is_bytes(kind) and isinstance(value, str):
        content = from_base64(value)
        if content is not None:
            return f"{media_type_of(kind) or kind_of(content)}, {size(len(content))}"
    if isinstance(value, float):
        return number(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _CELL_CHARACTERS else text[: _CELL_CHARACTERS - 1] + "…"


def number(value: float) -> str:
    """With six digits at most, or without a fraction."""
    if not math.isfinite(value) or 1e6 <= abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.6g}"


def size(count: int) -> str:
    """``23.4 kB``"""
    if count < 1000:
        return f"{count} B"
    power = min(3, (len(str(count)) - 1) // 3)
    amount = count / 1000**power
    digits = 2 if amount < 10 else 1 if amount < 100 else 0
    return f"{amount:.{digits}f} {('B', 'kB', 'MB', 'GB')[power]}"


def _content(content: bytes, media_type: str) -> str:
    if media_type in _PICTURES:
        data = base64.b64encode(content).decode()
        return f'<img src="data:{media_type};base64,{data}" style="max-width:100%;max-height:400px">'
    if media_type == "application/x-npy":
        return _array(content)
    text = _text(content) if is_textual(media_type) else None
    if text is None:
        return escape(f"{media_type}, {size(len(content))}")
    if media_type == "text/markdown":
        return str(_MARKDOWN.render(text))
    if media_type == "text/html":
        return f'<iframe sandbox="" srcdoc="{escape(text)}" style="width:100%;height:300px;border:0"></iframe>'
    if media_type in ("text/csv", "text/tab-separated-values"):
        return _sheet(text, "," if media_type == "text/csv" else "\t")
    if media_type == "application/json":
        try:
            return _value(json.loads(text))
        except ValueError:
            pass
    return _preformatted(text)


def _text(content: bytes) -> Optional[str]:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _array(content: bytes) -> str:
    try:
        array = load_array(content)
    except (ImportError, ValueError):
        return escape(f"application/x-npy, {size(len(content))}")
    shape = " × ".join(str(length) for length in array.shape) or "one value"
    return f"{escape(f'{array.dtype}, {shape}')}{_preformatted(str(array))}"


def _sheet(text: str, delimiter: str) -> str:
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    return _table(rows[0], rows[1:]) if rows else ""


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and value and all(isinstance(each, dict) and each for each in value):
        columns = list(dict.fromkeys(name for each in value for name in each))
        if len(columns) <= _MOST_COLUMNS:
            return _table(columns, [[each.get(name, "") for name in columns] for each in value])
    if not isinstance(value, (dict, list)):
        return escape(short(value)) if not isinstance(value, str) else _preformatted(value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= _CELL_CHARACTERS:
        return f"<code>{escape(text)}</code>"
    return _preformatted(json.dumps(value, ensure_ascii=False, default=str, indent=2))


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    shown: List[str] = [
        f"<tr>{''.join(f'<td>{escape(short(cell))}</td>' for cell in row)}</tr>" for row in rows[:_ROWS]
    ]
    more = f"… {len(rows)} rows" if len(rows) > _ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(shown)}</tbody></table>{more}"


def _preformatted(text: str) -> str:
    cut = text if len(text) <= _TEXT_CHARACTERS else f"{text[:_TEXT_CHARACTERS]}… ({len(text)} characters)"
    return f'<pre style="max-height:300px;overflow:auto;text-align:left">{escape(cut)}</pre>'


def _large(value: Any, kind: Optional[str]) -> Optional[str]:
    """Of an output that its answer only refers to."""
    blob = value.get("blob") if isinstance(value, Mapping) and len(value) == 1 else None
    if not isinstance(blob, Mapping) or not {"sha256", "size"} <= blob.keys():
        return None
    return escape(f"{media_type_of(kind or '') or kind or 'a value'}, {size(int(blob['size']))}")
