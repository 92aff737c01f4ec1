"""Types for type checkers, from a serialised ``FileDescriptorSet``.

    python -m tutti.stubs DESCRIPTORS [TYPE...] > my_types.py

writes a module with a class for each message (of the types named, and what they need; by default of all), to annotate a node with:

    class Inputs(Record):
        ml_model: MLModel

    @node("carbon_footprint")
    def run(task: Task[Inputs, Record]) -> CO2Footprint:
        return CO2Footprint(carbon_footprint=0.1 * len(task.inputs.ml_model.model))

``DESCRIPTORS`` is a folder of ``.proto`` files, or what ``protoc --include_imports --descriptor_set_out=FILE`` writes; ``-`` is stdin.
"""

from __future__ import annotations

import keyword
import os
import sys
from typing import Any, Dict, List, Sequence, Set

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Kind

from .errors import TuttiError
from .nearest import did_you_mean
from .pool import MessageTypes
from .schemas.proto_files import read_proto_files

_PLAIN = {
    "google.protobuf.Timestamp": "str",
    "google.protobuf.Duration": "str",
    "google.protobuf.Struct": "Dict[str, Any]",
    "google.protobuf.ListValue": "List[Any]",
    "google.protobuf.Value": "Any",
    "google.protobuf.DoubleValue": "float",
    "google.protobuf.FloatValue": "float",
    "google.protobuf.Int64Value": "int",
    "google.protobuf.UInt64Value": "int",
    "google.protobuf.Int32Value": "int",
    "google.protobuf.UInt32Value": "int",
    "google.protobuf.BoolValue": "bool",
    "google.protobuf.StringValue": "str",
    "google.protobuf.BytesValue": "bytes",
}
_SCALARS: Dict[int, str] = {
    Kind.TYPE_DOUBLE: "float",
    Kind.TYPE_FLOAT: "float",
    Kind.TYPE_BOOL: "bool",
    Kind.TYPE_STRING: "str",
    Kind.TYPE_BYTES: "bytes",
    Kind.TYPE_ENUM: "str",
}
_HEAD = '''"""Decoded messages, for type checkers; written by `python -m tutti.stubs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

from tutti import Record
'''


def stubs(descriptors: bytes, names: Sequence[str] = ()) -> str:
    """The module's text. Raises ``TuttiError`` ``unknown_type``."""
    return _Writer(MessageTypes(descriptors)).write(names)


class _Writer:
    def __init__(self, types: MessageTypes) -> None:
        self._types = types
        self._classes: Dict[str, str] = {}

    def write(self, names: Sequence[str]) -> str:
        wanted = self._closure(names or [name for name in self._types.messages if name not in _PLAIN])
        short = [name.rsplit(".", 1)[1] for name in wanted]
        for name, last in zip(wanted, short):
            # Of two types with one name both are called by their full ones.
            self._classes[name] = last if short.count(last) == 1 else name.replace(".", "_")
        return _HEAD + "".join(f"\n\n{self._class(name)}" for name in wanted)

    def _closure(self, names: Sequence[str]) -> List[str]:
        found: List[str] = []
        seen: Set[str] = set()

        def add(name: str) -> None:
            if name in _PLAIN or name in seen:
                return
            if name not in self._types.messages:
                near = did_you_mean(name, self._types.messages)
                raise TuttiError("unknown_type", f"there is no type {name}{near}")
            seen.add(name)
            message, _ = self._types.messages[name]
            for field in message.field:
                if field.type == Kind.TYPE_MESSAGE:
                    add(field.type_name.lstrip("."))
            if not message.options.map_entry:
                found.append(name)

        for name in names:
            add(name)
        return found

    def _class(self, name: str) -> str:
        message, _ = self._types.messages[name]
        lines = [f"class {self._classes[name]}(Record):", f'    """{name}"""', ""]
        arguments: List[str] = []
        for field in message.field:
            kind = self._kind(field)
            if not field.name.isidentifier() or keyword.iskeyword(field.name) or hasattr(dict, field.name):
                lines.append(f'    # record["{field.name}"]: {kind}')
                continue
            single = field.label != Kind.LABEL_REPEATED
            absent = single and (field.type == Kind.TYPE_MESSAGE or field.HasField("oneof_index"))
            lines.append(f"    {field.name}: {f'Optional[{kind}]' if absent else kind}")
            arguments.append(f"            {field.name}: {kind} = ...,")
        if arguments:
            lines += ["", "    if TYPE_CHECKING:", "", "        def __init__(", "            self,"]
            lines += ["            *,", *arguments, "        ) -> None: ..."]
        return "\n".join(lines) + "\n"

    def _kind(self, field: Any) -> str:
        single = self._single(field)
        if field.label != Kind.LABEL_REPEATED:
            return single
        if field.type == Kind.TYPE_MESSAGE:
            entry, _ = self._types.messages[field.type_name.lstrip(".")]
            if entry.options.map_entry:
                value = next(each for each in entry.field if each.number == 2)
                return f"Dict[str, {self._single(value)}]"
        return f"List[{single}]"

    def _single(self, field: Any) -> str:
        if field.type == Kind.TYPE_MESSAGE:
            name = field.type_name.lstrip(".")
            return _PLAIN[name] if name in _PLAIN else self._classes.get(name, "Any")
        return _SCALARS.get(int(field.type), "int")


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__, file=sys.stderr)
        return 0 if arguments else 2
    try:
        if arguments[0] == "-":
            descriptors = sys.stdin.buffer.read()
        elif os.path.isdir(arguments[0]):
            descriptors = read_proto_files([arguments[0]])
        else:
            with open(arguments[0], "rb") as file:
                descriptors = file.read()
        sys.stdout.write(stubs(descriptors, arguments[1:]))
    except Exception as error:
        print(f"error: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
