"""``FieldMask`` as one text with commas, each path in lowerCamelCase; the type that an ``Any`` names."""

from __future__ import annotations

import re
from typing import Any, Iterable, Optional

from .faults import FaultList, Place, show

_MASK = re.compile(r"[A-Za-z0-9.,]*\Z")


def read_field_mask(paths: Iterable[str]) -> str:
    """Raises ``ValueError`` for a path that has no JSON form."""
    shown = []
    for path in paths:
        camel = re.sub("_([a-z])", lambda found: found[1].upper(), path)
        if _to_snake(camel) != path:
            raise ValueError(f"the path {show(path)} of a FieldMask has no JSON form")
        shown.append(camel)
    return ",".join(shown)


def write_field_mask(value: Any, at: Optional[Place], faults: FaultList) -> Any:
    """The paths as their fields are called."""
    if not isinstance(value, str) or not _MASK.match(value):
        expected = 'give paths in lowerCamelCase with commas, like "user.displayName,photo"'
        return faults.add(at, "wrong_type", f"{show(value)} is not a FieldMask: {expected}")
    text = str.__str__(value)
    return [_to_snake(path) for path in text.split(",")] if text else []


def _to_snake(path: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", path)


def type_in(url: str) -> str:
    return url.rpartition("/")[2]
