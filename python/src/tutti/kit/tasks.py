"""Tasks as JSON lines, as ``tutti node-kit record`` writes them: ``{"inputs": {…}, "previous"?, "types"?, "output_type"?, "task_id"?}``,
and ``"output_types": {"plot": "bytes:image/png"}`` of a module with several outputs."""

from __future__ import annotations

import sys
from typing import Any, List, Mapping, NamedTuple, Optional

from ..errors import Fault, TuttiError
from ..values.json_text import read_json

_HINT = 'a line is like {"inputs": {"request": {"text": "hi"}}}'


class RecordedTask(NamedTuple):
    inputs: Mapping[str, Any]
    previous: Mapping[str, Any]
    types: Mapping[str, str]
    output_type: str
    output_types: Mapping[str, str]
    task_id: str
    attempt: int
    pass_: int
    item: Optional[int]


def read_tasks(source: str) -> List[RecordedTask]:
    """:param source: a file's name, ``-`` for stdin, or the JSON itself

    Raises ``TuttiError`` ``no_such_file``, or ``bad_recording`` with every line at fault.
    """
    content = source.encode("utf-8") if source.lstrip().startswith("{") else _read(source)
    tasks: List[RecordedTask] = []
    faults: List[Fault] = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            tasks.append(_task(read_json(line)))
        except ValueError as error:
            faults.append(Fault(f"line {number}", "bad_recording", str(error)))
    if faults or not tasks:
        told = "; ".join(f"{fault.path}: {fault.message}" for fault in faults) or "there is no line in it"
        raise TuttiError("bad_recording", f"--input: {told}", _HINT, faults)
    return tasks


def _read(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        with open(source, "rb") as file:
            return file.read()
    except OSError as error:
        raise TuttiError("no_such_file", f"--input: {error}", "give a file of JSON lines, - for stdin, or the JSON itself") from None


def _task(line: Any) -> RecordedTask:
    if not isinstance(line, dict) or not isinstance(line.get("inputs"), dict):
        raise ValueError("this is not an object with inputs")
    return RecordedTask(
        inputs=line["inputs"],
        previous=line.get("previous") or {},
        types=line.get("types") or {},
        output_type=line.get("output_type") or "json",
        output_types=line.get("output_types") or {},
        task_id=line.get("task_id") or "00000000-0000-7000-8000-000000000000/1",
        attempt=line.get("attempt") or 1,
        pass_=line.get("pass") or 1,
        item=line.get("item"),
    )
