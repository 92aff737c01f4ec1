"""Messages and their fields, against the types of the graph and by tables of what they take."""

from __future__ import annotations

import ctypes
import re
import unittest
from typing import Any, Dict, List, Tuple

import numpy as np
from support import REPOSITORY

import sustainml_swig as swig

OWN = ["TaskId", "NodeStatus", "RequestType", "ResponseType"]
OF_GRAPHS = [
    *["UserInput", "MLModelMetadata", "AppRequirements", "HWConstraints"],
    *["MLModel", "HWResource", "CO2Footprint"],
]

KINDS: Dict[str, Any] = {
    "string": "",
    "bytes": b"",
    "double": 0.0,
    "uint32": 0,
    "int32": 0,
    "bool": False,
    "repeated string": [],
}
"""By its type in a .proto file: what an empty field is."""

TAKEN: Dict[str, List[Tuple[Any, Any]]] = {
    "string": [("", ""), ("é😀", "é😀"), (type("Name", (str,), {})("x"), "x")],
    "double": [
        *[(4, 4.0), (-0.5, -0.5), (True, 1.0), (float("inf"), float("inf"))],
        *[(np.float32(0.5), 0.5), (np.int64(3), 3.0)],
    ],
    "uint32": [(0, 0), (2**32 - 1, 2**32 - 1), (True, 1), (np.uint8(7), 7)],
    "int32": [(-(2**31), -(2**31)), (2**31 - 1, 2**31 - 1), (swig.Status.NODE_ERROR, 1)],
    "bool": [(True, True), (False, False)],
    "repeated string": [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (("a",), ["a"]),
        (swig.std_string_vec(["a", "b"]), ["a", "b"]),
    ],
    "bytes": [
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        ([0, 255], b"\x00\xff"),
        ((1, 2), b"\x01\x02"),
        (swig.uint8_t_vector([1, 2]), b"\x01\x02"),
        (np.array([1, 2], dtype=np.uint8), b"\x01\x02"),
    ],
}

ANYTHING: List[Any] = [None, object(), {}, {"a": 1}, {1}, iter([]), 1j, Exception]
REFUSED: Dict[str, List[Any]] = {
    "string": [*ANYTHING, b"a", 1, 1.5, True, ["a"], "\ud800"],
    "double": [*ANYTHING, "1", b"1", [1.0], 10**400],
    "uint32": [*ANYTHING, "1", 1.0, -1, 2**32, [1], np.float64(1)],
    "int32": [*ANYTHING, "1", 1.0, 2**31, -(2**31) - 1],
    "bool": [*ANYTHING, 0, 1, "true", 1.0, []],
    "repeated string": [
        *[*ANYTHING, "abc", b"abc", 3],
        *[[1], ["a", b"b"], ["a", ["b"]], ["a", None], np.array([1])],
    ],
    "bytes": [*ANYTHING, "abc", 3, [256], [-1], ["a"], [1.0], [None], np.array([1.5])],
}


def fields_of_graphs() -> Dict[str, Dict[str, str]]:
    text = (REPOSITORY / "proto/sustainml/v1/types.proto").read_text()
    found = re.findall(r"^message (\w+) \{\n(.*?)^\}", text, re.M | re.S)
    field = re.compile(r"^  ((?:repeated )?\w+) (\w+) = \d+;", re.M)
    return {message: {name: kind for kind, name in field.findall(body)} for message, body in found}


def plain(value: Any) -> Any:
    if isinstance(value, swig.uint8_t_vector):
        return bytes(value)
    return list(value) if isinstance(value, swig.std_string_vec) else value


