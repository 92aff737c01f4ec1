"""The lines of text that one execution writes to stdout and stderr, on their way into its task's history.

P1. A line is told when it is complete, or at the end of the execution. It belongs to the thread that writes it: what another thread
    writes meanwhile is not mixed in.
P2. Of a line that is written over again and again (``\\r``, a progress bar) its last state is told, and one state a second before.
P3. Memory is bounded whatever is written: of a line that is longer than a log line the rest is not kept, and beyond the lines that the
    orchestrator takes of one execution, lines are counted only, and one line tells the number.
P4. There are no locks: a handler may write from a signal handler or a finalizer, and another thread may fork at any time.
"""

from __future__ import annotations

import os
import re
import threading
import time
from typing import Any, Callable, Dict, Mapping, Tuple

MAX_LINES = 100_000
MAX_CHARS = 16 * 1024 * 1024
"""As the orchestrator's own limits for an execution's log."""
_MAX_LINE_CHARS = 8_192 + 1
"""One more than a log line may have: then it is cut, and marked as such."""
_STATE_S = 1.0
_FINAL_STATES = 10.0
"""Bars that end at once; after that one a second, since nested bars end a line with every state."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""Colours and movements of a terminal's cursor, titles and links."""

Tell = Callable[[str, str, Mapping[str, Any]], None]


class Printed:
    def __init__(self, tell: Tell, seconds: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._seconds = seconds
        self._pid = os.getpid()
        self._lines: Dict[Tuple[str, int], _Line] = {}
        self._lines_left = MAX_LINES
        self._chars_left = MAX_CHARS
        self._left_out = 0

    def write(self, stream: str, text: str) -> None:
        self._forget_the_parents()
        key = (stream, threading.get_ident())
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(stream, self._say, self._seconds)
        at = 0
        while self._has_room:
            end = text.find("\n", at)
            line.add(text, at, end if end >= 0 else len(text))
            if end < 0:
                return
            line.complete()
            at = end + 1
        self._left_out += text.count("\n", at)

    def end(self) -> None:
        """Sends the incomplete line, and the number of missing lines."""
        self._forget_the_parents()
        while self._lines:
            try:
                _, line = self._lines.popitem()
            except KeyError:
                break  # Another thread of the handler goes on.
            line.complete()
        count, self._left_out = self._left_out, 0
        if count > 0:
            told = f"{count} {'line' if count == 1 else 'lines'} of output were left out: the execution's log is full"
            self._tell("warn", told, {"dropped": count})

    def _forget_the_parents(self) -> None:
        """In a forked child: the parent sends the line that it has begun itself."""
        if self._pid != os.getpid():
            self._pid, self._lines, self._left_out = os.getpid(), {}, 0

    @property
    def _has_room(self) -> bool:
        return self._lines_left > 0 and self._chars_left > 0

    def _say(self, level: str, text: str, stream: str) -> None:
        text = _ESCAPES.sub("", text).rstrip()
        if not text:
            return
        self._lines_left -= 1
        self._chars_left -= len(text)
        self._tell(level, text, {"stream": stream})


class _Line:
    def __init__(
        self, stream: str, say: Callable[[str, str, str], None], seconds: Callable[[], float]
    ) -> None:
        self._stream = stream
        self._level = "info" if stream == "stdout" else "warn"
        self._say = say
        self._seconds = seconds
        self._text = ""
        self._has_returned = False
        """The next text is written over this one."""
        self._is_progress = False
        self._told_at = seconds() - _STATE_S
        self._finals = _FINAL_STATES
        self._final_at = seconds()

    def add(self, text: str, start: int, end: int) -> None:
        """The text after the last line feed."""
        first = text.find("\r", start, end)
        if first < 0:
            self._append(text, start, end)
            return
        self._append(text, start, first)
        self._has_returned = True
        # Of several states that come at once, only the last can be the newest.
        stop = end - 1 if text[end - 1] == "\r" else end
        last = text.rfind("\r", start, stop)
        if 0 <= last < stop - 1:
            self._append(text, last + 1, stop)
            self._has_returned = stop < end

    def complete(self) -> None:
        text, is_progress = self._text, self._is_progress
        self._text, self._has_returned, self._is_progress = "", False, False
        if not is_progress:
            self._say(self._level, text, self._stream)
        elif self._may_be_final():
            self._state(text)

    def _append(self, text: str, start: int, end: int) -> None:
        if start == end:
            return
        if self._has_returned:
            state, self._text = self._text, ""
            self._has_returned, self._is_progress = False, True
            if self._seconds() - self._told_at >= _STATE_S:
                self._state(state)
        room = _MAX_LINE_CHARS - len(self._text)
        if room > 0:
            self._text += text[start : min(end, start + room)]

    def _state(self, text: str) -> None:
        """A bar goes to stderr, too, but warns of nothing."""
        if text.strip():
            self._told_at = self._seconds()
            self._say("info", text, self._stream)

    def _may_be_final(self) -> bool:
        now = self._seconds()
        self._finals = min(_FINAL_STATES, self._finals + (now - self._final_at) / _STATE_S)
        self._final_at = now
        if self._finals < 1:
            return False
        self._finals -= 1
        return True
