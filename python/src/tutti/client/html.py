"""What a notebook shows. Every text is escaped: what a node gave cannot act on the page."""

from __future__ import annotations

from html import escape
from typing import Any, Dict, Iterable, List, Mapping, Optional

from .shown import output, short

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
    types: Mapping[str, Mapping[str, str]] = diff.get("types") or {}
    for name, each in (diff.get("modules") or {}).items():
        rows += [{"of": name, **_change(name, change, types)} for change in each]
    return table(rows) if rows else "<i>no difference</i>"


def progress(done: int, of: int, text: str) -> str:
    return f'<progress value="{done}" max="{max(of, 1)}"></progress> {done}/{of} {escape(text)}'


def _cell(value: Any) -> str:
    return f"<td>{'' if value is None else escape(short(value))}</td>"


def _change(module: str, change: Mapping[str, Any], types: Mapping[str, Mapping[str, str]]) -> Dict[str, Any]:
    """Bytes as what they are. A path of one step may be the name of an output."""
    reference = f"{module}{str(change['path']).replace('/', '.', 1)}"
    sides = {side: short(change[side], types.get(side, {}).get(reference)) for side in ("a", "b") if change[side] is not None}
    return {**change, **sides}


def _module(name: str, module: Mapping[str, Any]) -> str:
    cells = _cell(name) + f"<td>{_state(module.get('state'))}</td>" + _cell(module.get("attempts"))
    return f"<tr>{cells}<td style=\"text-align:left\">{_outputs(module)}</td></tr>"


def _outputs(module: Mapping[str, Any]) -> str:
    value, names = module.get("output"), module.get("output_names")
    if value is None:
        return ""
    if names is None:
        return output(value, module.get("output_type"))
    types: Mapping[str, str] = module.get("output_types") or {}
    return "".join(f"<div><b>{escape(name)}</b></div>{output(value.get(name), types.get(name))}" for name in names)


def _state(state: Any) -> str:
    return f'<span style="color:{_TONES.get(str(state), "#57606a")}">{escape(str(state))}</span>'


def _fault(name: str, error: Optional[Mapping[str, Any]]) -> str:
    if not error:
        return ""
    told = f"{escape(name)}: {escape(str(error.get('message')))} ({escape(str(error.get('code')))})"
    stack = error.get("stack")
    return f"<details><summary>{told}</summary><pre>{escape(stack)}</pre></details>" if stack else f"<p>{told}</p>"