class Messages(unittest.TestCase):
    def test_have_all_fields_of_the_graphs_types_and_task_id(self) -> None:
        declared = fields_of_graphs()
        self.assertEqual(sorted(declared), sorted(OF_GRAPHS))
        for name, fields in declared.items():
            message = getattr(swig, name)()
            self.assertEqual(sorted(message.fields), sorted([*fields, "task_id"]), name)
            for field, kind in fields.items():
                value = plain(getattr(message, field)())
                self.assertEqual((type(value), value), (type(KINDS[kind]), KINDS[kind]), f"{name}.{field}")
            self.assertEqual(message.task_id(), swig.TaskId(0, 0))

    def test_every_field_takes_its_kind_and_gives_it_back(self) -> None:
        for name, fields in fields_of_graphs().items():
            for field, kind in fields.items():
                for given, kept in TAKEN[kind]:
                    message = getattr(swig, name)()
                    self.assertIsNone(getattr(message, field)(given))
                    value = plain(getattr(message, field)())
                    self.assertEqual((type(value), value), (type(kept), kept), f"{name}.{field} {given!r}")

    def test_every_field_refuses_any_other_kind_by_its_name_and_stays_as_it_was(self) -> None:
        for name, fields in fields_of_graphs().items():
            for field, kind in fields.items():
                for wrong in REFUSED[kind]:
                    message = getattr(swig, name)()
                    getattr(message, field)(TAKEN[kind][-1][0])
                    told = f"{name}.{field} {wrong!r}"
                    with self.assertRaisesRegex(TypeError, rf"^{name}\.{field}", msg=told):
                        getattr(message, field)(wrong)
                    self.assertEqual(plain(getattr(message, field)()), TAKEN[kind][-1][1])
                with self.assertRaises(TypeError):
                    getattr(getattr(swig, name)(), field)(TAKEN[kind][0][0], 1)

    def test_the_ones_that_are_not_in_a_graph_have_their_fields(self) -> None:
        self.assertEqual(
            {name: list(getattr(swig, name).fields) for name in OWN},
            {
                "TaskId": ["problem_id", "iteration_id"],
                "NodeStatus": [
                    *["node_status", "task_status", "error_code"],
                    *["error_description", "node_name", "task_id"],
                ],
                "RequestType": ["node_id", "transaction_id", "configuration"],
                "ResponseType": ["node_id", "transaction_id", "success", "err_code", "configuration"],
            },
        )
        status = swig.NodeStatus()
        status.update(swig.Status.NODE_RUNNING)
        self.assertEqual((status.node_status(), type(status.node_status())), (4, int))
        response = swig.ResponseType()
        response.err_code(swig.ErrorCode.INTERNAL_ERROR)
        self.assertEqual((response.err_code(), response.success()), (1, False))
        for wrong in (0, 1, None, "true"):
            with self.assertRaises(TypeError):
                response.success(wrong)

    def test_are_copied_compared_by_their_fields_and_emptied_in_place(self) -> None:
        first = swig.MLModel()
        first.model("m")
        first.input_batch(["1"])
        first.task_id(swig.TaskId(1, 2))
        second = swig.MLModel(first)
        self.assertTrue(first == second)
        second.input_batch().append("3")
        self.assertTrue(first != second)
        self.assertEqual(list(first.input_batch()), ["1"])
        held = first.input_batch()
        first.reset()
        self.assertEqual((first == swig.MLModel(), list(held)), (True, []))
        for wrong in (swig.HWResource(), None, "m"):
            self.assertFalse(first == wrong)
            with self.assertRaises(TypeError):
                swig.MLModel(wrong)
        with self.assertRaises(TypeError):
            hash(first)

    def test_lists_and_task_ids_are_the_messages_own(self) -> None:
        message = swig.AppRequirements()
        held, its_id = message.app_requirements(), message.task_id()
        message.app_requirements(["a"])
        message.app_requirements().append("b")
        message.app_requirements(message.app_requirements())
        its_id.problem_id(7)
        self.assertEqual((list(held), message.task_id().problem_id()), (["a", "b"], 7))


