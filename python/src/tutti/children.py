"""Processes of our own, with this interpreter, this path and connected sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any, Optional, Sequence

from .errors import TuttiError

_BOOT = "import sys; sys.path[:] = {path!r}; from {module} import main; main({arguments})"


def start_child(
    module: str, ends: Sequence[Optional[socket.socket]], *arguments: Any
) -> subprocess.Popen[bytes]:
    """Calls ``main`` of a module of this package in a new process, with the numbers of these sockets (-1: there is none) and then the
    arguments.

    The sockets are closed here. The process finds its imports where this one does, whatever the working directory is.
    """
    if not sys.executable:
        for end in ends:
            if end is not None:
                end.close()
        raise TuttiError("no_interpreter", "sys.executable is empty: the node cannot start its processes")
    numbers = [-1 if end is None else end.fileno() for end in ends]
    listed = ", ".join(repr(each) for each in [*numbers, *arguments])
    code = _BOOT.format(path=list(sys.path), module=module, arguments=listed)
    flags = [f"-W{each}" for each in sys.warnoptions]
    try:
        return subprocess.Popen(
            [sys.executable, *flags, "-c", code],
            pass_fds=[number for number in numbers if number >= 0],
            stdin=subprocess.DEVNULL,
        )
    finally:
        for end in ends:
            if end is not None:
                end.close()
