"""The log lines that wait to leave.

1. They are bounded in bytes. Where there is no room for a line, it is counted instead.
2. What was dropped is told by a line of its own, in the place of the lines that are missing.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Deque, Dict, List

from ..protocol import LogLine

LOG_BACKLOG_BYTES = 16_777_216
"""Some 60,000 lines of a hundred characters: the lines of an orchestrator's restart."""
_LINE_BYTES = 128
"""The memory of a line beside its texts."""


class LogBacklog:
    def __init__(self) -> None:
        self._lines: Deque[LogLine] = deque()
        self._per_execution: Counter[str] = Counter()
        self._dropped: Dict[str, LogLine] = {}
        """By execution, the line that tells how many are missing; ``fields`` has the number."""
        self.bytes = 0

    @property
    def is_empty(self) -> bool:
        return not self._lines and not self._dropped

    def holds(self, execution_id: str) -> bool:
        """Whether something about this execution waits."""
        return execution_id in self._per_execution or execution_id in self._dropped

    def add(self, line: LogLine) -> None:
        if self.bytes + _size_of(line) > LOG_BACKLOG_BYTES:
            self.drop(line)
            return
        self._tell_dropped()
        self._push(line)

    def drop(self, line: LogLine) -> None:
        """This line is missing, here or on its way."""
        before = self._dropped.get(line.execution_id)
        count = 1 if before is None else 1 + int(before.fields["dropped"])
        told = f"{count} log {'line was' if count == 1 else 'lines were'} dropped: they came faster than they could be sent"
        self._dropped[line.execution_id] = line._replace(
            level="warn", message=told, fields={"dropped": str(count)}
        )

    def take(self, max_bytes: float) -> List[LogLine]:
        """The oldest lines, up to so many bytes, but at least one."""
        taken: List[LogLine] = []
        size = 0
        while self._lines:
            line = self._lines[0]
            if taken and size + _size_of(line) > max_bytes:
                break
            self._lines.popleft()
            size += _size_of(line)
            taken.append(line)
            self._per_execution[line.execution_id] -= 1
            if self._per_execution[line.execution_id] == 0:
                del self._per_execution[line.execution_id]
        self.bytes -= size
        if not self._lines:
            taken += self._dropped.values()
            self._dropped.clear()
        return taken

    def _tell_dropped(self) -> None:
        for line in self._dropped.values():
            self._push(line)
        self._dropped.clear()

    def _push(self, line: LogLine) -> None:
        self._lines.append(line)
        self.bytes += _size_of(line)
        self._per_execution[line.execution_id] += 1


def _size_of(line: LogLine) -> int:
    texts = sum(len(name) + len(value) for name, value in line.fields.items())
    return _LINE_BYTES + len(line.message) + texts
