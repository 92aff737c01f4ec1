"""What JSON takes of an author's values, and what it refuses at its place."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import types
import unittest
import uuid
from typing import Any, Dict, List, NamedTuple, Tuple

import support  # noqa: F401
from tutti.values.types import Decoded, Encoded, Types, Unencodable

TYPES = Types(b"")
CASES = json.loads(
    (pathlib.Path(__file__).parents[2] / "test" / "wire" / "cases" / "json-texts.json").read_text("utf-8")
)


class Kind(str, enum.Enum):
    IMAGE = "image"

    def __str__(self) -> str:
        return "another"


class Level(enum.IntEnum):
    HIGH = 3


class Plain(enum.Enum):
    A = 1


class Text(str):
    def __str__(self) -> str:
        return "another"


class Count(int):
    def __int__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "another"


class Real(float):
    def __repr__(self) -> str:
        return "another"


class Point(NamedTuple):
    x: int


@dataclasses.dataclass
class Data:
    x: int = 1


class Model:
    """As pydantic's are."""

    def model_dump(self) -> Dict[str, Any]:
        return {}


class Hostile(collections.UserDict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise RuntimeError("no items")


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def loop() -> Any:
    value: Dict[str, Any] = {}
    value["a"] = [value]
    return value


def text_of(value: Any) -> str:
    result = TYPES.encode("json", value)
    assert isinstance(result, Encoded), result
    return result.content.decode("utf-8")


def faults(value: Any, kind: str = "json") -> List[Tuple[str, str]]:
    result = TYPES.encode(kind, value)
    return [(path, code) for path, code, _ in result.faults] if isinstance(result, Unencodable) else []


TAKEN: List[Tuple[Any, str]] = [
    (None, "null"),
    ([True, False], "[true,false]"),
    ({"a": 1, "b": [1.0, -0.0, 1e22, 5e-324]}, '{"a":1,"b":[1.0,-0.0,1e+22,5e-324]}'),
    ([2**53, -(2**53), 10**20], "[9007199254740992,-9007199254740992,100000000000000000000]"),
    ((1, ("a",)), '[1,["a"]]'),
    ([Kind.IMAGE, Level.HIGH], '["image",3]'),
    ({Kind.IMAGE: 1, Text("t"): 2}, '{"image":1,"t":2}'),
    ([Text("t"), Count(7), Real(0.5)], '["t",7,0.5]'),
    ({1: "a", Level.HIGH: "b"}, '{"1":"a","3":"b"}'),
    (collections.OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
    (collections.defaultdict(list, a=[1]), '{"a":[1]}'),
    (collections.Counter("aab"), '{"a":2,"b":1}'),
    (types.MappingProxyType({"a": 1}), '{"a":1}'),
    ("\ud800 \u2028 \x00", '"\\ud800 \u2028 \\u0000"'),
    ({"__proto__": {"": 1}}, '{"__proto__":{"":1}}'),
    (
        {"loss": float("nan"), "all": [1.0, float("inf"), float("-inf")]},
        '{"loss":{"$number":"NaN"},"all":[1.0,{"$number":"Infinity"},{"$number":"-Infinity"}]}',
    ),
    ([datetime.datetime(2025, 1, 1, 12), datetime.date(2025, 1, 2)], '["2025-01-01T12:00:00","2025-01-02"]'),
    ([pathlib.Path("a/b"), uuid.UUID(int=1)], '["a/b","00000000-0000-0000-0000-000000000001"]'),
    ([decimal.Decimal("0.10"), decimal.Decimal("NaN")], '[0.1,{"$number":"NaN"}]'),
    ([{3, 1, 2}, frozenset(("b", "a")), {1, "a"}], '[[1,2,3],["a","b"],["a",1]]'),
]

REFUSED: List[Tuple[Any, List[Tuple[str, str]]]] = [
    ([2**53 + 1, -(2**63), 10**400, 2**60], [(f"/{at}", "out_of_range") for at in range(4)]),
    ({"t": Count(2**53 + 1)}, [("/t", "out_of_range")]),
    ([{"finished": datetime.timedelta(1)}, range(2)], [("/0/finished", "wrong_type"), ("/1", "wrong_type")]),
    ({"a/b": {"c~": decimal.Decimal("3.14159265358979323846")}}, [("/a~1b/c~0", "out_of_range")]),
    ({"seen": {object()}}, [("/seen/0", "wrong_type")]),
    ([collections.deque([1]), (i for i in ()), {}.keys(), map(str, [])], [(f"/{at}", "wrong_type") for at in range(4)]),
    ([Data(), Model(), Point(1), Plain.A], [(f"/{at}", "wrong_type") for at in range(4)]),
    ([b"x", bytearray(b"x"), memoryview(b"x"), 1j], [(f"/{at}", "wrong_type") for at in range(4)]),
    ([object(), print, int, ValueError("x")], [(f"/{at}", "wrong_type") for at in range(4)]),
    ({True: 1, None: 2, 1.5: 3, (1, 2): 4, b"k": 5}, [(f"/{key}", "wrong_type") for key in (True, None, 1.5, (1, 2), b"k")]),
    ({"1": "a", 1: "b"}, [("/1", "duplicate_field")]),
    ({"a": [Hostile()], "b": {1j}}, [("/a/0", "unencodable"), ("/b/0", "wrong_type")]),
    (loop(), [("/a/0", "too_deep")]),
    (nested(101), [("/0" * 100, "too_deep")]),
]


try:
    import numpy
except ImportError:
    # An interpreter of the matrix may have none; Debian's has.
    pass
else:
    TAKEN += [
        ({numpy.int64(5): "c"}, '{"5":"c"}'),
        ([numpy.float64(0.5), numpy.int32(3), numpy.bool_(True), numpy.str_("s")], '[0.5,3,true,"s"]'),
        (numpy.array([[1, 2], [3, 4]]), "[[1,2],[3,4]]"),
        (numpy.array(7.5), "7.5"),
        (numpy.array(["a", "b"]), '["a","b"]'),
        (numpy.array([], dtype="float32"), "[]"),
        (numpy.array([1.0, numpy.nan]), '[1.0,{"$number":"NaN"}]'),
        (numpy.float32("inf"), '{"$number":"Infinity"}'),
        (numpy.array(["2025-01-01", "NaT"], dtype="datetime64[D]"), '["2025-01-01",null]'),
        (numpy.datetime64("2025-01-01T12:00:00.000000001"), '"2025-01-01T12:00:00.000000001"'),
    ]
    REFUSED += [
        (numpy.array([2**63 - 1]), [("/0", "out_of_range")]),
        (numpy.array([1 + 2j]), [("/0", "wrong_type")]),
        (numpy.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]), [("", "wrong_type")]),
        (numpy.ma.masked_array([1, 2], mask=[0, 1]), [("", "wrong_type")]),
        (numpy.array([1], dtype="timedelta64[ns]"), [("", "wrong_type")]),
        (numpy.longdouble(1), [("", "wrong_type")]),
    ]


