"""A forked child does not act for the node.

F1. What a child inherits of the node, it gives up before any other code runs in it: the signal handlers, the wakeup descriptor, and its
    copies of the sockets (closed, and not shut down: the connection is the node's).
F2. No signal reaches the child before that: the signals that end a node are blocked in the forking thread for the time of the fork.
F3. What is given up takes no lock: another thread may have held it when the process was forked.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any, Callable, List

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""They end a node."""

_given_up: List[Callable[[], None]] = []
_forking = threading.local()


def in_child(give_up: Callable[[], None]) -> None:
    """``give_up`` runs in every forked child of this process, in the order of registration."""
    _given_up.append(give_up)


def no_longer(give_up: Callable[[], None]) -> None:
    if give_up in _given_up:
        _given_up.remove(give_up)


def _before() -> None:
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _after() -> None:
    mask: Any = getattr(_forking, "mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    for give_up in list(_given_up):
        try:
            give_up()
        except Exception:
            pass  # The others count all the same; the child is the author's.
    # A KeyboardInterrupt that is raised in here would be ignored: an interrupt that has come meanwhile ends the child.
    interrupted = signal.signal(signal.SIGINT, signal.SIG_DFL)
    _after()
    signal.signal(signal.SIGINT, interrupted if interrupted is not None else signal.SIG_DFL)


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
