"""Several processes of one program, each a node of its own.

S1. Each process is a plain run of the same command line: its main module is ``__main__``, and whatever looks a function up by its
    module finds it.
S2. A process that ends is started again: at once the first time, then after 1, 2, 4 … 30 s, and at once again once it has run for a
    minute. Not again: one whose end was commanded (``TERMINATE``). One that was refused for good ends them all.
S3. A process learns from the end of its connection that it is to end, also when this one is killed. It is not sent the signal: the
    terminal, or a service manager, sends that to each of them as well, and a second one would end it at once.
S4. After a signal each has the time that its node takes to end; then it is killed. A second signal kills at once.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from . import ending, forks
from .errors import TuttiError
from .notes import flush_notes, note
from .options import NodeSettings
from .supervised import REFUSED, SERVING, VARIABLE, WANTED

_RESTART_FIRST_S = 1.0
_RESTART_MAX_S = 30.0
_STEADY_S = 60.0
_SPARE_S = 5.0
"""For a process's own end, beyond what its node takes."""


class _Exit(NamedTuple):
    number: int
    code: int


class _Signal(NamedTuple):
    number: int


class _Due(NamedTuple):
    """A process is to be started again."""

    number: int


class _Process:
    def __init__(self, number: int) -> None:
        self.number = number
        self.running: Optional[subprocess.Popen[bytes]] = None
        self.connection: Optional[socket.socket] = None
        self.started_at = 0.0
        self.wait_s = 0.0
        self.said = b""

    def hear(self) -> None:
        """Its messages so far."""
        try:
            if self.connection is not None:
                self.said += self.connection.recv(64, socket.MSG_DONTWAIT)
        except OSError:
            pass

    def end(self) -> None:
        """Before it serves, it does not listen to its connection."""
        self.hear()
        if SERVING not in self.said and self.running is not None:
            self.running.terminate()
        self.close()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def supervise(count: int, nodes: Sequence[NodeSettings]) -> None:
    """Returns when all have ended; raises ``SystemExit(1)`` when one was refused for good, ``TuttiError`` ``not_repeatable``."""
    grace_s = max((each.shutdown_grace_ms + each.flush_ms) / 1000 for each in nodes)
    _Supervisor(count, command_line(), grace_s).run()


class _Supervisor:
    def __init__(self, count: int, command: List[str], grace_s: float) -> None:
        self._command = command
        self._grace_s = grace_s + ending.EXIT_S + _SPARE_S
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._processes = {number: _Process(number) for number in range(1, count + 1)}
        self._waiting: Dict[int, threading.Timer] = {}
        self._ends_at: Optional[float] = None
        self._is_refused = False
        forks.in_child(self._give_up)

    def run(self) -> None:
        give_back = self._take_signals()
        try:
            for process in self._processes.values():
                self._start(process)
            while self._waiting or any(each.running is not None for each in self._processes.values()):
                self._turn()
        finally:
            for process in self._processes.values():
                if process.running is not None:
                    process.running.kill()
                process.close()
            ending.has_served()
            give_back()
            forks.no_longer(self._give_up)
            flush_notes()
        if self._is_refused:
            sys.exit(1)

    def _turn(self) -> None:
        try:
            left = None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())
            event = self._events.get(timeout=left)
        except queue.Empty:
            note(logging.ERROR, "processes that do not end in time are killed")
            self._kill()
            self._ends_at = None
            return
        if isinstance(event, _Signal):
            if self._ends_at is not None:
                self._kill()
            else:
                told = "the supervisor got %s: its processes give their work back and end"
                note(logging.INFO, told, signal.Signals(event.number).name)
                self._end()
        elif isinstance(event, _Exit):
            self._exited(self._processes[event.number], event.code)
        elif self._waiting.pop(event.number, None) is not None:
            self._start(self._processes[event.number])

    def _start(self, process: _Process) -> None:
        ours, theirs = socket.socketpair()
        env = {**os.environ, VARIABLE: f"{os.getpid()}:{process.number}:{theirs.fileno()}"}
        try:
            running = subprocess.Popen(
                self._command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=_FOLDER
            )
        except OSError as error:
            ours.close()
            note(logging.ERROR, "process %d cannot be started: %s", process.number, error)
            self._start_again(process)
            return
        finally:
            theirs.close()
        process.running, process.connection, process.said = running, ours, b""
        process.started_at = time.monotonic()

        def wait() -> None:
            self._events.put(_Exit(process.number, running.wait()))

        threading.Thread(target=wait, name=f"tutti-process-{process.number}", daemon=True).start()

    def _exited(self, process: _Process, code: int) -> None:
        process.hear()
        process.running = None
        process.close()
        if self._ends_at is not None or WANTED in process.said:
            return
        if REFUSED in process.said:
            self._is_refused = True
            self._end()
            return
        if time.monotonic() - process.started_at >= _STEADY_S:
            process.wait_s = 0.0
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        told = "process %d has ended %s; it is started again in %g s"
        note(logging.WARNING, told, process.number, how, process.wait_s)
        self._start_again(process)

    def _start_again(self, process: _Process) -> None:
        timer = threading.Timer(process.wait_s, self._events.put, [_Due(process.number)])
        timer.daemon = True
        self._waiting[process.number] = timer
        timer.start()
        process.wait_s = min(_RESTART_MAX_S, max(_RESTART_FIRST_S, process.wait_s * 2))

    def _end(self) -> None:
        self._ends_at = time.monotonic() + self._grace_s
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        for process in self._processes.values():
            process.end()

    def _kill(self) -> None:
        for process in self._processes.values():
            if process.running is not None:
                process.running.kill()

    def _take_signals(self) -> Callable[[], None]:
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        before = [
            (number, signal.signal(number, lambda got, _: self._events.put(_Signal(got))))
            for number in forks.SIGNALS
        ]

        def give_back() -> None:
            for number, handler in before:
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
            forks.no_longer(give_back)

        forks.in_child(give_back)
        return give_back

    def _give_up(self) -> None:
        """In a forked child, which would keep the connections open."""
        for process in self._processes.values():
            process.close()
        forks.no_longer(self._give_up)


def command_line() -> List[str]:
    """The command line that runs this program again. Raises ``TuttiError`` ``not_repeatable``."""
    if not sys.executable:
        raise TuttiError("no_interpreter", "sys.executable is empty: the node cannot start its processes")
    if getattr(sys, "frozen", False):
        return [sys.executable, *sys.argv[1:]]
    main = sys.modules["__main__"]
    file, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
    original: Optional[List[str]] = getattr(sys, "orig_argv", None)
    if original is not None and (file or "-c" in original):
        return [sys.executable, *original[1:]]
    flags: List[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    if spec is not None and spec.name != "__main__":
        name = spec.name[: -len(".__main__")] if spec.name.endswith(".__main__") else spec.name
        return [sys.executable, *flags, "-m", name, *sys.argv[1:]]
    if not file:
        told = "several processes need a program that can be run again: this one has no file"
        raise TuttiError("not_repeatable", told, "put the node into a file, or into a module for python -m")
    # A zip file or a folder is run by its own name.
    return [sys.executable, *flags, sys.argv[0] if spec is not None else file, *sys.argv[1:]]


def _folder() -> Optional[str]:
    try:
        return os.getcwd()
    except OSError:
        return None


_FOLDER = _folder()
"""Where the program was started: its command line may name files relative to it."""
