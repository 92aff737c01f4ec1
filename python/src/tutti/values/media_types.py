"""``bytes:<media type>``, such as ``bytes:image/png``: bytes of a kind that the graph names. Plain ``bytes`` may be of any kind."""

from __future__ import annotations

import re
from typing import Optional

_NAMED = re.compile(r"bytes:([a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62})\Z")
_TEXTUAL = re.compile(r"text/|.*[/+](json|xml|yaml|toml|x-ndjson|jsonl|javascript)\Z")


def is_bytes(name: str) -> bool:
    """Whether payloads of this type are bytes, whatever their kind."""
    return name == "bytes" or _NAMED.match(name) is not None


def media_type_of(name: str) -> Optional[str]:
    """``image/png`` of ``bytes:image/png``; nothing for plain bytes and for other types."""
    found = _NAMED.match(name)
    return found.group(1) if found else None


def is_textual(media_type: str) -> bool:
    """Whether such bytes are text in UTF-8: an author may then give text."""
    return _TEXTUAL.match(media_type) is not None
