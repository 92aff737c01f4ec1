"""What the author's process and the network process tell each other, besides events and effects of the session."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from .errors import ReportedError, TuttiError
from .protocol import TypeSchema


class Config(NamedTuple):
    """What the network process is to do; the first message to it."""

    module: str
    instance: str
    boot_id: str
    version: str
    capacity: int
    labels: Mapping[str, str]
    output_type: str
    schemas: Sequence[TypeSchema]
    token: str
    join: str
    keys: str
    controls: Sequence[str]
    shutdown_grace_ms: float
    flush_ms: float
    hooks: Sequence[str]
    """Of ``start`` and ``stop`` those that there are: for the others nobody has to be asked."""
    owns_process: bool
    """Whether the author's process ends with the node: then it is killed where it does not end by itself."""


class Spooled(NamedTuple):
    """A large payload, in a file of the node's own directory that the receiver may delete."""

    path: str
    sha256: str
    size: int


Content = Union[bytes, Spooled]


class Rules(NamedTuple):
    """What the newest welcome said about payloads."""

    descriptors: bytes
    output_type: str
    is_declared: bool
    """The output type is the author's own, whatever a graph says."""
    inline_max_bytes: int
    spool: str
    """The directory for large payloads."""


class FetchedInput(NamedTuple):
    name: str
    type: str
    previous: bool
    content: Content


class Start(NamedTuple):
    """Run the handler: the inputs are there."""

    execution_id: str
    task_id: str
    module: str
    attempt: int
    inputs: Sequence[FetchedInput]
    output_type: str = ""
    """Of this task's graph version; empty: that of the rules."""
    descriptors: bytes = b""
    """Every protobuf type as this version means it; empty: those of the rules."""
    traceparent: str = ""
    outputs: Sequence[Tuple[str, str]] = ()
    """Names and types of a module's named outputs; none: it has one, without a name."""
    pass_: int = 1
    item: Optional[int] = None


class Refuse(NamedTuple):
    """A partial output could not be published."""

    execution_id: str
    ticket: int
    error: ReportedError


class Status(NamedTuple):
    node_id: str
    status: str


class Ending(NamedTuple):
    """The node ends: from now on its author's process shows that it is alive."""


class Ended(NamedTuple):
    error: Optional[TuttiError]
    is_wanted: bool = False
    """This node was told to end (``TERMINATE``): a supervisor does not start it again."""


class Partial(NamedTuple):
    execution_id: str
    ticket: int
    type: str
    content: Content
    name: str = ""
    """Of a module with named outputs."""


class Output(NamedTuple):
    type: str
    content: Content
    name: str = ""


class Finished(NamedTuple):
    """The handler has come back."""

    execution_id: str
    result: Union[Output, ReportedError]


class Alive(NamedTuple):
    """Other code gets its turn in the author's process."""


class Released(NamedTuple):
    """The author's process has heard of the end, and nothing in it keeps it from ending."""
