"""Executions of a node's handler without an orchestrator: by the code that runs it in a node, with the same checks of what it gives."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import sys
import tempfile
from typing import Any, Dict, List, Sequence, Tuple

from ..errors import ReportedError, TuttiError
from ..execution_run import ExecutionRun
from ..handlers import is_async
from ..logs import forward_logs
from ..messages import FetchedInput, Finished, Output, Partial, Rules, Start
from ..network.events import Log, Progress
from ..node import Node
from ..payloads import Payloads
from ..schemas.proto_files import read_proto_files
from ..spool import read
from ..values.content import from_base64
from ..values.media_types import is_bytes
from ..values.numbers import number_form
from ..values.types import Decoded, Types, Unencodable
from .tasks import RecordedTask

_INLINE_MAX_BYTES = 1 << 40


def play(node: Node[Any], tasks: Sequence[RecordedTask], proto_path: Sequence[str]) -> int:
    """Prints a line of JSON for each task: ``outputs``, the last one last, or by their names, or ``error``. Gives the exit code: 1 where one has failed."""
    forward_logs()
    descriptors = read_proto_files(proto_path) if proto_path else b""
    failures = 0
    with tempfile.TemporaryDirectory(prefix="tutti-") as spool:
        for number, task in enumerate(tasks, 1):
            result = _Rehearsal(node, task, descriptors, spool, number).run()
            print(json.dumps(result, ensure_ascii=False), flush=True)
            failures += "error" in result
    return 1 if failures else 0


class _Rehearsal:
    def __init__(self, node: Node[Any], task: RecordedTask, descriptors: bytes, spool: str, number: int) -> None:
        self._node = node
        self._types = Types(descriptors)
        self._outputs: List[Tuple[str, Any]] = []
        self._is_named = bool(task.output_types)
        self._error: Dict[str, Any] = {}
        payloads = Payloads()
        payloads.set(Rules(descriptors, task.output_type, False, _INLINE_MAX_BYTES, spool))
        inputs = [self._input(name, value, task, False) for name, value in task.inputs.items()]
        inputs += [self._input(name, value, task, True) for name, value in task.previous.items()]
        outputs = tuple(task.output_types.items())
        module = node.module or "module"
        start = Start(
            f"rehearsal-{number}",
            task.task_id,
            module,
            task.attempt,
            inputs,
            task.output_type,
            outputs=outputs,
            pass_=task.pass_,
            item=task.item,
        )
        self._run = ExecutionRun(start, node.handler, payloads, self._hear, captures_output=False)

    def run(self) -> Dict[str, Any]:
        if is_async(self._node.handler):
            asyncio.run(self._run.run_async())
        else:
            self._run.finish(self._run.result())
        outputs = dict(self._outputs) if self._is_named else [value for _, value in self._outputs]
        return {"outputs": outputs, **({"error": self._error} if self._error else {})}

    def _hear(self, told: Any) -> None:
        """What a node would hand on to the orchestrator."""
        if isinstance(told, Partial):
            self._outputs.append((told.name, self._json(told.type, told.content)))
            self._run.settled(told.ticket, None)
        elif isinstance(told, Progress):
            _say(f"{told.fraction:4.0%} {told.message}")
        elif isinstance(told, Log):
            _say(f"{told.level}: {told.message} {dict(told.fields) or ''}".rstrip())
        elif isinstance(told, Finished):
            self._finish(told.result)

    def _finish(self, result: Any) -> None:
        if isinstance(result, Output):
            self._outputs.append((result.name, self._json(result.type, result.content)))
        elif isinstance(result, ReportedError):
            # Its stack is on stderr already.
            self._error = {"code": result.code, "message": result.message}

    def _input(self, name: str, value: Any, task: RecordedTask, previous: bool) -> FetchedInput:
        kind = task.types.get(name, "json")
        content = from_base64(value) if is_bytes(kind) and isinstance(value, str) else None
        if content is None:
            encoded = self._types.encode(kind, value)
            if isinstance(encoded, Unencodable):
                told = "; ".join(f"{path}: {message}" for path, _, message in encoded.faults)
                raise TuttiError("bad_input", f"input {name} is not a {kind}: {told}", details=encoded.faults)
            content = bytes(encoded.content)
        return FetchedInput(name, kind, previous, content)

    def _json(self, kind: str, content: Any) -> Any:
        raw = read(content)
        decoded = self._types.decode(kind, raw)
        return _plain(decoded.value if isinstance(decoded, Decoded) else raw)


def _plain(value: Any) -> Any:
    """In the JSON mapping: bytes are base64, and what JSON has no number for is an object."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return number_form(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
