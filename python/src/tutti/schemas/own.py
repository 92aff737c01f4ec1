"""What an author wrote a node against, for its hello."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Sequence, Set

from google.protobuf import descriptor_pb2

from ..errors import Fault, TuttiError
from ..nearest import did_you_mean
from ..pool import MessageTypes
from ..protocol import TypeSchema
from .fingerprint import canonical_json, hash_of, message_form
from .proto_files import files_under, read_proto_files

_SUFFIX = ".schema.json"


def own_schemas(proto_paths: Sequence[str], types: Sequence[str]) -> Sequence[TypeSchema]:
    """Of these types, or of all that are in the folders; nothing where no folder is named.

    Raises ``TuttiError`` ``bad_proto`` or ``bad_schema`` with every fault in the files, or ``bad_option`` for a type that is in none
    of them.
    """
    if not proto_paths:
        return []
    files = read_proto_files(proto_paths)
    messages = MessageTypes(files)
    schemas = _read_json_schemas(proto_paths)
    known = [
        name
        for name, (message, _) in messages.messages.items()
        if not name.startswith("google.protobuf.") and not message.options.map_entry
    ]
    known += [f"json:{name}" for name in schemas]
    for each in types:
        if each not in known:
            where = ", ".join(proto_paths)
            raise TuttiError("bad_option", f"types: there is no {each} in {where}{did_you_mean(each, known)}")
    found: List[TypeSchema] = []
    for each in types or sorted(known):
        if each.startswith("json:"):
            form = canonical_json(schemas[each[len("json:") :]])
            found.append(TypeSchema(each, hash_of(form), form.encode("utf-8")))
        else:
            found.append(TypeSchema(each, hash_of(message_form(messages, each)), _definition(files, each)))
    return found


def _definition(files: bytes, name: str) -> bytes:
    """The files that a message needs, its own last."""
    by_path = {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(files).file}
    wanted: Set[str] = set()

    def want(path: str) -> None:
        if path not in wanted:
            wanted.add(path)
            for need in by_path[path].dependency:
                want(need)

    for path, file in by_path.items():
        if _declares(file.package, file.message_type, name):
            want(path)
    # In the order that they were in, each after those that it needs.
    chosen = [file for path, file in by_path.items() if path in wanted]
    return bytes(descriptor_pb2.FileDescriptorSet(file=chosen).SerializeToString())


def _declares(scope: str, messages: Any, name: str) -> bool:
    for message in messages:
        full = f"{scope}.{message.name}" if scope else message.name
        if full == name or _declares(full, message.nested_type, name):
            return True
    return False


def _read_json_schemas(folders: Sequence[str]) -> Dict[str, Any]:
    """Of every ``<name>.schema.json``, by its name; of two with one name the first folder's."""
    schemas: Dict[str, Any] = {}
    faults: List[Fault] = []
    for folder in folders:
        for path in files_under(folder, _SUFFIX):
            name = path[: -len(_SUFFIX)]
            if name in schemas:
                continue
            file = os.path.join(folder, path)
            try:
                with open(file, encoding="utf-8-sig") as opened:
                    schema = json.load(opened, parse_constant=_refuse)
                if not isinstance(schema, dict):
                    raise ValueError("a schema is an object")
                schemas[name] = schema
            except (OSError, ValueError, RecursionError) as error:
                message = f"this is not a JSON Schema that can be used: {error}"
                faults.append(Fault(file, "bad_schema", message))
    if faults:
        raise TuttiError("bad_schema", f"{faults[0].path}: {faults[0].message}", details=faults)
    return schemas


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
