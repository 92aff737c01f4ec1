"""Both kinds of lists, with the methods of std::vector and of Python's list."""

from __future__ import annotations

import unittest
from typing import Any, Callable, List, Tuple

import support  # noqa: F401

from sustainml_swig import std_string_vec, uint8_t_vector

Step = Callable[[Any], Any]

STEPS: List[Tuple[str, Step, Any, List[str]]] = [
    ("append", lambda v: v.append("x"), None, ["a", "b", "c", "x"]),
    ("push_back", lambda v: v.push_back("x"), None, ["a", "b", "c", "x"]),
    ("pop", lambda v: v.pop(), "c", ["a", "b"]),
    ("pop at", lambda v: v.pop(0), "a", ["b", "c"]),
    ("pop_back", lambda v: v.pop_back(), None, ["a", "b"]),
    ("front, back", lambda v: (v.front(), v.back()), ("a", "c"), ["a", "b", "c"]),
    ("size, empty", lambda v: (v.size(), v.empty(), len(v), bool(v)), (3, False, 3, True), ["a", "b", "c"]),
    ("clear", lambda v: (v.clear(), v.size(), v.empty(), bool(v)), (None, 0, True, False), []),
    ("assign", lambda v: v.assign(2, "x"), None, ["x", "x"]),
    ("[i]", lambda v: (v[0], v[-1]), ("a", "c"), ["a", "b", "c"]),
    ("[i] =", lambda v: v.__setitem__(-1, "x"), None, ["a", "b", "x"]),
    ("[a:b]", lambda v: (list(v[1:]), list(v[::-1])), (["b", "c"], ["c", "b", "a"]), ["a", "b", "c"]),
    ("[a:b] is a list of its kind", lambda v: type(v[1:]) is type(v), True, ["a", "b", "c"]),
    ("[a:b] is a copy", lambda v: v[:2].append("x"), None, ["a", "b", "c"]),
    ("[a:b] =", lambda v: v.__setitem__(slice(0, 2), ["x"]), None, ["x", "c"]),
    ("del [i]", lambda v: v.__delitem__(1), None, ["a", "c"]),
    ("del [a:b]", lambda v: v.__delitem__(slice(0, 2)), None, ["c"]),
    ("iter", lambda v: [each for each in v], ["a", "b", "c"], ["a", "b", "c"]),
    ("in", lambda v: ("a" in v, "x" in v), (True, False), ["a", "b", "c"]),
    ("insert", lambda v: v.insert(1, "x"), None, ["a", "x", "b", "c"]),
    ("insert at begin()", lambda v: v.insert(v.begin(), "x"), None, ["x", "a", "b", "c"]),
    ("insert several", lambda v: v.insert(v.end(), 2, "x"), None, ["a", "b", "c", "x", "x"]),
    ("erase", lambda v: v.erase(v.begin()), 0, ["b", "c"]),
    ("erase several", lambda v: v.erase(1, 3), 1, ["a"]),
    ("resize to less", lambda v: v.resize(1), None, ["a"]),
    ("resize to more", lambda v: v.resize(5, "x"), None, ["a", "b", "c", "x", "x"]),
    ("extend", lambda v: v.extend(each for each in "xy"), None, ["a", "b", "c", "x", "y"]),
    ("extend by itself", lambda v: v.extend(v), None, ["a", "b", "c", "a", "b", "c"]),
    ("remove, reverse", lambda v: (v.remove("b"), v.reverse()), (None, None), ["c", "a"]),
    ("index, count", lambda v: (v.index("b"), v.count("x")), (1, 0), ["a", "b", "c"]),
]


class Vectors(unittest.TestCase):
    def test_texts_do_what_both_worlds_do(self) -> None:
        for name, step, given, left in STEPS:
            vector = std_string_vec(["a", "b", "c"])
            self.assertEqual(step(vector), given, name)
            self.assertEqual(list(vector), left, name)

    def test_bytes_do_the_same(self) -> None:
        class AsLetters(uint8_t_vector):
            """The same table, with numbers in the place of letters."""

            def _one(self, value: Any, where: str) -> int:
                return super()._one(ord(value) if isinstance(value, str) else value, where)

        def letters(value: Any) -> Any:
            if isinstance(value, (list, tuple)):
                return type(value)(letters(each) for each in value)
            is_letter = type(value) is int and value >= ord("a")
            return chr(value) if is_letter else value

        used = [each for each in STEPS if each[0] not in ("in", "remove, reverse", "index, count")]
        self.assertGreater(len(used), 20)
        for name, step, given, left in used:
            vector = AsLetters(b"abc")
            self.assertEqual(letters(step(vector)), given, name)
            self.assertEqual(letters(list(vector)), left, name)

    def test_are_made_as_in_cpp(self) -> None:
        self.assertEqual(list(std_string_vec(2)), ["", ""])
        self.assertEqual(list(std_string_vec(2, "x")), ["x", "x"])
        self.assertEqual(list(std_string_vec(std_string_vec(("a",)))), ["a"])
        self.assertEqual(list(uint8_t_vector(2)), [0, 0])
        self.assertEqual(bytes(uint8_t_vector([1, 2])), b"\x01\x02")
        self.assertEqual((list(std_string_vec()), list(uint8_t_vector())), ([], []))

    def test_what_has_no_elements_has_no_last_one(self) -> None:
        steps = [
            *[lambda v: v.pop(), lambda v: v.pop_back(), lambda v: v.front()],
            *[lambda v: v.back(), lambda v: v[0], lambda v: v.erase(0)],
        ]
        for step in steps:
            for vector in (std_string_vec(), uint8_t_vector()):
                with self.assertRaises(IndexError):
                    step(vector)

    def test_refuse_elements_of_another_kind_and_stay_as_they_were(self) -> None:
        steps: List[Tuple[str, Callable[[Any, Any], Any]]] = [
            ("append", lambda v, wrong: v.append(wrong)),
            ("push_back", lambda v, wrong: v.push_back(wrong)),
            ("[i] =", lambda v, wrong: v.__setitem__(0, wrong)),
            ("[a:b] =", lambda v, wrong: v.__setitem__(slice(0, 0), [*v, wrong])),
            ("insert", lambda v, wrong: v.insert(0, wrong)),
            ("assign", lambda v, wrong: v.assign(2, wrong)),
            ("resize", lambda v, wrong: v.resize(9, wrong)),
            ("extend", lambda v, wrong: v.extend([*v, wrong])),
            ("made", lambda v, wrong: type(v)([*v, wrong])),
        ]
        for new, kept, wrongs in (
            (lambda: std_string_vec(["a"]), ["a"], (1, None, b"a", ["a"], 1.5, "\udc00")),
            (lambda: uint8_t_vector(b"a"), [97], ("a", None, b"a", 256, -1, 1.0, [1])),
        ):
            for name, step in steps:
                for wrong in wrongs:
                    vector = new()
                    with self.assertRaises(TypeError, msg=f"{name} {wrong!r}"):
                        step(vector, wrong)
                    self.assertEqual(list(vector), kept, f"{name} {wrong!r}")
        for wrong in ("2", -1, 1.0, None):
            with self.assertRaises(TypeError):
                std_string_vec().resize(wrong)
            with self.assertRaises(TypeError):
                std_string_vec().assign(wrong, "x")


if __name__ == "__main__":
    unittest.main()
