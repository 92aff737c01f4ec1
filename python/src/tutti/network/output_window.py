"""The outputs that a node has published and that are not known to be committed.

1. At most ``limit`` outputs are on their way; the others queue, in the order in which they were added.
2. An output that is on its way is sent again, after 1 s, 2 s, 4 s … 30 s, until it is acknowledged or dropped.
3. Nothing leaves while the window is closed (the node is not registered). Opening it sends everything again.
"""

from __future__ import annotations

from math import inf
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from ..protocol import Output

RESEND_FIRST_MS = 1_000.0
"""The first repeat: well above a commit's latency, well below a person's patience."""
RESEND_MAX_MS = 30_000.0
"""The longest wait between two repeats."""


class QueuedOutput(NamedTuple):
    output: Output
    source: Any
    ticket: Optional[int]


class _Sent:
    __slots__ = ("output", "source", "due_at", "backoff_ms")

    def __init__(self, output: Output, source: Any) -> None:
        self.output = output
        self.source = source
        self.due_at = 0.0
        """``inf`` while its blob is uploaded again."""
        self.backoff_ms = RESEND_FIRST_MS


class OutputWindow:
    def __init__(self) -> None:
        self._limit = 0
        self._open = False
        self._queue: List[QueuedOutput] = []
        self._sent: Dict[str, List[_Sent]] = {}
        self._in_flight = 0
        self._outgoing: List[Output] = []
        self._due_at = inf

    @property
    def due_at(self) -> float:
        """When ``resend`` has something to do; may be too early, never too late."""
        return self._due_at if self._open else inf

    def open(self, limit: int, now: float) -> None:
        """Everything un-acknowledged goes again, as if for the first time (3)."""
        self._open = True
        self._limit = limit
        for sents in self._sent.values():
            for sent in sents:
                if sent.due_at != inf:
                    self._send(sent, RESEND_FIRST_MS, now)

    def close(self) -> None:
        self._open = False
        self._outgoing = []

    def add(self, queued: QueuedOutput) -> None:
        self._queue.append(queued)

    def admit(self, now: float) -> Sequence[QueuedOutput]:
        """Sends what has a place (1), and names it."""
        room = self._limit - self._in_flight
        if not self._open or not self._queue or room <= 0:
            return ()
        admitted, self._queue = self._queue[:room], self._queue[room:]
        for output, source, _ in admitted:
            sent = _Sent(output, source)
            self._sent.setdefault(output.execution_id, []).append(sent)
            self._in_flight += 1
            self._send(sent, RESEND_FIRST_MS, now)
        return admitted

    def resend(self, now: float) -> None:
        """Sends again what is due (2)."""
        if now < self.due_at:
            return
        self._due_at = inf
        for sents in self._sent.values():
            for sent in sents:
                if sent.due_at <= now:
                    self._send(sent, min(sent.backoff_ms * 2, RESEND_MAX_MS), now)
                else:
                    self._due_at = min(self._due_at, sent.due_at)

    def ack(self, execution_id: str, seq: int) -> None:
        """Everything of this execution up to ``seq`` is committed."""
        self._keep(execution_id, lambda output: output.seq > seq)

    def drop(self, execution_id: str, from_seq: int = 1) -> None:
        """Forgets this execution's outputs from ``from_seq`` on, also those that wait to leave in this turn."""
        self._keep(execution_id, lambda output: output.seq < from_seq)

        def is_other(output: Output) -> bool:
            return output.execution_id != execution_id or output.seq < from_seq

        if self._queue:
            self._queue = [queued for queued in self._queue if is_other(queued.output)]
        if self._outgoing:
            self._outgoing = [output for output in self._outgoing if is_other(output)]

    def suspend(self, execution_id: str, seq: int) -> Optional[QueuedOutput]:
        """Keeps an output back while its blob is uploaded; nothing when it is not on its way by blob."""
        sent = self._find(execution_id, seq)
        if sent is None or sent.source is None or sent.due_at == inf:
            return None
        sent.due_at = inf
        return QueuedOutput(sent.output, sent.source, None)

    def resume(self, execution_id: str, seq: int, now: float) -> None:
        """Its blob is there: it goes again."""
        sent = self._find(execution_id, seq)
        if sent is not None:
            self._send(sent, RESEND_FIRST_MS, now)

    def take(self, is_held: Callable[[Output], bool]) -> List[Output]:
        """The messages that leave in this turn; ``is_held``: whether one must not leave yet."""
        outgoing, self._outgoing = self._outgoing, []
        for output in outgoing:
            if is_held(output):
                self._outgoing.append(output)
        return [output for output in outgoing if output not in self._outgoing] if self._outgoing else outgoing

    def _find(self, execution_id: str, seq: int) -> Optional[_Sent]:
        return next((sent for sent in self._sent.get(execution_id, ()) if sent.output.seq == seq), None)

    def _keep(self, execution_id: str, keep: Callable[[Output], bool]) -> None:
        sents = self._sent.get(execution_id)
        if sents is None:
            return
        kept = [sent for sent in sents if keep(sent.output)]
        self._in_flight -= len(sents) - len(kept)
        if kept:
            self._sent[execution_id] = kept
        else:
            del self._sent[execution_id]

    def _send(self, sent: _Sent, backoff_ms: float, now: float) -> None:
        sent.backoff_ms = backoff_ms
        sent.due_at = now + backoff_ms
        self._due_at = min(self._due_at, sent.due_at)
        if self._open and sent.output not in self._outgoing:
            self._outgoing.append(sent.output)