class JsonForm(unittest.TestCase):
    def test_what_json_can_say_is_said_without_loss(self) -> None:
        for value, text in TAKEN:
            with self.subTest(value=value):
                self.assertEqual(text_of(value), text)
        text_of(nested(100))

    def test_what_it_cannot_say_is_refused_at_its_place(self) -> None:
        for value, expected in REFUSED:
            with self.subTest(value=repr(value)[:60]):
                self.assertEqual(faults(value), expected)

    def test_a_fault_says_what_to_give_instead(self) -> None:
        for value, remedy in (
            (datetime.timedelta(1), "total_seconds"),
            (collections.deque(), "list("),
            (Data(), "asdict"),
            (Model(), "model_dump"),
            (Plain.A, ".value"),
            (b"", "base64"),
            (2**60, "as a string"),
        ):
            result = TYPES.encode("json", [value])
            assert isinstance(result, Unencodable)
            self.assertIn(remedy, result.faults[0].message)

    def test_a_value_without_end_is_looked_at_for_a_while_only(self) -> None:
        value: List[Any] = []
        value += [[value, value, value], object()] * 1000
        self.assertEqual(len(faults(value)), 20)

    def test_text_is_not_bytes(self) -> None:
        for text in ("test", "hello", "", Text("x")):
            self.assertEqual(faults(text, "bytes"), [("", "wrong_type")])
        result = TYPES.encode("bytes", b"test")
        self.assertEqual(result, Encoded(b"test"))

    def test_a_type_with_a_schema_is_json(self) -> None:
        self.assertTrue(TYPES.has("json:price"))
        self.assertEqual(faults({"a": 1j}, "json:price"), [("/a", "wrong_type")])
        self.assertEqual(TYPES.decode("json:price", b'{"a":1}'), Decoded({"a": 1}))


class JsonTexts(unittest.TestCase):
    def test_what_is_accepted_is_read_and_written_again_without_loss(self) -> None:
        for case in CASES["texts"]:
            if "faults" in case:
                continue
            with self.subTest(case["name"]):
                read = TYPES.decode("json", case["text"].encode("utf-8"))
                assert isinstance(read, Decoded), read
                again = TYPES.decode("json", text_of(read.value).encode("utf-8"))
                self.assertEqual(repr(again), repr(read))

    def test_minus_zero_keeps_its_sign(self) -> None:
        self.assertEqual(repr(TYPES.decode("json", b"[-0,-0.0,0]")), repr(Decoded([-0.0, -0.0, 0])))

    def test_what_would_be_another_number_is_refused(self) -> None:
        for text in (b"1e400", b"[-1e999]", b"[1e-400]", b"1" + b"0" * 400 + b".0"):
            self.assertNotIsInstance(TYPES.decode("json", text), Decoded)
        self.assertIsInstance(TYPES.decode("json", b'["1e400", 0e400, 1e308, 0.0e-999]'), Decoded)

    def test_a_deep_text_is_a_fault(self) -> None:
        self.assertNotIsInstance(TYPES.decode("json", b"[" * 100_000 + b"]" * 100_000), Decoded)
