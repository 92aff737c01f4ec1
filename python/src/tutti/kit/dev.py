"""Plays tasks again with every change of a file, each time in a process of its own, and shows what is different from before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, Sequence, Tuple

_LOOK_S = 0.3
_SKIPPED = ("__pycache__", "node_modules", "venv")


def develop(command: Sequence[str], folders: Sequence[str]) -> int:
    """Goes on until Ctrl-C."""
    before: List[Any] = []
    try:
        while True:
            seen = _times(folders)
            ran = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            sys.stdout.write(ran.stdout.decode("utf-8", "replace"))
            sys.stdout.flush()
            after = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith(b"{")]
            if before:
                changes = list(differences(before, after, ""))
                _say("different from before:" if changes else "the same as before")
                for change in changes:
                    _say(f"  {change}")
            before = after or before
            while seen == _times(folders):
                time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        return 0


def differences(before: Any, after: Any, path: str) -> Iterator[str]:
    """Each as a line: its JSON pointer, and both values."""
    if type(before) is type(after) and isinstance(before, (dict, list)):
        names = dict.fromkeys([*_names(before), *_names(after)])
        for name in names:
            there = (name in _names(before), name in _names(after))
            if all(there):
                yield from differences(before[name], after[name], f"{path}/{name}")
            else:
                value = before[name] if there[0] else after[name]
                yield f"{path}/{name}: {_shown(value)} {'is gone' if there[0] else 'is new'}"
    elif before != after:
        yield f"{path}: {_shown(before)} → {_shown(after)}"


def _names(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, dict) else range(len(value))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def _times(folders: Sequence[str]) -> Dict[str, Tuple[int, int]]:
    """Of every file that matters, when it was changed and how large it is."""
    found: Dict[str, Tuple[int, int]] = {}
    for folder in folders:
        for at, names, files in os.walk(folder):
            names[:] = [name for name in names if not name.startswith(".") and name not in _SKIPPED]
            for file in files:
                path = os.path.join(at, file)
                try:
                    status = os.stat(path)
                except OSError:
                    continue
                found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _say(text: str) -> None:
    print(f"dev: {text}", file=sys.stderr, flush=True)
