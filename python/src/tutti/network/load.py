"""What the node's processes cost at this moment."""

from __future__ import annotations

import os
import time
from typing import Dict, Iterable, NamedTuple, Optional, Tuple


class ProcessLoad(NamedTuple):
    cpu: float
    """Cores in use, on average since it was measured before."""
    memory_bytes: int
    """Resident."""


class LoadMeter:
    """Of several processes together. Where the system does not tell (no ``/proc``), there is nothing to tell."""

    def __init__(self) -> None:
        self._spent: Dict[int, float] = {}
        self._at = time.monotonic()

    def measure(self, pids: Iterable[int]) -> Optional[ProcessLoad]:
        now = time.monotonic()
        spent: Dict[int, float] = {}
        used_s = 0.0
        memory = 0
        for pid in pids:
            usage = _usage(pid)
            if usage is not None:
                spent[pid] = usage[0]
                # What a process that was not there before has used, it has used since.
                used_s += max(0.0, usage[0] - self._spent.get(pid, 0.0))
                memory += usage[1]
        elapsed_s = max(1e-3, now - self._at)
        self._spent, self._at = spent, now
        return ProcessLoad(used_s / elapsed_s, memory) if spent else None


def _usage(pid: int) -> Optional[Tuple[float, int]]:
    """Processor time in seconds and resident bytes, as in proc(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may have spaces; what follows begins with the third field.
            fields = file.read().rsplit(b")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
