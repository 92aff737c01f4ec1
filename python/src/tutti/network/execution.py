"""An execution that was assigned to this node and is not known to have ended."""

from __future__ import annotations

from math import inf
from typing import NamedTuple, Optional, Union

from ..errors import ReportedError
from ..protocol import Assign, ExecutionReport


class Running(NamedTuple):
    """``begun``: its inputs are there and the handler runs."""

    begun: bool
    deadline_at: float


class Aborting(NamedTuple):
    """Its handler was told to end; the report follows when it does, and at ``grace_at`` in any case."""

    state: str
    reason: str
    grace_at: float
    error: Optional[ReportedError]


class Published(NamedTuple):
    """The last output is published and not known to be committed."""


class Reported(NamedTuple):
    """The final report is sent and the end is not known to be committed."""

    report: ExecutionReport
    due_at: float
    backoff_ms: float


class Forgotten(NamedTuple):
    """Nothing more is said about it; it is named only until its handler comes back."""


Phase = Union[Running, Aborting, Published, Reported, Forgotten]


class PendingProgress(NamedTuple):
    fraction: float
    message: str


class HeldExecution:
    def __init__(self, assign: Assign, now: float) -> None:
        self.execution_id = assign.execution_id
        self.lease = assign.lease
        self.busy = True
        """Whether its handler has not returned yet: it takes a slot."""
        self.published = 0
        """Outputs numbered so far."""
        self.logged = 0
        """Lines of its log so far."""
        self.acked = 0
        """Outputs known to be committed."""
        self.progress: Optional[PendingProgress] = None
        """The newest progress that was not sent yet."""
        self.progress_sent_at = -inf
        self.phase: Phase = Running(False, now + assign.timeout_ms if assign.timeout_ms > 0 else inf)

    @property
    def state(self) -> str:
        """What ``Hello.held`` says of it."""
        phase = self.phase
        if isinstance(phase, Running):
            return "RUNNING" if phase.begun else "ACCEPTED"
        if isinstance(phase, Aborting):
            return "RUNNING"
        if isinstance(phase, Published):
            return "SUCCEEDED"
        if isinstance(phase, Reported):
            return phase.report.state
        return "CANCELLED"
