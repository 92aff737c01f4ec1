"""Nodes that own their process: they serve until they are ended, and their end is the process's.

A signal is noticed even while a handler holds the interpreter's lock: the interpreter's own handler, which needs no lock, writes the
signal's number straight to the first network process, and each passes it on to the next.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from typing import Any, Callable, List, Optional, Sequence

from . import ending, forks
from .host import Host
from .network.inlets import SECOND_HAND
from .notes import flush_notes, note
from .supervised import Supervised


def serve_hosts(hosts: Sequence[Host], supervised: Optional[Supervised] = None) -> None:
    """Returns when all have ended; raises ``SystemExit(1)`` when one was refused for good."""
    in_main = threading.current_thread() is threading.main_thread()
    give_back: Callable[[], None] = _nothing
    supervisor = supervised.connection if supervised is not None else None
    relay: Optional[socket.socket] = None
    for host in reversed(hosts):
        host.start(relay, supervisor)
        relay = host.signals
    try:
        if in_main:
            give_back = _take_signals(hosts)
        if supervised is not None:
            supervised.is_serving()
        for host in hosts:
            host.wait_until_ended()
    finally:
        for host in hosts:
            if host.error is not None:
                hint = f" ({host.error.hint})" if host.error.hint else ""
                told = "the node has ended: %s: %s%s"
                note(logging.ERROR, told, host.error.code, host.error, hint)
        ending.has_served()
        give_back()
        for host in hosts:
            host.close()
        flush_notes()
    has_failed = any(host.error is not None for host in hosts)
    if supervised is not None:
        is_refused = any(host.error is not None and not host.has_failed for host in hosts)
        supervised.has_ended(is_refused, all(host.is_wanted_to_end for host in hosts))
    if has_failed:
        sys.exit(1)


def _take_signals(hosts: Sequence[Host]) -> Callable[[], None]:
    """Returns a function that restores them."""
    ends: List[socket.socket] = [host.signals for host in hosts if host.signals is not None]

    def on_signal(number: int, _frame: Any) -> None:
        # The first node got it from the interpreter already; the others did if the relay is whole.
        for end in ends[1:]:
            try:
                end.send(bytes([number | SECOND_HAND]))
            except OSError:
                pass  # That node has ended.
        # A second one ends the process at once.
        signal.signal(number, signal.SIG_DFL)

    before = [(number, signal.signal(number, on_signal)) for number in forks.SIGNALS]
    signal.set_wakeup_fd(ends[0].fileno(), warn_on_full_buffer=False)

    def give_back() -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in before:
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        forks.no_longer(give_back)

    forks.in_child(give_back)
    return give_back


def _nothing() -> None:
    pass
