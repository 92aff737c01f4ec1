"""How far a task is, on one line of a terminal or in the cell of a notebook."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, Dict, Mapping, Optional

from . import html

_WIDTH = 24
_REDRAW_S = 0.1
_ENDED = ("succeeded", "failed", "skipped", "reused", "cancelled", "lost", "rejected", "preempted")


class Bar:
    """:param enabled: by default where somebody sees it: in a terminal or a notebook"""

    def __init__(self, enabled: Optional[bool]) -> None:
        self._is_notebook = _is_notebook()
        is_seen = self._is_notebook or (sys.stderr is not None and sys.stderr.isatty())
        self._is_enabled = is_seen if enabled is None else enabled
        self._began_at = time.monotonic()
        self._drawn_at = 0.0
        self._states: Dict[str, str] = {}
        self._now = ""
        self._cell: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: Any) -> None:
        self._draw(True)
        if self._is_enabled and not self._is_notebook:
            sys.stderr.write("\n")

    def show(self, view: Mapping[str, Any]) -> None:
        """The whole state, as it was fetched."""
        self._states = {name: str(module["state"]) for name, module in (view.get("modules") or {}).items()}
        self._draw(False)

    def take(self, event: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """One event of the task; ``refreshed`` says that the view is new."""
        if event["type"] == "refreshed":
            self.show(view)
            return
        module = event.get("module")
        kind, _, what = str(event["type"]).partition(".")
        if module is not None and kind in ("execution", "module"):
            if what == "progress":
                self._now = f"{module} {round(float(event['progress']) * 100)} % {event.get('message') or ''}"
            elif what != "log":
                self._states[module] = what
                self._now = f"{module} {what}"
        elif module is not None and kind == "approval":
            is_granted = event.get("decision") == "approve"
            self._states[module] = "waiting" if what == "requested" else "succeeded" if is_granted else "failed"
            self._now = f"{module} waits for approval" if what == "requested" else f"{module} {self._states[module]}"
        self._draw(False)

    def tick(self) -> None:
        """Nothing has happened but time."""
        self._draw(False)

    @property
    def line(self) -> str:
        done, of = self._done(), len(self._states)
        filled = round(_WIDTH * done / max(of, 1))
        return f"[{'█' * filled}{'░' * (_WIDTH - filled)}] {done}/{of} {self._text()}"

    def _done(self) -> int:
        return sum(state in _ENDED for state in self._states.values())

    def _text(self) -> str:
        return f"{time.monotonic() - self._began_at:.0f} s  {self._now}".rstrip()

    def _draw(self, is_last: bool) -> None:
        now = time.monotonic()
        if not self._is_enabled or (now - self._drawn_at < _REDRAW_S and not is_last):
            return
        self._drawn_at = now
        if self._is_notebook:
            self._draw_cell()
            return
        line = "".join(letter if letter.isprintable() else " " for letter in self.line)
        sys.stderr.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()

    def _draw_cell(self) -> None:
        from IPython.display import HTML, display

        content = HTML(html.progress(self._done(), len(self._states), self._text()))
        if self._cell is None:
            self._cell = display(content, display_id=True)
        else:
            self._cell.update(content)


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
