"""The canonical form of a type's schema, and its hash: two sides that have the same hash mean the same by the type.

The form is what ``docs/node-protocol.md`` says, to the byte.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Any, Dict, List, Tuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Kind

from ..pool import MessageTypes
from .proto_parser import SCALARS

_SCALAR_NAMES = {number: name for name, number in SCALARS.items()}
_WELL_KNOWN = "google.protobuf."
_ESCAPED = re.compile('[\x00-\x1f"\\\\\ud800-\udfff]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def hash_of(form: str) -> str:
    return hashlib.sha256(form.encode("utf-8")).hexdigest()


def message_form(types: MessageTypes, name: str) -> str:
    """The form of a message with all that it leads to."""
    reached: Dict[str, str] = {}
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in reached or each.startswith(_WELL_KNOWN):
            continue
        if each in types.enums:
            reached[each] = _enum_form(types, each)
        else:
            reached[each], needs = _message_form(types, each)
            waiting += needs
    return "".join(reached[each] for each in sorted(reached))


def _enum_form(types: MessageTypes, name: str) -> str:
    values = sorted((number, value) for value, number in types.enum_values(name).items())
    return f"enum {name}\n" + "".join(f"  {number} {value}\n" for number, value in values)


def _message_form(types: MessageTypes, name: str) -> Tuple[str, List[str]]:
    message, syntax = types.messages[name]
    lines = [f"message {name}\n"]
    needs: List[str] = []
    for field in sorted(message.field, key=lambda each: int(each.number)):
        entry = _map_entry(types, field)
        of = field if entry is None else entry.field[1]
        label = _label(message, field, syntax) if entry is None else f"map<{_type_name(entry.field[0])}>"
        lines.append(f"  {field.number} {field.name} {label} {_type_name(of)}\n")
        if of.type_name:
            needs.append(of.type_name.lstrip("."))
    return "".join(lines), needs


def _map_entry(types: MessageTypes, field: Any) -> Any:
    if field.type != Kind.TYPE_MESSAGE or field.label != Kind.LABEL_REPEATED:
        return None
    of, _ = types.messages[field.type_name.lstrip(".")]
    return of if of.options.map_entry else None


def _label(message: Any, field: Any, syntax: str) -> str:
    """How often a field may be there."""
    if field.label == Kind.LABEL_REPEATED:
        return "repeated"
    if field.label == Kind.LABEL_REQUIRED:
        return "required"
    if field.HasField("oneof_index") and not field.proto3_optional:
        return f"oneof:{message.oneof_decl[field.oneof_index].name}"
    has_presence = syntax == "proto2" or field.proto3_optional
    return "optional" if has_presence and field.type != Kind.TYPE_MESSAGE else "one"


def _type_name(field: Any) -> str:
    return str(field.type_name.lstrip(".")) if field.type_name else _SCALAR_NAMES[field.type]


def canonical_json(value: Any) -> str:
    """JSON without white space, the keys of each object sorted by their UTF-16 code units, numbers as ECMAScript writes them."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return _number(float(value))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{','.join(map(canonical_json, value))}]"
    keys = sorted(value, key=lambda key: str(key).encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{_text(key)}:{canonical_json(value[key])}" for key in keys) + "}"


def _text(text: str) -> str:
    # Half of a surrogate pair is an escape, as in every other JSON of ours.
    return '"' + _ESCAPED.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", text) + '"'


def _number(value: float) -> str:
    """The shortest digits that are still the same double."""
    if value != value or value in (float("inf"), float("-inf")):
        return "null"
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    if 0 < point <= 21:
        shown = text.ljust(point, "0") if len(text) <= point else f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        shown = f"0.{'0' * -point}{text}"
    else:
        mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
        shown = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return "-" * sign + shown
