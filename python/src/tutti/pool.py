"""Protobuf message classes from serialised descriptors, on every protobuf runtime from 3.20 on."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional, Tuple, Type

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class MessageTypes:
    """The types of a serialised ``FileDescriptorSet``; of files with the same name the first one counts.

    Raises ``ValueError`` or a protobuf error for what is not a descriptor set, or not a complete one.
    """

    def __init__(self, descriptors: bytes) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        self.messages: Dict[str, Tuple[Any, str]] = {}
        """Of each message, by its full name, its ``DescriptorProto`` and its file's syntax."""
        self.enums: Dict[str, Tuple[Any, str]] = {}
        seen = set()
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file:
            if file.name in seen:
                continue
            seen.add(file.name)
            self._pool.Add(file) if not hasattr(self._pool, "AddSerializedFile") else (
                self._pool.AddSerializedFile(file.SerializeToString())
            )
            syntax = file.syntax or "proto2"
            for name, message in _messages(file.package, file.message_type):
                self.messages[name] = (message, syntax)
                for enum in message.enum_type:
                    self.enums[f"{name}.{enum.name}"] = (enum, syntax)
            for enum in file.enum_type:
                self.enums[f"{file.package}.{enum.name}" if file.package else enum.name] = (enum, syntax)
        self._classes: Dict[str, Type[Any]] = {}
        self._factory = (
            None
            if hasattr(message_factory, "GetMessageClass")
            else message_factory.MessageFactory(self._pool)
        )
        for name in self.messages:
            # Resolved here, so that an incomplete set is refused as a whole.
            self._pool.FindMessageTypeByName(name)

    def class_of(self, name: str) -> Optional[Type[Any]]:
        """The class of a message; nothing for a type that is not among these."""
        if name not in self.messages:
            return None
        found = self._classes.get(name)
        if found is None:
            descriptor = self._pool.FindMessageTypeByName(name)
            found = (
                message_factory.GetMessageClass(descriptor)
                if self._factory is None
                else self._factory.GetPrototype(descriptor)
            )
            self._classes[name] = found
        return found

    def enum_values(self, name: str) -> Mapping[str, int]:
        """An enum's numbers by their names."""
        enum, _ = self.enums[name]
        return {value.name: value.number for value in enum.value}


def _messages(prefix: str, messages: Any) -> Iterator[Tuple[str, Any]]:
    for message in messages:
        name = f"{prefix}.{message.name}" if prefix else message.name
        yield name, message
        yield from _messages(name, message.nested_type)


def parse(cls: Type[Any], content: bytes) -> Any:
    """A message. Raises for bytes that are none, also where a runtime would only leave the rest of them unread."""
    message = cls()
    read = message.MergeFromString(content)
    if read is not None and read != len(content):
        raise ValueError(f"only the first {read} bytes can be read")
    return message
