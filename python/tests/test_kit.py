"""The command of the package, as a process."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401
from tutti.errors import TuttiError
from tutti.kit.dev import differences
from tutti.kit.tasks import read_tasks

SOURCE = str(Path(__file__).resolve().parent.parent / "src")
NODES = '''
from tutti import node

@node("greet")
async def greet(task):
    task.progress(0.5, "half")
    await task.publish({"part": 1})
    return {"hello": task.inputs.request.name, "bytes": len(task.inputs.get("blob") or b"")}

def count(task):
    yield 1
    return [task.previous.before]

def several(task):
    task.output("plot", b"\x01")
    return {"score": {"loss": 0.5}}

def lost(task):
    return {"loss": float("nan")}

def odd(task):
    return {"a": [object()]}
'''


class KitCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "nodes.py").write_text(NODES)
        self.env = {**os.environ, "PYTHONPATH": SOURCE, "PYTHONDONTWRITEBYTECODE": "1"}

    def run_kit(self, *args):
        command = [sys.executable, "-m", "tutti", *args]
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True)


class Run(KitCase):
    def test_plays_tasks_to_the_node_of_a_file(self):
        task = {"inputs": {"request": {"name": "Ada"}, "blob": "aGk="}, "types": {"blob": "bytes"}}
        (self.folder / "tasks.jsonl").write_text(json.dumps(task) + "\n\n" + json.dumps(task))
        ran = self.run_kit("run", "nodes.py", "--input", "tasks.jsonl")
        outputs = {"outputs": [{"part": 1}, {"hello": "Ada", "bytes": 2}]}
        self.assertEqual([json.loads(line) for line in ran.stdout.splitlines()], [outputs, outputs], ran.stderr)
        self.assertIn("50% half", ran.stderr)
        self.assertNotIn("nothing has served it", ran.stderr)
        self.assertEqual(ran.returncode, 0)

    def test_plays_them_to_a_plain_function_of_a_module(self):
        ran = self.run_kit("run", "nodes:count", "--input", '{"inputs": {}, "previous": {"before": 3}}')
        self.assertEqual(json.loads(ran.stdout), {"outputs": [1, [3]]}, ran.stderr)

    def test_prints_several_outputs_by_their_names(self):
        line = {"inputs": {}, "output_types": {"score": "json", "plot": "bytes:image/png"}}
        ran = self.run_kit("run", "nodes.py:several", "--input", json.dumps(line))
        self.assertEqual(json.loads(ran.stdout), {"outputs": {"plot": "AQ==", "score": {"loss": 0.5}}}, ran.stderr)

    def test_prints_nan_as_the_object_that_stands_for_it(self):
        ran = self.run_kit("run", "nodes.py:lost", "--input", '{"inputs": {}}')
        self.assertEqual(json.loads(ran.stdout), {"outputs": [{"loss": {"$number": "NaN"}}]}, ran.stderr)

    def test_ends_with_1_where_an_execution_fails_with_the_place_of_the_fault(self):
        ran = self.run_kit("run", "nodes.py:odd", "--input", '{"inputs": {}}')
        error = json.loads(ran.stdout)["error"]
        self.assertEqual((ran.returncode, error["code"]), (1, "bad_output"))
        self.assertIn("/a/0", error["message"])

    def test_ends_with_2_and_says_what_would_be_right_where_an_argument_is_at_fault(self):
        for args, told in (
            (["nodes.py:greeet"], "nodes.py has no greeet (did you mean greet?) (bad_target)"),
            (["nothing.py"], "there is no file nothing.py (bad_target)"),
            (["nothing"], "hint: name a file with its ending: my_node.py"),
            (["nodes.py", "--input", '{"x": 1}'], "line 1: this is not an object with inputs"),
            (["nodes.py", "--input", "none.jsonl"], "(no_such_file)"),
        ):
            ran = self.run_kit("run", *args)
            self.assertIn(told, ran.stderr)
            self.assertEqual(ran.returncode, 2, ran.stderr)

    def test_names_every_line_at_fault(self):
        with self.assertRaises(TuttiError) as raised:
            read_tasks('{"inputs": 1}\n{"inputs": {}}\n{')
        self.assertEqual([fault.path for fault in raised.exception.details], ["line 1", "line 3"])


class Dev(KitCase):
    def test_plays_again_after_a_change_and_shows_what_is_different(self):
        command = [sys.executable, "-m", "tutti", "dev", "nodes.py:count", "--input", '{"inputs": {}, "previous": {"before": 3}}']
        child = subprocess.Popen(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            self.assertEqual(json.loads(child.stdout.readline()), {"outputs": [1, [3]]})
            (self.folder / "nodes.py").write_text(NODES.replace("yield 1", "yield 20"))
            self.assertEqual(json.loads(child.stdout.readline()), {"outputs": [20, [3]]})
            lines = [child.stderr.readline().strip() for _ in range(2)]
            self.assertEqual(lines, ["dev: different from before:", "dev:   /0/outputs/0: 1 → 20"])
        finally:
            child.send_signal(signal.SIGINT)
            child.communicate()
        self.assertEqual(child.returncode, 0)

    def test_differences_name_what_is_new_gone_and_changed(self):
        before, after = {"a": [1, 2], "b": 1, "c": None}, {"a": [1], "b": "1", "d": 0}
        lines = ["/a/1: 2 is gone", '/b: 1 → "1"', "/c: null is gone", "/d: 0 is new"]
        self.assertEqual(list(differences(before, after, "")), lines)


class Info(KitCase):
    def test_says_the_versions(self):
        self.assertRegex(self.run_kit("info").stdout, r"(?s)^tutti \d+\.\d+\.\d+\npython \d.*protobuf")
        self.assertRegex(self.run_kit("--version").stdout, r"^\d+\.\d+\.\d+$")

    def test_says_what_needs_node_js(self):
        self.env["PATH"] = ""
        ran = self.run_kit("conform", "nodes.py:greet")
        self.assertEqual(ran.returncode, 2)
        self.assertIn("(needs_node_js)", ran.stderr)


if __name__ == "__main__":
    unittest.main()
