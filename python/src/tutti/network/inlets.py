"""The network process's messages from its own machine, and the number of times that it was told to end.

I1. A signal to the author's process comes as a byte from the interpreter's own handler, which needs no lock; where several nodes are in
    one process, each network process passes it on to the next.
I2. The author's process says the same once more when it gets its turn (with the high bit set), for a node that the relay does not reach.
I3. The second signal of one kind ends the process at once. The same signal heard in two ways counts once: a service manager sends it to
    every process, and a terminal to all of the foreground.
"""

from __future__ import annotations

import signal
import socket
from collections import Counter
from typing import Any, Counter as Count, NamedTuple, Optional

from ..channel import LetterboxReader, Port

SECOND_HAND = 0x80
"""I2."""
_TERMINATING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Inlets(NamedTuple):
    port: Port
    letters: LetterboxReader
    signals: socket.socket
    """Of the author's process."""
    own_signals: socket.socket
    relay: Optional[socket.socket]
    supervisor: Optional[socket.socket]
    """Readable when the supervisor ends, or ends the node."""


class Ends:
    """How often the node was told to end."""

    def __init__(self, relay: Optional[socket.socket]) -> None:
        self._relay = relay
        self._heard: Count[Any] = Counter()

    @property
    def count(self) -> int:
        return max(self._heard.values(), default=0)

    def hear(self, source: str, waker: socket.socket) -> Optional[str]:
        """The name of the signal; empty for none. ``None``: no more will come from there."""
        try:
            numbers = waker.recv(64)
        except BlockingIOError:
            return ""
        except OSError:
            return None
        if source == "author" and self._relay is not None:
            self._pass_on(numbers)
        name = ""
        for number in numbers:
            if number & ~SECOND_HAND in _TERMINATING_SIGNALS:
                name = signal.Signals(number & ~SECOND_HAND).name
                self._heard[source, number & SECOND_HAND] += 1
        return name if numbers else None

    def supervisor_ends(self) -> None:
        self._heard["supervisor", 0] += 1

    def _pass_on(self, numbers: bytes) -> None:
        first_hand = bytes(number for number in numbers if not number & SECOND_HAND)
        try:
            if self._relay is not None and first_hand:
                self._relay.send(first_hand)
        except OSError:
            pass  # That node has ended.
