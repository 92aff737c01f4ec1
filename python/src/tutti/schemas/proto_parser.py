"""One ``.proto`` file as a ``FileDescriptorProto``, without ``protoc``.

Taken is what says of what form a message is: packages, imports, messages, enums, fields, ``oneof`` and ``map``, in proto2 and proto3.
Options, services, extensions and reservations are read over. The types of fields are left as they are written: ``proto_files`` finds
what they stand for.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from google.protobuf import descriptor_pb2

_Field = descriptor_pb2.FieldDescriptorProto

SCALARS: Dict[str, int] = {
    name: getattr(_Field, f"TYPE_{name.upper()}")
    for name in (
        *("double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64"),
        *("sfixed32", "sfixed64", "bool", "string", "bytes"),
    )
}
_LABELS = {
    "optional": _Field.LABEL_OPTIONAL,
    "required": _Field.LABEL_REQUIRED,
    "repeated": _Field.LABEL_REPEATED,
}
_TOKEN = re.compile(
    r"""(?P<skipped>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<word>\.?[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<number>[0-9][A-Za-z0-9_.]*(?:(?<=[eE])[+-][0-9]+)?|\.[0-9]+)
    |(?P<mark>[{}\[\]()<>=;,:+\-/])""",
    re.VERBOSE | re.DOTALL,
)
_OPENING, _CLOSING = "{[(", "}])"


class Malformed(Exception):
    """The file is not a ``.proto`` that can be dealt with, at this line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def parse_proto(name: str, text: str) -> Any:
    """``name``: as other files import it. Raises ``Malformed``."""
    return _Parser(name, text).file()


def _tokens(text: str) -> List[_Token]:
    tokens: List[_Token] = []
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Malformed(line, f"illegal character {text[at]!r}")
        if found.lastgroup != "skipped":
            tokens.append(_Token(found.lastgroup or "", found.group(), line))
        line += found.group().count("\n")
        at = found.end()
    tokens.append(_Token("end", "the end of the file", line))
    return tokens


class _Parser:
    def __init__(self, name: str, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._file = descriptor_pb2.FileDescriptorProto(name=name, syntax="proto2")

    def file(self) -> Any:
        while self._peek().kind != "end":
            word = self._next().text
            if word == "syntax":
                self._expect("=")
                self._file.syntax = self._string()
                if self._file.syntax not in ("proto2", "proto3"):
                    self._fail(f'syntax {self._file.syntax!r} is not supported: write syntax = "proto3"')
                self._expect(";")
            elif word == "edition":
                self._fail('editions are not supported: write syntax = "proto3"')
            elif word == "package":
                self._file.package = self._word()
                self._expect(";")
            elif word == "import":
                if self._peek().text in ("public", "weak"):
                    self._next()
                self._file.dependency.append(self._string())
                self._expect(";")
            elif word == "message":
                self._message(self._file.message_type.add())
            elif word == "enum":
                self._enum(self._file.enum_type.add())
            elif word in ("option", "service", "extend"):
                self._skip_statement()
            elif word != ";":
                self._fail(f"{word} is not expected here")
        return self._file

    def _message(self, message: Any) -> None:
        message.name = self._word()
        self._expect("{")
        optional: List[Any] = []
        while not self._takes("}"):
            following = self._tokens[self._at + 1]
            word = self._next().text
            if word == ";":
                continue
            # A field may be of a type that is called like a keyword: `option.Kind kind = 1`.
            if word == "message" and following.kind == "word":
                self._message(message.nested_type.add())
            elif word == "enum" and following.kind == "word":
                self._enum(message.enum_type.add())
            elif word == "oneof":
                self._oneof(message)
            elif word in ("option", "reserved", "extensions", "extend"):
                self._skip_statement()
            elif word in _LABELS:
                field = self._field(message, self._next().text, _LABELS[word])
                if word == "required" and self._is_proto3:
                    self._fail(f"{field.name} is required, which proto3 does not have")
                if word == "optional" and self._is_proto3:
                    optional.append(field)
            elif word == "map" and following.text == "<":
                self._map(message)
            else:
                if not self._is_proto3:
                    self._fail(f"{word} has no label, which proto2 demands: optional, required or repeated")
                self._field(message, word, _Field.LABEL_OPTIONAL)
        # Each stands for the presence of one field, and all come after those that were written.
        for field in optional:
            field.proto3_optional = True
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")

    def _field(self, message: Any, kind: str, label: int) -> Any:
        if kind == "group":
            self._fail("groups are not supported: give the field a message type")
        field = message.field.add(label=label)
        _set_type(field, kind)
        field.name = self._word()
        self._expect("=")
        field.number = self._number()
        self._options()
        return field

    def _map(self, message: Any) -> None:
        self._expect("<")
        key = self._word()
        self._expect(",")
        kind = self._word()
        self._expect(">")
        if key not in SCALARS or key in ("double", "float", "bytes"):
            self._fail(f"{key} cannot be the key of a map")
        entry_at = len(message.nested_type)
        entry = message.nested_type.add()
        field = self._field(message, "?", _Field.LABEL_REPEATED)
        entry.name = "".join(part[:1].upper() + part[1:] for part in field.name.split("_")) + "Entry"
        entry.options.map_entry = True
        for number, (name, of) in enumerate((("key", key), ("value", kind)), 1):
            _set_type(entry.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL), of)
        field.type_name = message.nested_type[entry_at].name

    def _oneof(self, message: Any) -> None:
        index = len(message.oneof_decl)
        message.oneof_decl.add(name=self._word())
        self._expect("{")
        while not self._takes("}"):
            word = self._next().text
            if word == "option":
                self._skip_statement()
            elif word != ";":
                self._field(message, word, _Field.LABEL_OPTIONAL).oneof_index = index

    def _enum(self, enum: Any) -> None:
        enum.name = self._word()
        self._expect("{")
        numbers = set()
        while not self._takes("}"):
            word = self._next().text
            if word in ("option", "reserved") and self._peek().text != "=":
                self._skip_statement()
            elif word != ";":
                self._expect("=")
                sign = -1 if self._takes("-") else 1
                value = enum.value.add(name=word, number=sign * self._number())
                if value.number in numbers:
                    enum.options.allow_alias = True
                numbers.add(value.number)
                self._options()

    def _options(self) -> None:
        """What may follow a number: `[deprecated = true];`"""
        if self._peek().text == "[":
            self._skip_block()
        self._expect(";")

    def _skip_statement(self) -> None:
        """To its semicolon, or to the end of its block."""
        while True:
            token = self._peek()
            if token.kind == "end":
                self._fail(f"{token.text} is not expected here")
            if token.text in _OPENING:
                self._skip_block()
                # An option's value may be a block, with a semicolon after it; of a declaration the block is the end.
                if token.text == "{":
                    if self._peek().text == ";":
                        self._next()
                    return
            elif self._next().text == ";":
                return

    def _skip_block(self) -> None:
        depth = 0
        while True:
            token = self._next()
            if token.kind == "end":
                self._fail(f"{token.text} is not expected here")
            depth += (token.kind == "mark" and token.text in _OPENING) - (
                token.kind == "mark" and token.text in _CLOSING
            )
            if depth == 0:
                return

    @property
    def _is_proto3(self) -> bool:
        return bool(self._file.syntax == "proto3")

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _takes(self, text: str) -> bool:
        if self._peek().kind == "end":
            self._at += 1
            self._fail("the file ends within a block")
        if self._peek().text != text:
            return False
        self._next()
        return True

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            self._fail(f"{token.text} is not expected here, but {text}")

    def _word(self) -> str:
        return self._of_kind("word", "a name")

    def _string(self) -> str:
        return self._of_kind("text", "a text in quotes")[1:-1]

    def _number(self) -> int:
        text = self._of_kind("number", "a whole number")
        try:
            # Octal as protobuf writes it.
            return int(text, 8) if re.match(r"0[0-7]+\Z", text) else int(text, 0)
        except ValueError:
            self._fail(f"{text} is not expected here, but a whole number")
            raise

    def _of_kind(self, kind: str, right: str) -> str:
        token = self._next()
        if token.kind != kind:
            self._fail(f"{token.text} is not expected here, but {right}")
        return token.text

    def _fail(self, message: str) -> None:
        """At the token that was read last."""
        raise Malformed(self._tokens[max(0, self._at - 1)].line, message)


def _set_type(field: Any, kind: str) -> None:
    if kind in SCALARS:
        field.type = SCALARS[kind]
    else:
        field.type_name = kind


def fields_with_names(messages: Sequence[Any], scope: str) -> List[Tuple[str, Any]]:
    """Every field that names a message or an enum, with the full name of the message that it is in."""
    found: List[Tuple[str, Any]] = []
    for message in messages:
        name = f"{scope}.{message.name}" if scope else message.name
        found += [(name, field) for field in message.field if field.type_name]
        found += fields_with_names(message.nested_type, name)
    return found


def line_of(text: str, pattern: str) -> Optional[int]:
    """Where a pattern is first found."""
    found = re.search(pattern, text)
    return None if found is None else text.count("\n", 0, found.start()) + 1
