"""The node protocol in the model's words: what ``proto/tutti/v1/node.proto`` says. ``wire`` maps the two."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from .errors import ReportedError

PROTOCOL_VERSION = 1

REFUSALS: Mapping[str, str] = {
    "say_hello": "retry",
    "stale_incarnation": "retry",
    "too_many": "retry",
    "instance_in_use": "retry",
    "unknown_module": "retry",
    "unknown_cluster": "retry",
    "blob_missing": "retry",
    "unknown_execution": "forget",
    "stale_execution": "forget",
    "bad_payload": "forget",
    "unknown_output": "forget",
    "duplicate_output": "forget",
    "missing_output": "forget",
    "too_large": "forget",
    "protocol_version": "final",
    "wrong_output_type": "final",
    "schema_mismatch": "final",
    "replaced": "final",
    "unauthorized": "final",
    "bad_frame": "forget",
}
"""What a node does about a refusal: try again, forget what it names, or end."""


class BlobRef(NamedTuple):
    sha256: str
    size: int


class Held(NamedTuple):
    execution_id: str
    lease: str
    state: str


class TypeSchema(NamedTuple):
    """What a node was written against: one type."""

    type: str
    hash: str
    """Of the canonical form: equal hashes mean equal schemas."""
    definition: bytes
    """What is compared, field by field, when the hashes differ: a ``FileDescriptorSet``, or a JSON Schema."""


class Hello(NamedTuple):
    module: str
    instance: str
    boot_id: str
    version: str
    capacity: int
    labels: Mapping[str, str]
    output_type: str
    status: str
    held: Sequence[Held]
    token: str
    schemas: Sequence[TypeSchema] = ()
    types_by_assignment: bool = False
    held_in_all: int = 0


class Load(NamedTuple):
    """What the node's processes cost at this moment."""

    cpu: float
    """Cores in use, on average since the heartbeat before."""
    memory_bytes: int
    executing: int
    """Executions whose work is going on."""


class Heartbeat(NamedTuple):
    status: str
    running: Sequence[str]
    load: Optional[Load] = None


class NodeReport(NamedTuple):
    status: str
    error: Optional[ReportedError]


class ExecutionReport(NamedTuple):
    execution_id: str
    lease: str
    state: str
    last_seq: int = 0
    progress: float = 0.0
    message: str = ""
    error: Optional[ReportedError] = None


class CommandAck(NamedTuple):
    command_id: str
    execution_id: str
    """Empty for a node command."""
    accepted: bool
    error: Optional[ReportedError]


class ConfigReply(NamedTuple):
    transaction_id: str
    success: bool
    configuration: str
    error: Optional[ReportedError]


class LogLine(NamedTuple):
    execution_id: str
    lease: str
    at: int
    level: str
    message: str
    fields: Mapping[str, str]


class Goodbye(NamedTuple):
    pass


NodeMessage = Union[Hello, Heartbeat, NodeReport, ExecutionReport, CommandAck, ConfigReply, LogLine, Goodbye]


class Welcome(NamedTuple):
    node_id: str
    incarnation: int
    heartbeat_interval_ms: int
    dead_after_ms: int
    outputs_endpoint: str
    blob_url: str
    inline_max_bytes: int
    max_frame_bytes: int
    output_window: int
    store_id: str
    drop: Sequence[str]
    output_type: str
    descriptors: bytes
    blob_token: str = ""
    """With it, the node gets and puts blobs; empty: nobody needs a token for that."""


class HeartbeatReply(NamedTuple):
    blob_token: str
    """In the place of the one before."""


class Refused(NamedTuple):
    """Of what it answers, the fields that do not apply are empty or 0."""

    code: str
    message: str
    hint: str
    incarnation: int
    execution_id: str
    seq: int
    command_id: str
    transaction_id: str


class NodeCommand(NamedTuple):
    command_id: str
    cmd: str
    reason: str
    grace_ms: int


class TaskCommand(NamedTuple):
    command_id: str
    cmd: str
    execution_id: str
    reason: str
    grace_ms: int


class Input(NamedTuple):
    name: str
    type: str
    previous: bool
    payload: Optional[bytes]
    blob: Optional[BlobRef]
    url: str


class Assign(NamedTuple):
    execution_id: str
    lease: str
    problem_id: str
    iteration_id: int
    module: str
    attempt: int
    timeout_ms: int
    inputs: Sequence[Input]
    output_type: str = ""
    """Of this task's graph version; empty: that of the welcome."""
    descriptors: bytes = b""
    """Every protobuf type as this version means it; empty: those of the welcome."""
    traceparent: str = ""
    """W3C Trace Context: spans of this execution belong below; empty: there is none."""
    outputs: Sequence[Tuple[str, str]] = ()
    """Names and types of a module's named outputs; none: it has one, without a name."""
    pass_: int = 1
    """Of a module in a loop: the pass that it is in, from 1."""
    item: Optional[int] = None
    """Of a module with ``map``: the number of its item, from 0."""


class OutputAck(NamedTuple):
    execution_id: str
    seq: int
    ended: bool


class OutputAcks(NamedTuple):
    acks: Sequence[OutputAck]


class ConfigRequest(NamedTuple):
    transaction_id: str
    configuration: str


OrchestratorMessage = Union[
    Welcome, HeartbeatReply, Refused, NodeCommand, TaskCommand, Assign, OutputAcks, ConfigRequest
]


class ToNode(NamedTuple):
    epoch: int
    incarnation: int
    messages: Sequence[OrchestratorMessage]


class Output(NamedTuple):
    execution_id: str
    lease: str
    seq: int
    last: bool
    type: str
    payload: Optional[bytes]
    blob: Optional[BlobRef]
    log_lines: int = 0
    """With ``last``: how many lines of its log the node has sent before."""
    name: str = ""
    """Of a module with named outputs."""
