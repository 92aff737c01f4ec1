"""The types that payloads have: protobuf messages known by their descriptors, and those that need no schema, ``json``, ``bytes`` and
``bytes:<media type>``.

1. Decoded values: messages are :class:`Record`, bytes are ``bytes``, enums are names (an unknown one its number), ``Timestamp`` and
   ``Duration`` their JSON strings, ``Struct`` and the wrappers plain values.
2. Every field is there: a scalar that is not on the wire with its default, a list and a map empty. Absent are only what can be told
   apart from its default: unset messages, ``optional`` fields, members of a ``oneof``.
3. Encoding takes what decoding gives, and the proto3 JSON mapping, with field names as written or in lowerCamelCase; it reports all
   faults at once.
"""

from __future__ import annotations

import math
import threading
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Set, Tuple, Union

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Kind

from ..errors import Fault
from ..nearest import did_you_mean
from ..pool import MessageTypes, parse
from ..records import Record, record_of
from .content import plain
from .faults import WRONG, FaultList, Place, show
from .json_form import is_kept, write_json
from .json_text import read_json
from .media_types import is_bytes, media_type_of
from .field_mask import read_field_mask, type_in, write_field_mask
from .scalars import SCALAR_WRITERS, write_content, write_text
from .times import read_duration, read_timestamp, write_duration, write_timestamp

_MAX_DEPTH = 100
"""As many messages within each other as decoders take (protobuf's own default)."""

_MAX_WITHIN = 50
"""Messages within each other by ``Any``, of which a decoder knows nothing."""

_WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
_ONE_FIELD = _WRAPPERS | {"google.protobuf.Struct", "google.protobuf.ListValue"}
_TIMES: Dict[str, Tuple[Callable[[Any], str], Callable[..., Any]]] = {
    "google.protobuf.Timestamp": (read_timestamp, write_timestamp),
    "google.protobuf.Duration": (read_duration, write_duration),
}
_VALUE = "google.protobuf.Value"
_ANY = "google.protobuf.Any"
_FIELD_MASK = "google.protobuf.FieldMask"
_OWN_FORM = _ONE_FIELD | frozenset(_TIMES) | {_VALUE, _ANY, _FIELD_MASK}


class Decoded(NamedTuple):
    value: Any


class Undecodable(NamedTuple):
    message: str


class Encoded(NamedTuple):
    content: bytes


class Unencodable(NamedTuple):
    faults: List[Fault]


class _Field(NamedTuple):
    name: str
    json_name: str
    kind: int
    type_name: str
    is_list: bool
    map_entry: Optional[_Map]
    presence: bool
    required: bool
    oneof: str
    """The ``oneof`` that the author wrote around it, if there is one."""


class _Map(NamedTuple):
    key_kind: int
    value: _Field


class _Shape(NamedTuple):
    name: str
    fields: List[_Field]
    names: FrozenSet[str]
    by_name: Dict[str, _Field]


