"""The network process: started by the node with its ends of two socket pairs, whose numbers are its arguments."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

from ..channel import Channel, Port
from ..messages import Config
from ..spool import Spool, remove_abandoned
from .runtime import NetworkRuntime


def main(channel: int, signals: int, parent: int) -> None:
    """``channel``, ``signals``: file descriptors; ``parent``: the pid of the process that serves the node."""
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
    spool = Spool()
    # They may be large: nobody waits for it.
    threading.Thread(target=remove_abandoned, name="tutti-spools", daemon=True).start()
    try:
        NetworkRuntime(config, Port(end), told, woken, spool.directory, parent).run()
    finally:
        spool.remove()
        sys.stderr.flush()
    # Transfers that were cancelled may still be in a system call.
    os._exit(0)
