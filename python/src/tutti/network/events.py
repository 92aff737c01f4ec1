"""What can happen to a node's session, and what its shell is to do."""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple, Optional, Sequence, Union

from ..errors import ReportedError, TuttiError
from ..protocol import Assign, BlobRef, LogLine, ToNode, Welcome


class Produced(NamedTuple):
    """An output's payload, inline or by reference; ``source``: the blob's content, kept in case it has to be uploaded again."""

    type: str
    payload: Optional[bytes]
    blob: Optional[BlobRef] = None
    source: Any = None
    name: str = ""
    """Of a module with named outputs."""


class Succeeded(NamedTuple):
    produced: Produced


class Failed(NamedTuple):
    error: ReportedError


Result = Union[Succeeded, Failed]


class Open(NamedTuple):
    pass


class Frame(NamedTuple):
    frame: ToNode


class Tick(NamedTuple):
    pass


class TypesMissing(NamedTuple):
    """The types of the last welcome do not cover an assignment's: ask for a newer one."""


class Begun(NamedTuple):
    execution_id: str


class Progress(NamedTuple):
    execution_id: str
    fraction: float
    message: str


class Log(NamedTuple):
    execution_id: str
    at: int
    level: str
    message: str
    fields: Mapping[str, str]


class LogLost(NamedTuple):
    """A line of a forked child that could not be sent."""

    execution_id: str
    at: int


class LogsLost(NamedTuple):
    """Log lines that had left the session and will not arrive."""

    lines: Sequence[LogLine]


class Line(NamedTuple):
    """The connection to the orchestrator is there, or was lost."""

    is_up: bool


class Publish(NamedTuple):
    """A partial output. ``ticket`` comes back with ``Admitted`` once it has a place in the window."""

    execution_id: str
    ticket: int
    produced: Produced


class Returned(NamedTuple):
    """The handler has come back: its slot is free."""

    execution_id: str
    result: Result


class Uploaded(NamedTuple):
    execution_id: str
    seq: int


class UploadFailed(NamedTuple):
    execution_id: str
    seq: int
    error: ReportedError


class HookDone(NamedTuple):
    hook: str
    error: Optional[ReportedError]


class Configured(NamedTuple):
    transaction_id: str
    configuration: str
    error: Optional[ReportedError]


class Shutdown(NamedTuple):
    """End: give the work back within ``grace_ms``, then wait at most ``flush_ms`` for what is not acknowledged yet."""

    reason: str
    grace_ms: float
    flush_ms: float
    error: Optional[ReportedError] = None
    """The process has failed, perhaps because of its work."""


SessionEvent = Union[
    Open,
    Frame,
    Tick,
    Line,
    TypesMissing,
    Begun,
    Progress,
    Log,
    LogLost,
    LogsLost,
    Publish,
    Returned,
    Uploaded,
    UploadFailed,
    HookDone,
    Configured,
    Shutdown,
]


class Welcomed(NamedTuple):
    welcome: Welcome


class Renewed(NamedTuple):
    blob_token: str


class Redial(NamedTuple):
    """Dial the next address."""


class Run(NamedTuple):
    assign: Assign


class Abort(NamedTuple):
    execution_id: str
    code: str
    reason: str


class Admitted(NamedTuple):
    execution_id: str
    ticket: int


class Upload(NamedTuple):
    execution_id: str
    seq: int
    blob: BlobRef
    source: Any


class RunHook(NamedTuple):
    hook: str


class Configure(NamedTuple):
    transaction_id: str
    configuration: str


class Note(NamedTuple):
    level: str
    message: str
    fields: Mapping[str, Any]


class End(NamedTuple):
    """Nothing more will come of this session. With an error: it was refused for good."""

    error: Optional[TuttiError]


Effect = Union[Welcomed, Renewed, Redial, Run, Abort, Admitted, Upload, RunHook, Configure, Note, End]
Emit = Callable[[Effect], None]