class Types:
    """The types of a serialised ``FileDescriptorSet``; empty bytes give only ``json`` and ``bytes``."""

    def __init__(self, descriptors: bytes) -> None:
        self._types = MessageTypes(descriptors)
        self._shapes: Dict[str, _Shape] = {}
        self._reading = threading.local()
        """``within``: messages around the one that this thread reads, by ``Any``."""

    def has(self, name: str) -> bool:
        """Whether payloads may have this type."""
        return _is_json(name) or is_bytes(name) or name in self._types.messages

    def decode(self, name: str, content: bytes) -> Union[Decoded, Undecodable]:
        """Never raises, whatever the bytes are."""
        try:
            if is_bytes(name):
                return Decoded(content)
            if _is_json(name):
                return Decoded(read_json(content))
            cls = self._types.class_of(name)
            if cls is None:
                return Undecodable(self._unknown(name))
            return Decoded(self._read(name, parse(cls, content)))
        except Exception as error:
            return Undecodable(f"these {len(content)} bytes are not {name}: {error}")

    def encode(self, name: str, value: Any) -> Union[Encoded, Unencodable]:
        """Never raises, whatever the value is. A fault's ``path`` is a JSON pointer into the value."""
        faults = FaultList()
        try:
            if _is_json(name):
                content = write_json(value, faults)
                return Unencodable(faults.faults) if faults.faults else Encoded(content)
            if is_bytes(name):
                written = write_content(value, media_type_of(name), faults)
                return Unencodable(faults.faults) if faults.faults else Encoded(written)
            if not self.has(name):
                faults.add(None, "unknown_type", self._unknown(name))
                return Unencodable(faults.faults)
            message = self._write(name, value, None, faults, 0)
            if not faults.faults:
                return Encoded(message.SerializeToString())
        except Exception as error:
            faults.add(None, "unencodable", f"this value cannot be encoded as {name}: {error}")
        return Unencodable(faults.faults)

    def _unknown(self, name: str) -> str:
        if name.startswith("bytes:"):
            return f"{name} does not name a media type: give one like bytes:image/png"
        return f"there is no type {name}{did_you_mean(name, [*self._types.messages, 'json', 'bytes'])}"

    def _shape(self, name: str) -> _Shape:
        shape = self._shapes.get(name)
        if shape is None:
            message, syntax = self._types.messages[name]
            fields = [self._field(message, field, syntax) for field in message.field]
            by_name = {field.json_name: field for field in fields}
            by_name.update((field.name, field) for field in fields)
            shape = _Shape(name, fields, frozenset(field.name for field in fields), by_name)
            self._shapes[name] = shape
        return shape

    def _field(self, message: Any, field: Any, syntax: str) -> _Field:
        type_name = field.type_name.lstrip(".")
        is_list = field.label == Kind.LABEL_REPEATED
        is_message = field.type == Kind.TYPE_MESSAGE
        map_entry: Optional[_Map] = None
        if is_list and is_message and self._types.messages[type_name][0].options.map_entry:
            entry, entry_syntax = self._types.messages[type_name]
            key, value = sorted(entry.field, key=lambda each: int(each.number))
            map_entry = _Map(key.type, self._field(entry, value, entry_syntax))
        in_oneof = field.HasField("oneof_index")
        return _Field(
            name=field.name,
            json_name=field.json_name or _camel(field.name),
            kind=field.type,
            type_name=type_name,
            is_list=is_list,
            map_entry=map_entry,
            presence=not is_list and (is_message or in_oneof or syntax == "proto2"),
            required=field.label == Kind.LABEL_REQUIRED,
            oneof=(
                message.oneof_decl[field.oneof_index].name if in_oneof and not field.proto3_optional else ""
            ),
        )

    # Reading

    def _read(self, name: str, message: Any) -> Any:
        if name in _TIMES:
            return _TIMES[name][0](message)
        if name in _ONE_FIELD:
            field = self._shape(name).fields[0]
            return self._read_field(field, getattr(message, field.name))
        if name == _VALUE:
            return self._read_value(message)
        if name == _FIELD_MASK:
            return read_field_mask(message.paths)
        if name == _ANY:
            known = self._read_any(message)
            if known is not None:
                return known
        shape = self._shape(name)
        return record_of(
            {
                field.name: self._read_field(field, getattr(message, field.name))
                for field in shape.fields
                if not field.presence or message.HasField(field.name)
            },
            shape.names,
        )

    def _read_field(self, field: _Field, raw: Any) -> Any:
        if field.map_entry is not None:
            value = field.map_entry.value
            return Record({_key_text(key): self._read_single(value, raw[key]) for key in raw})
        if field.is_list:
            return [self._read_single(field, item) for item in raw]
        return self._read_single(field, raw)

    def _read_single(self, field: _Field, raw: Any) -> Any:
        if field.kind == Kind.TYPE_MESSAGE:
            return self._read(field.type_name, raw)
        if field.kind == Kind.TYPE_ENUM:
            for value in self._types.enums[field.type_name][0].value:
                if value.number == raw:
                    return value.name
        return raw

    def _read_value(self, message: Any) -> Any:
        kind = message.WhichOneof("kind")
        if kind is None or kind == "null_value":
            return None
        if kind in ("struct_value", "list_value"):
            name = "google.protobuf." + ("Struct" if kind == "struct_value" else "ListValue")
            return self._read(name, getattr(message, kind))
        value = getattr(message, kind)
        if kind == "number_value" and not math.isfinite(value):
            raise ValueError(f"{value} does not fit a google.protobuf.Value: it must be finite")
        return value

    def _read_any(self, message: Any) -> Optional[Record]:
        """Nothing where the type is not known."""
        name = type_in(message.type_url)
        cls = self._types.class_of(name)
        if cls is None:
            return None if message.type_url or message.value else Record()
        within = getattr(self._reading, "within", 0)
        if within >= _MAX_WITHIN:
            raise ValueError(f"messages of type Any are nested more than {_MAX_WITHIN} levels deep")
        self._reading.within = within + 1
        try:
            value = self._read(name, parse(cls, message.value))
        finally:
            self._reading.within = within
        fields = {"value": value} if name in _OWN_FORM else value
        return Record({"@type": message.type_url, **fields})

    # Writing: each gives WRONG where there was a fault

    def _write(self, name: str, value: Any, at: Optional[Place], faults: FaultList, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            return faults.add(at, "too_deep", f"more than {_MAX_DEPTH} levels of messages")
        cls = self._types.class_of(name)
        if cls is None:
            return faults.add(at, "unknown_type", self._unknown(name))
        message = cls()
        if name in _TIMES:
            written = _TIMES[name][1](value, at, faults)
            if written is not WRONG:
                message.seconds, message.nanos = written
            return message
        if name in _ONE_FIELD:
            self._set(message, self._shape(name).fields[0], value, at, faults, depth)
            return message
        if name == _VALUE:
            self._write_value(message, plain(value), at, faults, depth)
            return message
        if name == _ANY and isinstance(value, Mapping) and "@type" in value:
            self._write_any(message, value, at, faults, depth)
            return message
        if name == _FIELD_MASK and not isinstance(value, Mapping):
            paths = write_field_mask(value, at, faults)
            if paths is not WRONG:
                message.paths.extend(paths)
            return message
        if not isinstance(value, Mapping):
            expected = f"give a mapping with the fields of {name}"
            return faults.add(at, "wrong_type", f"{show(value)} is not a {name}: {expected}")
        self._write_fields(message, self._shape(name), value, at, faults, depth)
        return message

    def _write_any(
        self, message: Any, value: Mapping[Any, Any], at: Optional[Place], faults: FaultList, depth: int
    ) -> None:
        url = value["@type"]
        place = Place(at, "@type")
        if not isinstance(url, str) or "/" not in url:
            expected = "give one like type.googleapis.com/shop.v1.Price"
            faults.add(place, "wrong_type", f"{show(url)} is not the URL of a type: {expected}")
            return
        name = type_in(url)
        if self._types.class_of(name) is None:
            faults.add(place, "unknown_type", f"there is no type {name} here")
            return
        rest = {key: item for key, item in value.items() if key != "@type"}
        before = len(faults.faults)
        if name in _OWN_FORM:
            for key in rest:
                if key != "value":
                    told = f"beside @type there is only value, not {show(key)}"
                    faults.add(Place(at, _key_text(key)), "unknown_field", told)
            written = self._write(name, rest.get("value"), Place(at, "value"), faults, depth + 1)
        else:
            written = self._write(name, rest, at, faults, depth + 1)
        if len(faults.faults) == before:
            message.type_url = str.__str__(url)
            message.value = written.SerializeToString()

    def _write_fields(
        self,
        message: Any,
        shape: _Shape,
        value: Mapping[Any, Any],
        at: Optional[Place],
        faults: FaultList,
        depth: int,
    ) -> None:
        chosen: Dict[str, str] = {}
        seen = set()
        for key, raw in value.items():
            field = shape.by_name.get(key) if isinstance(key, str) else None
            place = Place(at, _key_text(key))
            if field is None:
                near = did_you_mean(str(key), shape.by_name)
                faults.add(place, "unknown_field", f"{shape.name} has no field {show(key)}{near}")
                continue
            if raw is None and not (field.type_name == _VALUE and not field.is_list):
                continue
            if field.name in seen:
                told = f"{field.name} is given twice, under both its names"
                faults.add(place, "duplicate_field", told)
                continue
            seen.add(field.name)
            if field.oneof:
                other = chosen.setdefault(field.oneof, field.name)
                if other != field.name:
                    rule = f"of {field.oneof} only one may be set"
                    told = f"{field.name} and {other} are both given: {rule}"
                    faults.add(place, "oneof_conflict", told)
            self._set(message, field, raw, place, faults, depth)
        for field in shape.fields:
            if field.required and field.name not in seen:
                place = Place(at, field.name)
                faults.add(place, "missing_field", f"{shape.name} requires {field.name}")

    def _set(
        self, message: Any, field: _Field, raw: Any, at: Optional[Place], faults: FaultList, depth: int
    ) -> None:
        if field.map_entry is not None:
            self._set_map(getattr(message, field.name), field.map_entry, raw, at, faults, depth)
            return
        if field.is_list:
            raw = plain(raw)
            if not isinstance(raw, (list, tuple)):
                told = f"{show(raw)} is not a list: give a list of values"
                faults.add(at, "wrong_type", told)
                return
            items = [
                self._write_single(field, item, Place(at, index), faults, depth)
                for index, item in enumerate(raw)
            ]
            if not any(item is WRONG for item in items):
                getattr(message, field.name).extend(items)
            return
        written = self._write_single(field, raw, at, faults, depth)
        if written is WRONG:
            return
        if field.kind == Kind.TYPE_MESSAGE:
            getattr(message, field.name).CopyFrom(written)
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, written)

    def _set_map(
        self, target: Any, entry: _Map, raw: Any, at: Optional[Place], faults: FaultList, depth: int
    ) -> None:
        if not isinstance(raw, Mapping):
            faults.add(at, "wrong_type", f"{show(raw)} is not a map: give a mapping")
            return
        write_key = SCALAR_WRITERS[entry.key_kind]
        seen: Set[Any] = set()
        for key, item in raw.items():
            place = Place(at, _key_text(key))
            if entry.key_kind == Kind.TYPE_BOOL and key in ("true", "false"):
                key = key == "true"
            elif entry.key_kind == Kind.TYPE_STRING and isinstance(plain(key), int):
                key = _key_text(plain(key))
            key_written = write_key(key, place, faults)
            # On the wire an entry is a message, too.
            written = self._write_single(entry.value, item, place, faults, depth + 1)
            if key_written is WRONG or written is WRONG:
                continue
            if key_written in seen:
                faults.add(place, "duplicate_field", f"two keys become {show(key_written)}: give one of them")
                continue
            seen.add(key_written)
            if entry.value.kind == Kind.TYPE_MESSAGE:
                target[key_written].CopyFrom(written)
            else:
                target[key_written] = written

    def _write_single(
        self, field: _Field, raw: Any, at: Optional[Place], faults: FaultList, depth: int
    ) -> Any:
        if field.kind == Kind.TYPE_MESSAGE:
            return self._write(field.type_name, raw, at, faults, depth + 1)
        if field.kind == Kind.TYPE_ENUM:
            return self._write_enum(field.type_name, raw, at, faults)
        return SCALAR_WRITERS[field.kind](raw, at, faults)

    def _write_enum(self, name: str, value: Any, at: Optional[Place], faults: FaultList) -> Any:
        value = plain(value)
        enum, syntax = self._types.enums[name]
        numbers = {each.name: each.number for each in enum.value}
        if isinstance(value, str) and value in numbers:
            return numbers[value]
        if value is None and name == "google.protobuf.NullValue":
            return 0
        if isinstance(value, int) and not isinstance(value, bool):
            if value in numbers.values() or syntax != "proto2":
                return SCALAR_WRITERS[Kind.TYPE_INT32](value, at, faults)
        expected = f"give one of {', '.join(numbers)}"
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            return faults.add(at, "wrong_type", f"{show(value)} is not a {name}: {expected}")
        near = did_you_mean(value, numbers) if isinstance(value, str) else ""
        return faults.add(at, "unknown_enum_value", f"{show(value)} is not a {name}{near}: {expected}")

    def _write_value(
        self, message: Any, value: Any, at: Optional[Place], faults: FaultList, depth: int
    ) -> None:
        if value is None:
            message.null_value = 0
        elif isinstance(value, bool):
            message.bool_value = value
        elif isinstance(value, (int, float)):
            if not (math.isfinite(value) if isinstance(value, float) else is_kept(int.__int__(value))):
                told = f"{show(value)} is not a number of JSON: give None, or it as a string"
                faults.add(at, "out_of_range", told)
                return
            message.number_value = value
        elif isinstance(value, str):
            written = write_text(value, at, faults)
            if written is not WRONG:
                message.string_value = written
        elif isinstance(value, (Mapping, list, tuple)):
            kind, name = (
                ("struct_value", "Struct") if isinstance(value, Mapping) else ("list_value", "ListValue")
            )
            inner = self._write(f"google.protobuf.{name}", value, at, faults, depth + 1)
            if inner is not WRONG:
                getattr(message, kind).CopyFrom(inner)
                getattr(message, kind).SetInParent()
        else:
            expected = "give None, True, False, a number, text, a list or a mapping"
            faults.add(at, "wrong_type", f"{show(value)} is not JSON: {expected}")


def _is_json(name: str) -> bool:
    """``json:<name>`` has a schema, which the orchestrator checks."""
    return name == "json" or (name.startswith("json:") and name != "json:")


def _key_text(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str.__str__(key) if isinstance(key, str) else str(key)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others)
