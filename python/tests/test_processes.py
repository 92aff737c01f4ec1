"""Several processes of one program under a supervisor."""

from __future__ import annotations

import json
import os
import unittest
from typing import Any, List

from support import SIGINT, SIGKILL, SIGTERM, NodeCase, children_of, command_line, until, until_gone

from tutti.wire import _STATUS_NUMBERS  # noqa: E402

CODE = """
import os
from tutti import node
@node("m")
def run(task): return os.getpid()
"""


def processes_of(supervisor: int) -> List[int]:
    return [pid for pid in children_of(supervisor) if "my_node" in command_line(pid)]


class Supervised(NodeCase):
    def started(self, code: str = CODE, count: int = 2, **options: Any) -> Any:
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code, {"TUTTI_PROCESSES": str(count)}, **options)
        for number in range(1, count + 1):
            orchestrator.expect("hello", lambda hello: hello.instance == f"m-1-{number}")
        return orchestrator, process

    def test_each_process_is_a_node_of_its_own_and_one_that_dies_is_started_again(self) -> None:
        orchestrator, process = self.started()
        pids = processes_of(process.pid)
        self.assertEqual(len(pids), 2)
        at = orchestrator.now()
        os.kill(pids[0], SIGKILL)
        orchestrator.expect("hello", after=at)
        until(lambda: len(set(processes_of(process.pid)) - set(pids)) == 1)
        process.send_signal(SIGTERM)
        self.assertEqual(self.ends(process), 0)
        for pid in pids:
            until_gone(pid)

    def test_either_signal_ends_all_and_so_does_the_end_of_the_supervisor(self) -> None:
        for number in (SIGINT, SIGTERM, SIGKILL):
            with self.subTest(signal=number):
                orchestrator, process = self.started()
                orchestrator.expect_many(2, "node_report", lambda each: each.status == _STATUS_NUMBERS["IDLE"])
                pids = processes_of(process.pid)
                process.send_signal(number)
                self.assertEqual(self.ends(process), -SIGKILL if number == SIGKILL else 0)
                orchestrator.expect_many(2, "goodbye")
                for pid in pids:
                    until_gone(pid)

    def test_run_as_a_module_it_is_run_as_a_module_again(self) -> None:
        _, process = self.started(count=1, command=("-m", "my_node"))
        (pid,) = processes_of(process.pid)
        self.assertIn("-m my_node", command_line(pid))
        process.send_signal(SIGTERM)
        self.assertEqual(self.ends(process), 0)

    def test_what_looks_a_function_up_by_its_module_finds_it(self) -> None:
        code = """
from __future__ import annotations
import dataclasses, json, multiprocessing as mp, pickle, typing
from tutti import node
@dataclasses.dataclass
class Point:
    x: int
    near: typing.Optional[Point] = None
def double(point): return Point(2 * point.x)
@node("m")
def run(task):
    hints = typing.get_type_hints(Point)
    found = pickle.loads(pickle.dumps((double, Point(4), run)))
    with mp.get_context("fork").Pool(1) as pool:
        (point,) = pool.map(double, [Point(8)])
    return [hints["x"] is int, found[0](found[1]).x, found[2] is run, point.x]
"""
        zipped = (
            "import os, sys, zipapp; os.mkdir('app'); os.rename('my_node.py', 'app/__main__.py'); "
            "zipapp.create_archive('app', 'my_node.pyz'); os.execv(sys.executable, [sys.executable, 'my_node.pyz'])"
        )
        for command in (("my_node.py",), ("-c", zipped)):
            with self.subTest(command[0]):
                orchestrator, process = self.started(code, 1, command=command)
                orchestrator.idle()
                orchestrator.assign("e1")
                self.assertEqual(json.loads(orchestrator.output("e1").payload), [True, 8, True, 16])
                process.send_signal(SIGTERM)
                self.assertEqual(self.ends(process), 0)

    def test_a_second_signal_ends_all_at_once(self) -> None:
        code = CODE.replace("return os.getpid()", "__import__('time').sleep(600)")
        code = code.replace('"m"', '"m", hard_stop_ms=None, shutdown_grace_ms=600_000')
        orchestrator, process = self.started(code)
        orchestrator.expect_many(2, "node_report", lambda each: each.status == _STATUS_NUMBERS["IDLE"])
        orchestrator.assign("e1")
        orchestrator.report("e1", "RUNNING")
        pids = processes_of(process.pid)
        process.send_signal(SIGTERM)
        orchestrator.expect("goodbye")
        process.send_signal(SIGTERM)
        self.ends(process)
        for pid in pids:
            until_gone(pid)

    def test_one_that_is_told_to_end_is_not_started_again(self) -> None:
        orchestrator, process = self.started(count=1)
        orchestrator.idle()
        orchestrator.command(4)
        self.assertEqual(self.ends(process), 0)
        self.assertEqual(len({each.boot_id for each in orchestrator.heard("hello")}), 1)

    def test_one_that_dies_again_and_again_is_started_after_longer_and_longer_waits(self) -> None:
        code = 'import os\nif "TUTTI_SUPERVISED" in os.environ: os._exit(3)\n' + CODE
        process = self.node(self.orchestrator(), code, {"TUTTI_PROCESSES": "1"})
        assert process.stderr is not None
        waits: List[str] = []
        while len(waits) < 3:
            line = process.stderr.readline()
            self.assertNotEqual(line, "")
            if "with exit code 3" in line:
                waits.append(line.split("started again in ")[1].strip())
        self.assertEqual(waits, ["0 s", "1 s", "2 s"])
        process.send_signal(SIGTERM)
        self.assertEqual(self.ends(process), 0)

    def test_a_wrong_number_is_refused_by_name(self) -> None:
        for value in ("0", "-1", "two", "1.5", "9999"):
            orchestrator = self.orchestrator()
            process = self.node(orchestrator, CODE, {"TUTTI_PROCESSES": value})
            self.assertEqual(self.ends(process), 1)
            assert process.stderr is not None
            self.assertIn("TUTTI_PROCESSES", process.stderr.read())


if __name__ == "__main__":
    unittest.main()
