"""Classes for type checkers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from google.protobuf import descriptor_pb2
from support import ROOT
from tutti import TuttiError
from tutti.stubs import stubs


def descriptors() -> bytes:
    file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="a.v1", syntax="proto3")
    inner = file.message_type.add(name="Inner")
    inner.field.add(name="score", number=1, type=1, label=1)
    outer = file.message_type.add(name="Outer")
    outer.field.add(name="inner", number=1, type=11, label=1, type_name=".a.v1.Inner")
    outer.field.add(name="inners", number=2, type=11, label=3, type_name=".a.v1.Inner")
    outer.field.add(name="count", number=3, type=13, label=1)
    outer.field.add(name="items", number=4, type=9, label=3)
    return descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()


class StubsTest(unittest.TestCase):
    def test_each_message_becomes_a_class_with_its_fields(self) -> None:
        text = stubs(descriptors(), ["a.v1.Outer"])
        self.assertIn("class Inner(Record):", text)
        self.assertIn("    inner: Optional[Inner]\n    inners: List[Inner]\n    count: int\n", text)
        self.assertIn('    # record["items"]: List[str]\n', text)

    def test_a_folder_of_proto_files_will_do(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.proto").write_text('syntax = "proto3"; package a; message Price { double amount = 1; }')
            written = subprocess.run(
                [sys.executable, "-m", "tutti.stubs", folder, "a.Price"],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            ).stdout
        self.assertIn("class Price(Record):", written)
        self.assertIn("    amount: float\n", written)

    def test_they_can_be_made_and_are_plain_mappings(self) -> None:
        module: dict = {}
        exec(stubs(descriptors()), module)
        outer = module["Outer"](count=3, inner=module["Inner"](score=1.5))
        self.assertEqual(outer, {"count": 3, "inner": {"score": 1.5}})
        self.assertEqual(outer.inner.score, 1.5)

    def test_a_type_that_is_not_there_is_named_with_the_one_that_was_meant(self) -> None:
        with self.assertRaisesRegex(TuttiError, r"no type a.v1.Outter \(did you mean a.v1.Outer\?\)"):
            stubs(descriptors(), ["a.v1.Outter"])

    def test_a_type_checker_accepts_them_and_finds_wrong_fields(self) -> None:
        try:
            import mypy  # noqa: F401
        except ImportError:
            self.skipTest("mypy")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "my_types.py").write_text(stubs(descriptors()))
            Path(folder, "my_node.py").write_text(
                "from my_types import Outer\nfrom tutti import Record, Task, node\n"
                "class Inputs(Record):\n    outer: Outer\n"
                '@node("m")\ndef run(task: Task[Inputs, Record]) -> Outer:\n'
                "    return Outer(count=task.inputs.outer.count + 1)\n"
                "def wrong(task: Task[Inputs, Record]) -> Outer:\n"
                '    return Outer(count="1", cuont=2)\n'
            )
            checked = subprocess.run(
                [sys.executable, "-m", "mypy", "--strict", "--cache-dir", f"{folder}/cache", "my_node.py"],
                cwd=folder,
                env={"MYPYPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
            )
        errors = [line for line in checked.stdout.splitlines() if line.startswith("my_node.py")]
        self.assertEqual(len([line for line in errors if ": error:" in line]), 2, checked.stdout)
        self.assertTrue(all(":9: " in line for line in errors if ": error:" in line), checked.stdout)


if __name__ == "__main__":
    unittest.main()
