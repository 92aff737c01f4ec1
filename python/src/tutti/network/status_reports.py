"""The status reports of one turn."""

from __future__ import annotations

from typing import List, Optional

from ..errors import ReportedError
from ..protocol import NodeReport


class StatusReports:
    """Every change is reported, but what only went to and fro between IDLE and RUNNING within the turn as it ended."""

    def __init__(self) -> None:
        self._reported: Optional[str] = None
        self._pending: List[NodeReport] = []

    def told(self, status: str) -> None:
        """The orchestrator has been told by other means: a hello."""
        self._reported = status
        self._pending = []

    def changed(self, status: str, error: Optional[ReportedError]) -> None:
        at_work = ("IDLE", "RUNNING")
        if status in at_work and self._pending and self._pending[-1].status in at_work:
            self._pending.pop()
        last = self._pending[-1].status if self._pending else self._reported
        if last != status:
            self.force(status, error)

    def force(self, status: str, error: Optional[ReportedError]) -> None:
        """Reports the status even if it is what was reported last: the answer to a command."""
        if self._pending and self._pending[-1].status == status:
            self._pending.pop()
        self._pending.append(NodeReport(status, error))

    def take(self) -> List[NodeReport]:
        pending, self._pending = self._pending, []
        if pending:
            self._reported = pending[-1].status
        return pending
