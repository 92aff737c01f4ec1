"""The orchestrators of one store, of which one leads: where requests go.

Requests go to the address that has answered last. One that takes no connection, or whose orchestrator only waits to take over, is left
for the next, in a circle.
"""

from __future__ import annotations

from typing import List
from urllib.parse import urlsplit

from .errors import ClientError


class Addresses:
    def __init__(self, text: str) -> None:
        """:param text: one URL, or several with commas between them. Raises ``ClientError`` ``bad_url``."""
        self._all: List[str] = [_checked(url.strip().rstrip("/")) for url in text.split(",")]
        self._at = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def current(self) -> str:
        return self._all[self._at]

    @property
    def shown(self) -> str:
        """For messages."""
        return ", ".join(self._all)

    def leave(self, url: str) -> None:
        """Several requests may fail at one address: it is left once."""
        if url == self.current:
            self._at = (self._at + 1) % len(self._all)


def _checked(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ClientError("bad_url", f"url: {url!r} is not an http:// or https:// address")
    return url
