"""What a callback gets, and what becomes of what it does, without a network."""

from __future__ import annotations

import importlib
import json
import unittest
from types import SimpleNamespace
from typing import Any

import support  # noqa: F401

import sustainml_swig as swig
from sustainml_py.nodes.MLModelNode import MLModelNode as Proxy
from sustainml_swig.nodes import MLModelNode
from sustainml_swig.tasks import arguments_of, output_of, raise_for, refusal_of, task_id_of
from tutti import NonRetryableError

KINDS = [
    *["AppRequirementsNode", "CarbonFootprintNode", "HardwareConstraintsNode"],
    *["HardwareResourcesNode", "MLModelMetadataNode", "MLModelNode"],
]


def task(iteration: int, previous: Any, **inputs: Any) -> Any:
    return SimpleNamespace(id=f"0190-problem/{iteration}", inputs=inputs, previous=previous)


class Constructors(unittest.TestCase):
    def test_need_both_callbacks(self) -> None:
        def callback(*_: Any) -> None:
            pass

        for kind in KINDS:
            made = getattr(importlib.import_module(f"sustainml_py.nodes.{kind}"), kind)
            for missing in ({}, {"callback": callback}, {"service_callback": callback}, {"callback": None}):
                with self.assertRaisesRegex(ValueError, f"^{kind} constructor expects a"):
                    made(**missing)
            with self.assertRaisesRegex(TypeError, kind):
                made(callback="x", service_callback=callback)
            of_its_own = getattr(swig, kind)
            for wrong in (None, object(), swig.RequestReplyListener()):
                with self.assertRaisesRegex(TypeError, kind):
                    of_its_own(wrong)

    def test_a_listener_is_of_the_nodes_kind(self) -> None:
        with self.assertRaisesRegex(TypeError, "MLModelNode.listener.*MLModelTaskListener"):
            swig.MLModelNode(swig.AppRequirementsTaskListener())
        with self.assertRaisesRegex(TypeError, "MLModelNode.service_listener"):
            swig.MLModelNode(swig.MLModelTaskListener(), swig.MLModelTaskListener())
        self.assertTrue(callable(Proxy.terminate))


class Arguments(unittest.TestCase):
    def test_are_the_inputs_and_the_parents_outputs_each_with_its_task_id(self) -> None:
        user = {"previous_iteration": 1}
        previous = {"ml_model": {"model": "before"}, "carbon_footprint": {"carbon_footprint": 3.5}}
        metadata = {"keywords": ["k"], "extra_data": b"{}"}
        given = arguments_of(
            task(3, previous, user_input=user, ml_model_metadata=metadata), MLModelNode.given
        )
        kinds = [
            *[swig.MLModelMetadata, swig.AppRequirements, swig.HWConstraints],
            *[swig.MLModel, swig.HWResource, swig.CO2Footprint],
        ]
        self.assertEqual([type(each) for each in given], kinds)
        found, absent, _, model, hardware, footprint = given
        self.assertEqual((list(found.keywords()), bytes(found.extra_data())), (["k"], b"{}"))
        self.assertEqual((found.task_id().iteration_id(), model.task_id().iteration_id()), (3, 1))
        self.assertEqual(found.task_id().problem_id(), model.task_id().problem_id())
        self.assertEqual((model.model(), footprint.carbon_footprint()), ("before", 3.5))
        self.assertEqual((absent, hardware), (swig.AppRequirements(), swig.HWResource()))

    def test_a_problem_has_the_same_31_bit_number_everywhere(self) -> None:
        first = task_id_of("0190f3a1-7c1e-7d5b-9f57-2f3b5c0b7a11/2")
        self.assertEqual((first.problem_id(), first.iteration_id()), (45488497, 2))
        numbers = {task_id_of(f"{made}/1").problem_id() for made in range(2_000)}
        self.assertEqual(len(numbers), 2_000)
        self.assertTrue(all(1 <= number <= 2**31 - 1 for number in numbers))

    def test_an_output_is_all_fields_but_the_task_id(self) -> None:
        output = swig.HWConstraints()
        output.hardware_required(["a"])
        output.extra_data(b"\x00")
        kept = {"max_memory_footprint": 0, "hardware_required": ["a"], "extra_data": b"\x00"}
        self.assertEqual(output_of(output), kept)


class Failures(unittest.TestCase):
    def test_an_error_in_any_status_fails_the_module_for_good(self) -> None:
        raise_for(swig.NodeStatus())
        for field in ("node_status", "task_status", "error_code"):
            status = swig.NodeStatus()
            getattr(status, field)(1)
            with self.assertRaises(NonRetryableError) as raised:
                raise_for(status)
            self.assertEqual(raised.exception.code, "node_status_error")
            self.assertRegex(str(raised.exception), "ERROR")
            status.error_description("no such model")
            with self.assertRaisesRegex(NonRetryableError, "^no such model$"):
                raise_for(status)

    def test_a_configuration_is_refused_with_the_text_of_its_error(self) -> None:
        error = json.dumps({"error": "Unsupported"})
        cases: list[tuple[dict[str, Any], Any]] = [
            ({"success": True, "configuration": error}, None),
            ({"success": True, "err_code": 1}, None),
            ({"configuration": "x"}, None),
            ({}, None),
            ({"success": False, "configuration": error}, "Unsupported"),
            ({"err_code": 1, "configuration": error}, "Unsupported"),
            ({"success": False, "configuration": "not known"}, "not known"),
            ({"success": False, "configuration": '{"error": 3}'}, '{"error": 3}'),
            ({"success": False, "configuration": "[" * 100_000}, "[" * 100_000),
            ({"success": False}, "the service callback has answered without success"),
        ]
        for fields, refusal in cases:
            response = swig.ResponseType()
            for name, value in fields.items():
                getattr(response, name)(value)
            self.assertEqual(refusal_of(response), refusal, str(fields)[:80])


if __name__ == "__main__":
    unittest.main()
