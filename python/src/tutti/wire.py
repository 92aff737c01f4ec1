"""The only encode and the only decode of ``tutti.v1`` frames.

1. Decoding never raises, whatever the bytes; a message that cannot be read, or holds what it may not, is left out and named.
2. A message kind that this version does not know is ignored without a fault.
3. The messages' types come from ``tutti_v1.binpb``, a serialised ``FileDescriptorSet`` of ``proto/tutti/v1``, so that no generated
   code has to fit the protobuf runtime that is installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Type, Union

from google.protobuf import descriptor_pb2

from .errors import ReportedError
from .pool import MessageTypes, parse
from .protocol import (
    PROTOCOL_VERSION,
    Assign,
    BlobRef,
    CommandAck,
    ConfigReply,
    ConfigRequest,
    ExecutionReport,
    Goodbye,
    Heartbeat,
    HeartbeatReply,
    Input,
    LogLine,
    NodeCommand,
    NodeMessage,
    NodeReport,
    OrchestratorMessage,
    Output,
    OutputAck,
    OutputAcks,
    Refused,
    TaskCommand,
    ToNode,
    Welcome,
)

_MAX_NAME_CHARS = 256
_MAX_SAFE_INTEGER = 2**53 - 1


class Unreadable(NamedTuple):
    """Why a whole frame says nothing."""

    message: str


class ReadFrame(NamedTuple):
    frame: ToNode
    faults: Sequence[str]


class _Invalid(Exception):
    pass


def _envelopes() -> bytes:
    """The three frames with their messages unread: ``repeated bytes`` is the same on the wire, and each is read on its own."""
    file = descriptor_pb2.FileDescriptorProto(
        name="tutti/sdk/envelope.proto", package="tutti.sdk", syntax="proto3"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    headers: Dict[str, List[Tuple[str, Any]]] = {
        "ToOrchestrator": [("node_id", kinds.TYPE_STRING), ("incarnation", kinds.TYPE_UINT64)],
        "ToNode": [("epoch", kinds.TYPE_UINT64), ("incarnation", kinds.TYPE_UINT64)],
        "Outputs": [],
    }
    for name, header in headers.items():
        message = file.message_type.add(name=name)
        fields = [("protocol_version", kinds.TYPE_UINT32), *header, ("messages", kinds.TYPE_BYTES)]
        for number, (field, kind) in enumerate(fields, 1):
            label = kinds.LABEL_REPEATED if field == "messages" else kinds.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, label=label)
    serialised: bytes = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    return serialised


_TYPES = MessageTypes((Path(__file__).parent / "tutti_v1.binpb").read_bytes() + _envelopes())


def _message_class(name: str) -> Type[Any]:
    found = _TYPES.class_of(name)
    if found is None:
        raise RuntimeError(f"tutti_v1.binpb has no {name}")
    return found


_NODE_MESSAGE = _message_class("tutti.v1.NodeMessage")
_ORCHESTRATOR_MESSAGE = _message_class("tutti.v1.OrchestratorMessage")
_OUTPUT = _message_class("tutti.v1.Output")
_TO_ORCHESTRATOR = _message_class("tutti.sdk.ToOrchestrator")
_TO_NODE = _message_class("tutti.sdk.ToNode")
_OUTPUTS = _message_class("tutti.sdk.Outputs")


def _numbers(enum: str, prefix: str) -> Mapping[str, int]:
    """All but the unspecified one."""
    return {word[len(prefix) :]: number for word, number in _TYPES.enum_values(enum).items() if number}


def _words(enum: str, prefix: str) -> Mapping[int, str]:
    return {number: word for word, number in _numbers(enum, prefix).items()}


_STATUS_NUMBERS = _numbers("tutti.v1.NodeStatus", "NODE_STATUS_")
_STATE_NUMBERS = _numbers("tutti.v1.ExecutionState", "EXECUTION_STATE_")
_LEVEL_NUMBERS = _numbers("tutti.v1.LogLevel", "LOG_LEVEL_")
_NODE_CMDS = _words("tutti.v1.NodeCmd", "NODE_CMD_")
_TASK_CMDS = _words("tutti.v1.TaskCmd", "TASK_CMD_")


def encode_node_message(message: NodeMessage) -> bytes:
    """One message of a control frame."""
    kind, body = _node_body(message)
    encoded: bytes = _NODE_MESSAGE(**{kind: body}).SerializeToString()
    return encoded


def to_orchestrator(node_id: str, incarnation: int, messages: Sequence[bytes]) -> bytes:
    """A control frame of messages that are encoded already."""
    frame = _TO_ORCHESTRATOR(protocol_version=PROTOCOL_VERSION, node_id=node_id, incarnation=incarnation)
    frame.messages.extend(messages)
    encoded: bytes = frame.SerializeToString()
    return encoded


def encode_output(output: Output) -> bytes:
    """One output of an outputs frame."""
    value: Dict[str, Any]
    if output.blob is not None:
        value = {"blob": {"sha256": output.blob.sha256, "size": output.blob.size}}
    else:
        value = {"payload": output.payload or b""}
    message = _OUTPUT(
        execution_id=output.execution_id,
        lease=output.lease,
        seq=output.seq,
        last=output.last,
        log_lines=output.log_lines,
        name=output.name,
        type=output.type,
        **value,
    )
    encoded: bytes = message.SerializeToString()
    return encoded


def outputs_frame(outputs: Sequence[bytes]) -> bytes:
    """A frame of outputs that are encoded already."""
    frame = _OUTPUTS(protocol_version=PROTOCOL_VERSION)
    frame.messages.extend(outputs)
    encoded: bytes = frame.SerializeToString()
    return encoded


def decode_to_node(raw: bytes) -> Union[ReadFrame, Unreadable]:
    try:
        envelope = parse(_TO_NODE, raw)
        version = envelope.protocol_version
        if version != PROTOCOL_VERSION:
            return Unreadable(f"protocol_version is {version}, expected {PROTOCOL_VERSION}")
        epoch, incarnation = _uint("epoch", envelope.epoch), _uint("incarnation", envelope.incarnation)
    except Exception as error:
        return Unreadable(f"the frame is not protobuf of tutti.v1: {error}")
    messages: List[OrchestratorMessage] = []
    faults: List[str] = []
    for bytes_of_one in envelope.messages:
        try:
            read = _read(parse(_ORCHESTRATOR_MESSAGE, bytes_of_one))
            if read is not None:
                messages.append(read)
        except Exception as error:
            faults.append(str(error))
    return ReadFrame(ToNode(epoch, incarnation, messages), faults)


def _text(text: str) -> str:
    """Protobuf carries valid Unicode only; half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _error(error: Optional[ReportedError]) -> Dict[str, Any]:
    if error is None:
        return {}
    fields = {"code": _text(error.code), "message": _text(error.message), "retryable": error.retryable}
    return {"error": {**fields, "stack": _text(error.stack)}}


