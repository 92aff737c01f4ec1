"""Folders of ``.proto`` files as one serialised ``FileDescriptorSet``, with file and line of all that is wrong with them."""

from __future__ import annotations

import importlib
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set

from google.protobuf import descriptor_pb2

from ..errors import Fault, TuttiError
from ..nearest import did_you_mean
from ..pool import MessageTypes
from .proto_parser import Malformed, fields_with_names, line_of, parse_proto

_BUNDLED = (
    *("any", "api", "compiler/plugin", "descriptor", "duration", "empty", "field_mask", "source_context"),
    *("struct", "timestamp", "type", "wrappers"),
)
"""What is always there, as ``google/protobuf/<name>.proto``."""


class _File(NamedTuple):
    shown: str
    """For people: the folder as it was given, and the path below it."""
    text: str
    proto: Any


def read_proto_files(folders: Sequence[str]) -> bytes:
    """Every file comes after those that it needs. Raises ``TuttiError`` ``bad_proto`` with all faults in ``details``."""
    faults: List[Fault] = []
    files = _parse(folders, faults)
    _resolve_imports(files, folders, faults)
    if not faults:
        _resolve_types(files, faults)
    serialised = descriptor_pb2.FileDescriptorSet(file=_in_order(files)).SerializeToString()
    if not faults:
        try:
            MessageTypes(serialised)
        except Exception as error:
            faults.append(Fault(", ".join(folders), "bad_proto", f"these files do not fit together: {error}"))
    if faults:
        path, _, message = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        hint = "every .proto file under a proto path must be valid"
        raise TuttiError("bad_proto", f"{path}: {message}{more}", hint, faults)
    return bytes(serialised)


def files_under(folder: str, suffix: str) -> List[str]:
    """Their paths below the folder, with ``/``, sorted. Raises ``OSError``."""
    found: List[str] = []
    os.listdir(folder)
    for directory, _, names in os.walk(folder, followlinks=True):
        below = os.path.relpath(directory, folder)
        found += [
            os.path.normpath(os.path.join(below, name)).replace(os.sep, "/")
            for name in names
            if name.endswith(suffix)
        ]
    return sorted(found)


def _parse(folders: Sequence[str], faults: List[Fault]) -> Dict[str, _File]:
    """By the path that others import them by; of two with one path, or of one file that two lead to, the first counts."""
    files: Dict[str, _File] = {}
    seen: Set[str] = set()
    for folder in folders:
        try:
            paths = files_under(folder, ".proto")
        except OSError as error:
            faults.append(Fault(folder, "bad_proto", f"this proto path cannot be read: {error.strerror}"))
            continue
        for path in paths:
            shown = os.path.join(folder, path)
            real = os.path.realpath(shown)
            if path in files or real in seen:
                continue
            seen.add(real)
            try:
                with open(shown, encoding="utf-8-sig") as file:
                    text = file.read()
                files[path] = _File(shown, text, parse_proto(path, text))
            except Malformed as malformed:
                faults.append(Fault(f"{shown}:{malformed.line}", "bad_proto", str(malformed)))
            except (OSError, ValueError) as error:
                faults.append(Fault(shown, "bad_proto", f"it cannot be read: {error}"))
    return files


def _resolve_imports(files: Dict[str, _File], folders: Sequence[str], faults: List[Fault]) -> None:
    waiting = list(files.values())
    while waiting:
        file = waiting.pop(0)
        for path in file.proto.dependency:
            if path in files:
                continue
            if _add_bundled(files, path):
                waiting.append(files[path])
            else:
                line = line_of(file.text, re.escape(path)) or 1
                message = f"imports {path}, which is in none of {', '.join(folders)}"
                faults.append(Fault(f"{file.shown}:{line}", "bad_proto", message))


def _add_bundled(files: Dict[str, _File], path: str) -> bool:
    name = path[len("google/protobuf/") : -len(".proto")]
    if path != f"google/protobuf/{name}.proto" or name not in _BUNDLED:
        return False
    proto = descriptor_pb2.FileDescriptorProto()
    importlib.import_module(f"google.protobuf.{name.replace('/', '.')}_pb2").DESCRIPTOR.CopyToProto(proto)
    files[path] = _File(path, "", proto)
    return True


def _resolve_types(files: Dict[str, _File], faults: List[Fault]) -> None:
    """Gives every field its type's full name, and every file the files that it needs."""
    home: Dict[str, str] = {}
    enums: Set[str] = set()

    def declare(path: str, scope: str, declared: Any) -> str:
        name = f"{scope}.{declared.name}" if scope else str(declared.name)
        home.setdefault(name, path)
        return name

    def declare_all(path: str, scope: str, messages: Any, of_scope: Any) -> None:
        enums.update(declare(path, scope, enum) for enum in of_scope)
        for message in messages:
            name = declare(path, scope, message)
            declare_all(path, name, message.nested_type, message.enum_type)

    for path, file in files.items():
        declare_all(path, file.proto.package, file.proto.message_type, file.proto.enum_type)
    for path, file in files.items():
        needs: Set[str] = set()
        for scope, field in fields_with_names(file.proto.message_type, file.proto.package):
            name = _look_up(field.type_name, scope, home)
            if name is None:
                near = did_you_mean(field.type_name, [*home, *(each.rsplit(".", 1)[-1] for each in home)])
                line = line_of(file.text, rf"\b{re.escape(field.name)}\s*=\s*{field.number}\b") or 1
                message = f"{field.name} has the unknown type {field.type_name}{near}"
                faults.append(Fault(f"{file.shown}:{line}", "bad_proto", message))
                continue
            field.type_name = f".{name}"
            field.type = field.TYPE_ENUM if name in enums else field.TYPE_MESSAGE
            needs.add(home[name])
        del file.proto.dependency[:]
        del file.proto.public_dependency[:]
        del file.proto.weak_dependency[:]
        file.proto.dependency.extend(sorted(needs - {path}))


def _look_up(name: str, scope: str, home: Dict[str, str]) -> Optional[str]:
    """What a name stands for, from the innermost scope outwards."""
    if name.startswith("."):
        return name[1:] if name[1:] in home else None
    parts = scope.split(".") if scope else []
    for length in range(len(parts), -1, -1):
        candidate = ".".join([*parts[:length], name])
        if candidate in home:
            return candidate
    return None


def _in_order(files: Dict[str, _File]) -> List[Any]:
    ordered: Dict[str, Any] = {}

    def visit(path: str, above: Sequence[str]) -> None:
        if path in ordered or path in above or path not in files:
            return
        for need in files[path].proto.dependency:
            visit(need, [*above, path])
        ordered[path] = files[path].proto

    for path in sorted(files):
        visit(path, [])
    return list(ordered.values())
