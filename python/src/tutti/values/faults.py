"""All that is wrong with a value, each at its place."""

from __future__ import annotations

import json
from typing import Any, List, Mapping, NamedTuple, Optional, Union

from ..errors import Fault

_SHOWN_CHARACTERS = 60


class Place(NamedTuple):
    """A place in a value, as a chain: its text is only made when something is wrong there."""

    parent: Optional[Place]
    key: Union[str, int]


class Wrong:
    """What a writer gives where there was a fault."""


WRONG = Wrong()


class FaultList:
    def __init__(self) -> None:
        self.faults: List[Fault] = []

    def add(self, at: Optional[Place], code: str, message: str) -> Wrong:
        self.faults.append(Fault(_pointer(at), code, message))
        return WRONG


def _pointer(at: Optional[Place]) -> str:
    """RFC 6901: ``/labels/a~1b``; empty for the whole."""
    path = ""
    while at is not None:
        path = "/" + str(at.key).replace("~", "~0").replace("/", "~1") + path
        at = at.parent
    return path


def show(value: Any) -> str:
    """A value in a message for people, cut where it is long."""
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
        return json.dumps(cut, ensure_ascii=False)
    if value is None:
        return "None"
    if isinstance(value, (bool, int, float)):
        return str(value)[: _SHOWN_CHARACTERS + 1]
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes"
    if isinstance(value, Mapping):
        return "a mapping"
    return f"a {type(value).__name__}"
