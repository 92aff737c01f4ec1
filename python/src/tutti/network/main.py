"""The network process: started by the node with its ends of socket pairs, whose numbers are its arguments."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import Optional

from ..channel import Channel, LetterboxReader, Port
from ..messages import Config
from ..spool import Spool, remove_abandoned
from .inlets import Inlets
from .runtime import NetworkRuntime


def main(channel: int, signals: int, letters: int, relay: int, supervisor: int, parent: int) -> None:
    """The first five: file descriptors, or -1; ``parent``: the pid of the process that serves the node."""
    end = socket.socket(fileno=channel)
    told = socket.socket(fileno=signals)
    told.setblocking(False)
    config = Channel(end).receive()
    if not isinstance(config, Config):
        return
    woken, wake = socket.socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    # A signal to this process ends the node as cleanly as one to the author's. Ctrl-C reaches that one, too, and comes from there.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    inlets = Inlets(
        port=Port(end),
        letters=LetterboxReader(socket.socket(fileno=letters)),
        signals=told,
        own_signals=woken,
        relay=_socket(relay),
        supervisor=_socket(supervisor),
    )
    spool = Spool()
    # They may be large: nobody waits for it.
    threading.Thread(target=remove_abandoned, name="tutti-spools", daemon=True).start()
    try:
        NetworkRuntime(config, inlets, spool, parent).run()
    finally:
        spool.remove()
        sys.stderr.flush()
    # Transfers that were cancelled may still be in a system call.
    os._exit(0)


def _socket(number: int) -> Optional[socket.socket]:
    if number < 0:
        return None
    end = socket.socket(fileno=number)
    end.setblocking(False)
    return end
