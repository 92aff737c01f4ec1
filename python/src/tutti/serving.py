"""Nodes that own their process: they serve until they are ended, and their end is the process's.

A signal is noticed even while a handler holds the interpreter's lock: the interpreter's own handler, which needs no lock, writes the
signal's number straight to the network process.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from typing import Any, List, Sequence

from .host import Host

_log = logging.getLogger("tutti.node")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve_hosts(hosts: Sequence[Host]) -> None:
    """Returns when all have ended; raises ``SystemExit(1)`` when one was refused for good."""
    in_main = threading.current_thread() is threading.main_thread()
    before: List[Any] = []
    failed = False
    for host in hosts:
        host.start()
    try:
        if in_main:
            before = _take_signals(hosts)
        for host in hosts:
            host.wait_until_ended()
    finally:
        if in_main:
            _give_signals_back(before)
        for host in hosts:
            if host.error is not None:
                failed = True
                hint = f" ({host.error.hint})" if host.error.hint else ""
                _log.error("the node has ended: %s: %s%s", host.error.code, host.error, hint)
            host.close()
    if failed:
        sys.exit(1)


def _take_signals(hosts: Sequence[Host]) -> List[Any]:
    ends: List[socket.socket] = [host.signals for host in hosts if host.signals is not None]

    def on_signal(number: int, _frame: Any) -> None:
        # The first node has heard of it already, from the interpreter.
        for end in ends[1:]:
            end.send(bytes([number]))
        # A second one ends the process at once.
        signal.signal(number, signal.SIG_DFL)

    before = [(number, signal.signal(number, on_signal)) for number in _SIGNALS]
    signal.set_wakeup_fd(ends[0].fileno(), warn_on_full_buffer=False)
    return before


def _give_signals_back(before: List[Any]) -> None:
    if not before:
        return
    signal.set_wakeup_fd(-1)
    for number, handler in before:
        signal.signal(number, handler if handler is not None else signal.SIG_DFL)
