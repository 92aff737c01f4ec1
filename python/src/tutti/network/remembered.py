"""A bounded memory."""

from __future__ import annotations

from typing import Dict, Generic, Optional, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """A mapping that forgets its oldest entries beyond ``limit``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: Dict[str, V] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> Optional[V]:
        return self._entries.get(key)

    def set(self, key: str, value: V) -> None:
        self._entries[key] = value
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        self._entries.clear()
