"""Inputs and outputs by the types of the newest welcome: decoded for the handler, encoded for the orchestrator."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Tuple

from .errors import NonRetryableError, TuttiError
from .messages import Content, FetchedInput, Rules, Start
from .spool import read, spool
from .values.media_types import is_bytes
from .values.types import Decoded, Types, Unencodable


class Payloads:
    def __init__(self) -> None:
        self._rules = Rules(b"", "json", False, 0, "")
        self._types = Types(b"")
        self._version = (b"", self._types)

    def set(self, rules: Rules) -> None:
        if rules.descriptors != self._rules.descriptors:
            self._types = Types(rules.descriptors)
        self._rules = rules

    def decode(self, given: FetchedInput, start: Start) -> Any:
        """Raises ``NonRetryableError`` ``unknown_type``, ``bad_input``."""
        types = self._types_of(start)
        if not types.has(given.type):
            told = f"input {given.name}: the orchestrator did not send the type {given.type}"
            raise NonRetryableError("unknown_type", told)
        decoded = types.decode(given.type, read(given.content))
        if isinstance(decoded, Decoded):
            return decoded.value
        told = f"input {given.name} is not a {given.type}: {decoded.message}"
        raise NonRetryableError("bad_input", told)

    def encode(self, value: Any, start: Start, name: str = "") -> Tuple[str, Content]:
        """By reference where it is too large to go inline. Raises ``TuttiError`` ``bad_output``, ``no_temp_folder``.

        :param name: of one of a module's named outputs
        """
        rules = self._rules
        kind = rules.output_type if rules.is_declared else start.output_type or rules.output_type
        if name:
            kind = dict(start.outputs)[name]
        what = f"the output {name}" if name else "the output"
        if is_bytes(kind) and isinstance(value, PurePath):
            return kind, self._file(value, rules, what)
        encoded = self._types_of(start).encode(kind, value)
        if isinstance(encoded, Unencodable):
            faults = "; ".join(f"{path}: {told}" if path else told for path, _, told in encoded.faults)
            told = f"{what} is not a {kind}: {faults}"
            raise TuttiError("bad_output", told, details=encoded.faults)
        if len(encoded.content) <= rules.inline_max_bytes:
            return kind, encoded.content
        return kind, spool(encoded.content, rules.spool)

    def _types_of(self, start: Start) -> Types:
        """The types of this execution's graph version, by name."""
        if not start.descriptors:
            return self._types
        descriptors, types = self._version
        if descriptors != start.descriptors:
            types = Types(start.descriptors)
            self._version = (start.descriptors, types)
        return types

    def _file(self, path: PurePath, rules: Rules, what: str) -> Content:
        try:
            with open(path, "rb") as file:
                content = file.read(rules.inline_max_bytes + 1)
        except OSError as error:
            raise NonRetryableError("bad_output", f"{what} cannot be read: {error}") from error
        return content if len(content) <= rules.inline_max_bytes else spool(path, rules.spool)