def _node_body(message: NodeMessage) -> Tuple[str, Dict[str, Any]]:
    if isinstance(message, Heartbeat):
        return "heartbeat", {
            "status": _STATUS_NUMBERS[message.status],
            "running": list(message.running),
            **({} if message.load is None else {"load": message.load._asdict()}),
        }
    if isinstance(message, ExecutionReport):
        return "execution_report", {
            "execution_id": message.execution_id,
            "lease": message.lease,
            "state": _STATE_NUMBERS[message.state],
            "last_seq": message.last_seq,
            "progress": message.progress,
            "message": _text(message.message),
            **_error(message.error),
        }
    if isinstance(message, LogLine):
        return "log", {
            "execution_id": message.execution_id,
            "lease": message.lease,
            "at": message.at,
            "level": _LEVEL_NUMBERS[message.level.upper()],
            "message": _text(message.message),
            "fields": {_text(name): _text(value) for name, value in message.fields.items()},
        }
    if isinstance(message, NodeReport):
        return "node_report", {"status": _STATUS_NUMBERS[message.status], **_error(message.error)}
    if isinstance(message, CommandAck):
        return "command_ack", {
            "command_id": message.command_id,
            "execution_id": message.execution_id,
            "accepted": message.accepted,
            **_error(message.error),
        }
    if isinstance(message, ConfigReply):
        return "config_reply", {
            "transaction_id": message.transaction_id,
            "success": message.success,
            "configuration": _text(message.configuration),
            **_error(message.error),
        }
    if isinstance(message, Goodbye):
        return "goodbye", {}
    return "hello", {
        "module": message.module,
        "instance": _text(message.instance),
        "boot_id": message.boot_id,
        "version": _text(message.version),
        "capacity": message.capacity,
        "labels": {_text(name): _text(value) for name, value in message.labels.items()},
        "output_type": _text(message.output_type),
        "status": _STATUS_NUMBERS[message.status],
        "held": [
            {"execution_id": held.execution_id, "lease": held.lease, "state": _STATE_NUMBERS[held.state]}
            for held in message.held
        ],
        "token": _text(message.token),
        "schemas": [each._asdict() for each in message.schemas],
        "types_by_assignment": message.types_by_assignment,
        "held_in_all": message.held_in_all,
    }


def _name(field: str, value: str) -> str:
    if not value:
        raise _Invalid(f'{field} is "", expected a non-empty string')
    if len(value) > _MAX_NAME_CHARS:
        raise _Invalid(f"{field} has {len(value)} characters, expected at most {_MAX_NAME_CHARS}")
    return value


def _uint(field: str, value: int, least: int = 0) -> int:
    if value > _MAX_SAFE_INTEGER:
        raise _Invalid(f"{field} is {value}, expected an integer of at most 2^53-1")
    if value < least:
        raise _Invalid(f"{field} is {value}, expected at least {least}")
    return int(value)


