"""One of several processes that a supervisor has started, seen from inside.

The process is a plain run of the same program: what it is, it learns from an environment variable, which is taken away at once so that
no child process of the author's believes it, too.
"""

from __future__ import annotations

import os
import socket
from typing import Optional

from . import forks
from .options import Place

VARIABLE = "TUTTI_SUPERVISED"
SERVING, WANTED, REFUSED = b"s", b"w", b"r"
"""Messages of a process to its supervisor: it handles signals itself; its end is wanted; it was refused for good."""


class Supervised:
    def __init__(self, place: Place, connection: socket.socket) -> None:
        self.place = place
        self.connection = connection
        """It ends when the supervisor ends, or has this process end."""
        forks.in_child(self._give_up)

    def is_serving(self) -> None:
        self._tell(SERVING)

    def has_ended(self, is_refused: bool, is_wanted: bool) -> None:
        if is_refused or is_wanted:
            self._tell(REFUSED if is_refused else WANTED)

    def _tell(self, word: bytes) -> None:
        try:
            self.connection.send(word)
        except OSError:
            pass  # The supervisor has ended.

    def _give_up(self) -> None:
        global _own
        _own = None
        self.connection.close()
        forks.no_longer(self._give_up)


def _from_environment() -> Optional[Supervised]:
    told = os.environ.pop(VARIABLE, "")
    try:
        supervisor, number, descriptor = (int(each) for each in told.split(":"))
    except ValueError:
        return None
    if supervisor != os.getppid():
        return None
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    return Supervised(Place(supervisor, number), connection)


_own = _from_environment()


def supervised() -> Optional[Supervised]:
    """``None``: this process is not one of several."""
    return _own
