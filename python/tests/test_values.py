"""Payloads: bytes to values, and values to bytes."""

from __future__ import annotations

import datetime
import json
import math
import pickle
import random
import unittest
from typing import Any, List

import support  # noqa: F401
from google.protobuf import descriptor_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from tutti.records import Record
from tutti.values.types import Decoded, Encoded, Types, Unencodable

Kind = descriptor_pb2.FieldDescriptorProto


def everything() -> bytes:
    files = descriptor_pb2.FileDescriptorSet()
    for known in (duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        files.file.add().ParseFromString(known.DESCRIPTOR.serialized_pb)
    file = files.file.add(name="t.proto", package="t", syntax="proto3")
    file.dependency.extend(known.name for known in files.file[:-1])
    file.enum_type.add(name="Colour").value.extend(
        [
            descriptor_pb2.EnumValueDescriptorProto(name=name, number=at)
            for at, name in enumerate(("RED", "BLUE"))
        ]
    )
    message = file.message_type.add(name="All")
    message.oneof_decl.add(name="choice")
    message.oneof_decl.add(name="_maybe")

    def add(name: str, kind: int, label: int = 1, type_name: str = "", **more: Any) -> None:
        if type_name:
            more["type_name"] = type_name
        message.field.add(name=name, number=len(message.field) + 1, type=kind, label=label, **more)

    add("a_double", Kind.TYPE_DOUBLE)
    add("a_float", Kind.TYPE_FLOAT)
    add("an_int", Kind.TYPE_INT32)
    add("a_uint", Kind.TYPE_UINT64)
    add("a_bool", Kind.TYPE_BOOL)
    add("a_text", Kind.TYPE_STRING)
    add("some_bytes", Kind.TYPE_BYTES)
    add("a_colour", Kind.TYPE_ENUM, type_name=".t.Colour")
    add("numbers", Kind.TYPE_DOUBLE, 3)
    add("child", Kind.TYPE_MESSAGE, type_name=".t.All")
    add("at", Kind.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp")
    add("lasts", Kind.TYPE_MESSAGE, type_name=".google.protobuf.Duration")
    add("any_value", Kind.TYPE_MESSAGE, type_name=".google.protobuf.Value")
    add("wrapped", Kind.TYPE_MESSAGE, type_name=".google.protobuf.Int32Value")
    add("left", Kind.TYPE_INT32, oneof_index=0)
    add("right", Kind.TYPE_INT32, oneof_index=0)
    add("maybe", Kind.TYPE_INT32, oneof_index=1, proto3_optional=True)
    add("counts", Kind.TYPE_MESSAGE, 3, ".t.All.CountsEntry")
    entry = message.nested_type.add(name="CountsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=Kind.TYPE_STRING, label=1)
    entry.field.add(name="value", number=2, type=Kind.TYPE_INT32, label=1)
    return files.SerializeToString()


TYPES = Types(everything())


def encoded(value: Any, kind: str = "t.All") -> bytes:
    result = TYPES.encode(kind, value)
    assert isinstance(result, Encoded), result
    return result.content


def decoded(content: bytes, kind: str = "t.All") -> Any:
    result = TYPES.decode(kind, content)
    assert isinstance(result, Decoded), result
    return result.value


def faults(value: Any, kind: str = "t.All") -> List[Any]:
    result = TYPES.encode(kind, value)
    assert isinstance(result, Unencodable), result
    return [(fault.path, fault.code) for fault in result.faults]


class Messages(unittest.TestCase):
    def test_what_is_encoded_comes_back(self) -> None:
        value = {
            "a_double": 0.1,
            "a_float": 0.5,
            "an_int": -3,
            "a_uint": 2**64 - 1,
            "a_bool": True,
            "a_text": "ö",
            "some_bytes": b"\x00\xff",
            "a_colour": "BLUE",
            "numbers": [1.0, 2.5],
            "child": {"an_int": 1},
            "at": "2025-01-31T12:00:00.500Z",
            "lasts": "-1.500s",
            "any_value": {"deep": [1.0, None, "x", True]},
            "wrapped": 7,
            "left": 0,
            "maybe": 0,
            "counts": {"k": 2},
        }
        back = decoded(encoded(value))
        self.assertEqual({**back, "child": back.child.an_int}, {**value, "child": 1})
        self.assertIsInstance(back, Record)
        self.assertEqual(encoded(back), encoded(value))

    def test_every_field_is_there_but_those_that_can_be_unset(self) -> None:
        empty = decoded(b"")
        self.assertEqual((empty.a_text, empty.numbers, empty.counts, empty.a_colour), ("", [], {}, "RED"))
        for name in ("child", "left", "maybe", "at"):
            self.assertNotIn(name, empty)
            self.assertIsNone(getattr(empty, name))
        with self.assertRaisesRegex(AttributeError, r"a_txet \(did you mean a_text\?\)"):
            _ = empty.a_txet

    def test_all_faults_are_told_at_once_each_at_its_place(self) -> None:
        value = {
            "a_double": "much",
            "an_int": 2**31,
            "a_uint": 1.5,
            "a_bool": 1,
            "a_text": "\ud800",
            "some_bytes": "no base64!",
            "a_colour": "BLEU",
            "numbers": [1, None],
            "child": {"a~b/c": 1},
            "at": "yesterday",
            "left": 1,
            "right": 2,
            "counts": [],
        }
        self.assertEqual(
            sorted(faults(value)),
            sorted(
                [
                    ("/a_double", "wrong_type"),
                    ("/an_int", "out_of_range"),
                    ("/a_uint", "wrong_type"),
                    ("/a_bool", "wrong_type"),
                    ("/a_text", "bad_text"),
                    ("/some_bytes", "bad_base64"),
                    ("/a_colour", "unknown_enum_value"),
                    ("/numbers/1", "wrong_type"),
                    ("/child/a~0b~1c", "unknown_field"),
                    ("/at", "bad_timestamp"),
                    ("/right", "oneof_conflict"),
                    ("/counts", "wrong_type"),
                ]
            ),
        )
        self.assertEqual(faults([]), [("", "wrong_type")])
        self.assertEqual(faults({"anInt": 1, "an_int": 2}), [("/an_int", "duplicate_field")])
        self.assertEqual(faults({}, "t.Nothing"), [("", "unknown_type")])

    def test_times_may_be_given_as_such(self) -> None:
        at = datetime.datetime(2025, 1, 31, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
        back = decoded(encoded({"at": at, "lasts": datetime.timedelta(seconds=-1.5)}))
        self.assertEqual((back.at, back.lasts), ("2025-01-31T12:00:00Z", "-1.500s"))

    def test_the_json_mapping_is_taken_too(self) -> None:
        same = {"aDouble": "NaN", "aUint": "18446744073709551615", "someBytes": "AP8=", "aColour": 1}
        back = decoded(encoded(same))
        self.assertTrue(math.isnan(back.a_double))
        self.assertEqual((back.a_uint, back.some_bytes, back.a_colour), (2**64 - 1, b"\x00\xff", "BLUE"))

    def test_a_message_too_deep_is_a_fault(self) -> None:
        value: Any = {}
        for _ in range(150):
            value = {"child": value}
        self.assertEqual([code for _, code in faults(value)], ["too_deep"])

    def test_numpys_numbers_and_arrays_are_numbers_and_lists(self) -> None:
        try:
            import numpy
        except ImportError:
            self.skipTest("numpy")
        value = {
            "an_int": numpy.int64(3),
            "a_float": numpy.float32(0.5),
            "a_bool": numpy.bool_(True),
            "numbers": numpy.arange(3),
        }
        back = decoded(encoded(value))
        self.assertEqual((back.an_int, back.a_float, back.a_bool, back.numbers), (3, 0.5, True, [0, 1, 2]))
        self.assertEqual(json.loads(encoded({"x": numpy.arange(2)}, "json")), {"x": [0, 1]})

    def test_decoding_never_raises_whatever_the_bytes_are(self) -> None:
        source = random.Random(5)
        good = encoded({"a_text": "x", "child": {"numbers": [1]}, "at": "2025-01-31T12:00:00Z"})
        for _ in range(2_000):
            content = bytearray(good if source.random() < 0.5 else source.randbytes(source.randrange(40)))
            for _ in range(source.randrange(4)):
                if content:
                    content[source.randrange(len(content))] = source.randrange(256)
            for kind in ("t.All", "json", "bytes"):
                TYPES.decode(kind, bytes(content))


class Json(unittest.TestCase):
    def test_objects_are_records(self) -> None:
        value = decoded(b'{"a": {"b": [1, {"c": null}]}}', "json")
        self.assertIsNone(value.a.b[1].c)
        self.assertEqual(pickle.loads(pickle.dumps(value)), value)

    def test_what_is_not_json_is_refused(self) -> None:
        self.assertFalse(isinstance(TYPES.decode("json", b"NaN"), Decoded))

    def test_half_of_a_surrogate_pair_is_an_escape(self) -> None:
        self.assertEqual(encoded("ö\ud800", "json"), '"ö\\ud800"'.encode())


if __name__ == "__main__":
    unittest.main()