def _word(field: str, words: Mapping[int, str], value: int) -> str:
    if value not in words:
        raise _Invalid(f"{field} is {value}, expected one of {', '.join(words.values())}")
    return words[value]


def _read(message: Any) -> Optional[OrchestratorMessage]:
    kind = message.WhichOneof("body")
    if kind is None:
        return None
    body = getattr(message, kind)
    if kind == "welcome":
        return _read_welcome(body)
    if kind == "heartbeat_reply":
        return HeartbeatReply(_name("heartbeat_reply.blob_token", body.blob_token))
    if kind == "refused":
        return Refused(
            _name("refused.code", body.code),
            body.message,
            body.hint,
            _uint("refused.incarnation", body.incarnation),
            body.execution_id,
            _uint("refused.seq", body.seq),
            body.command_id,
            body.transaction_id,
        )
    if kind == "node_command":
        return NodeCommand(
            _name("node_command.command_id", body.command_id),
            _word("node_command.cmd", _NODE_CMDS, body.cmd),
            body.reason,
            _uint("node_command.grace_ms", body.grace_ms),
        )
    if kind == "task_command":
        return TaskCommand(
            _name("task_command.command_id", body.command_id),
            _word("task_command.cmd", _TASK_CMDS, body.cmd),
            _name("task_command.execution_id", body.execution_id),
            body.reason,
            _uint("task_command.grace_ms", body.grace_ms),
        )
    if kind == "assign":
        return _read_assign(body)
    if kind == "output_acks":
        return OutputAcks(
            [
                OutputAck(
                    _name(f"output_acks.acks[{index}].execution_id", ack.execution_id),
                    _uint(f"output_acks.acks[{index}].seq", ack.seq),
                    ack.ended,
                )
                for index, ack in enumerate(body.acks)
            ]
        )
    if kind == "config_request":
        return ConfigRequest(_name("config_request.transaction_id", body.transaction_id), body.configuration)
    return None  # For agents only.


def _read_welcome(body: Any) -> Welcome:
    return Welcome(
        node_id=_name("welcome.node_id", body.node_id),
        incarnation=_uint("welcome.incarnation", body.incarnation),
        heartbeat_interval_ms=_uint("welcome.heartbeat_interval_ms", body.heartbeat_interval_ms, 1),
        dead_after_ms=_uint("welcome.dead_after_ms", body.dead_after_ms),
        outputs_endpoint=body.outputs_endpoint,
        blob_url=body.blob_url,
        inline_max_bytes=_uint("welcome.inline_max_bytes", body.inline_max_bytes),
        max_frame_bytes=_uint("welcome.max_frame_bytes", body.max_frame_bytes),
        output_window=_uint("welcome.output_window", body.output_window, 1),
        store_id=body.store_id,
        drop=[_name(f"welcome.drop[{index}]", each) for index, each in enumerate(body.drop)],
        output_type=body.output_type,
        descriptors=body.descriptors,
        blob_token=body.blob_token,
    )


def _read_assign(body: Any) -> Assign:
    return Assign(
        execution_id=_name("assign.execution_id", body.execution_id),
        lease=_name("assign.lease", body.lease),
        problem_id=_name("assign.task_id.problem_id", body.task_id.problem_id),
        iteration_id=_uint("assign.task_id.iteration_id", body.task_id.iteration_id, 1),
        module=_name("assign.module", body.module),
        attempt=_uint("assign.attempt", body.attempt, 1),
        timeout_ms=_uint("assign.timeout_ms", body.timeout_ms),
        inputs=[_read_input(f"assign.inputs[{index}]", each) for index, each in enumerate(body.inputs)],
        output_type=body.output_type,
        descriptors=body.descriptors,
        traceparent=body.traceparent,
        outputs=[
            (_name(f"assign.outputs[{index}].name", each.name), _name(f"assign.outputs[{index}].type", each.type))
            for index, each in enumerate(body.outputs)
        ],
        # A module in no loop has 0.
        pass_=_uint("assign.pass", getattr(body, "pass")) or 1,
        item=_uint("assign.item", body.item) if body.HasField("item") else None,
    )


def _read_input(field: str, body: Any) -> Input:
    kind = body.WhichOneof("value")
    if kind is None:
        raise _Invalid(f"{field}.value is absent, expected payload or blob")
    blob: Optional[BlobRef] = None
    if kind == "blob":
        sha256 = body.blob.sha256
        if len(sha256) != 64 or any(letter not in "0123456789abcdef" for letter in sha256):
            raise _Invalid(
                f"{field}.blob.sha256 is {sha256[:80]!r}, expected 64 lower-case hexadecimal digits"
            )
        blob = BlobRef(sha256, _uint(f"{field}.blob.size", body.blob.size))
    return Input(
        name=_name(f"{field}.name", body.name),
        type=_name(f"{field}.type", body.type),
        previous=body.previous,
        payload=body.payload if kind == "payload" else None,
        blob=blob,
        url=body.blob.url if kind == "blob" else "",
    )