class TaskIds(unittest.TestCase):
    def test_are_ordered_by_problem_and_then_iteration_and_have_no_hash(self) -> None:
        ids = [swig.TaskId(2, 1), swig.TaskId(1, 3), swig.TaskId(), swig.set_task_id(1, 2)]
        numbers = [(each.problem_id(), each.iteration_id()) for each in sorted(ids)]
        self.assertEqual(numbers, [(0, 0), (1, 2), (1, 3), (2, 1)])
        self.assertTrue(swig.TaskId(2, 0) > swig.TaskId(1, 9))
        self.assertTrue(swig.TaskId(swig.TaskId(1, 2)) == swig.TaskId(1, 2) != swig.TaskId(1, 3))
        self.assertFalse(swig.TaskId(1, 2) == (1, 2))
        with self.assertRaises(TypeError):
            {swig.TaskId(1, 2)}
        for wrong in ((1, 2), 3, None):
            with self.assertRaises(TypeError):
                swig.TaskId(1, 2) < wrong  # noqa: B015
        for arguments in ((1,), (1, -1), (1, 2.0), ("1", 2), (1, 2, 3), (2**32, 1)):
            with self.assertRaises(TypeError, msg=str(arguments)):
                swig.TaskId(*arguments)

    def test_are_found_in_what_a_node_has_put_out(self) -> None:
        output = swig.CO2Footprint()
        output.task_id(swig.TaskId(3, 4))
        self.assertEqual(swig.get_task_id(swig.NodeID_ID_CARBON_FOOTPRINT, output), swig.TaskId(3, 4))
        for wrong in (None, swig.RequestType(), 3):
            with self.assertRaises(TypeError):
                swig.get_task_id(0, wrong)


class Enums(unittest.TestCase):
    def test_have_the_numbers_of_the_framework(self) -> None:
        self.assertEqual([each.value for each in swig.Status], [0, 1, 2, 3, 4, 5])
        self.assertEqual((swig.Status.NODE_ERROR, swig.Status.ERROR), (1, 1))
        self.assertEqual([each.name for each in swig.ErrorCode], ["NO_ERROR", "INTERNAL_ERROR"])
        several = (swig.TaskStatus.TASK_SUCCEEDED, swig.CmdNode.TERMINATE, swig.CmdTask.PREEMPT)
        self.assertEqual(several, (3, 4, 3))
        ids = {name: value for name, value in vars(swig).items() if name.startswith("NodeID_")}
        self.assertEqual(sorted(ids.values()), list(range(9)))
        several = (ids["NodeID_ID_ML_MODEL"], ids["NodeID_MAX"], ids["NodeID_ID_ORCHESTRATOR"])
        self.assertEqual(several, (5, 6, 7))


class Buffers(unittest.TestCase):
    def read(self, vector: Any) -> bytes:
        elements = (ctypes.c_ubyte * vector.size()).from_address(int(vector.get_buffer()))
        return np.frombuffer(elements, dtype=np.uint8).tobytes()

    def test_the_address_is_that_of_the_elements(self) -> None:
        message = swig.UserInput()
        for content in (b"{}", b"", bytes(range(256)) * 4_096):
            message.extra_data(content)
            self.assertEqual(self.read(message.extra_data()), content)
        message.extra_data(b"abc")
        address = int(message.extra_data().get_buffer())
        self.assertEqual(int(message.extra_data().get_buffer()), address)
        message.extra_data()[1] = 0x2D
        self.assertEqual(self.read(message.extra_data()), b"a-c")
        (ctypes.c_ubyte * 3).from_address(address)[2] = 0x21
        self.assertEqual(bytes(message.extra_data()), b"a-!")

    def test_the_list_changes_its_length_for_every_holder_of_its_address(self) -> None:
        vector = swig.uint8_t_vector(b"abc")
        changes = [
            *[lambda: vector.append(1), lambda: vector.pop(), lambda: vector.insert(0, 2, 7), vector.pop_back],
            *[lambda: vector.resize(9), lambda: vector.erase(1, 3), lambda: vector.assign(2, 5)],
            *[lambda: vector.extend(b"xyz"), lambda: vector.__delitem__(slice(0, 2)), vector.clear],
        ]
        for change in changes:
            held = vector.get_buffer()
            change()
            self.assertEqual(self.read(vector), bytes(vector))
            int(held)


if __name__ == "__main__":
    unittest.main()
