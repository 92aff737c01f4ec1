"""What a notebook shows. Every text is escaped: what a node gave cannot act on the page."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Dict, Iterable, List, Mapping, Optional

_CELL_CHARACTERS = 120
_TONES = {"succeeded": "#1a7f37", "reused": "#1a7f37", "failed": "#cf222e", "running": "#0969da"}


def table(rows: Iterable[Mapping[str, Any]], note: str = "") -> str:
    """Its columns are all names that the rows have."""
    listed = list(rows)
    columns: Dict[str, None] = {}
    for row in listed:
        columns.update(dict.fromkeys(row))
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(_cell(row.get(name)) for name in columns)}</tr>" for row in listed)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{escape(note)}"


def iteration(view: Mapping[str, Any]) -> str:
    modules: Mapping[str, Any] = view.get("modules") or {}
    rows = "".join(_module(name, module) for name, module in modules.items())
    head = "".join(f"<th>{name}</th>" for name in ("module", "state", "attempts", "output"))
    faults = "".join(_fault(name, module.get("error")) for name, module in modules.items())
    return (
        f"<div><b>{escape(str(view.get('graph')))}</b> <code>{escape(str(view.get('task_id')))}</code> "
        f"{_state(view.get('state'))}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{faults}</div>"
    )


def comparison(diff: Mapping[str, Any]) -> str:
    rows: List[Dict[str, Any]] = [{"of": "input", **each} for each in diff.get("input") or ()]
    for name, each in (diff.get("modules") or {}).items():
        rows += [{"of": name, **change} for change in each]
    return table(rows) if rows else "<i>no difference</i>"


def progress(done: int, of: int, text: str) -> str:
    return f'<progress value="{done}" max="{max(of, 1)}"></progress> {done}/{of} {escape(text)}'


def shown(value: Any) -> str:
    """A value as one short text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _CELL_CHARACTERS else text[: _CELL_CHARACTERS - 1] + "…"


def _cell(value: Any) -> str:
    return f"<td>{'' if value is None else escape(shown(value))}</td>"


def _module(name: str, module: Mapping[str, Any]) -> str:
    cells = _cell(name) + f"<td>{_state(module.get('state'))}</td>" + _cell(module.get("attempts"))
    return f"<tr>{cells}{_cell(module.get('output'))}</tr>"


def _state(state: Any) -> str:
    return f'<span style="color:{_TONES.get(str(state), "#57606a")}">{escape(str(state))}</span>'


def _fault(name: str, error: Optional[Mapping[str, Any]]) -> str:
    if not error:
        return ""
    told = f"{escape(name)}: {escape(str(error.get('message')))} ({escape(str(error.get('code')))})"
    stack = error.get("stack")
    return f"<details><summary>{told}</summary><pre>{escape(stack)}</pre></details>" if stack else f"<p>{told}</p>"
