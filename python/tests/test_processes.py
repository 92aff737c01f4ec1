"""Several processes of one program under a supervisor."""

from __future__ import annotations

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

    def test_a_wrong_number_is_refused_by_name(self) -> None:
        for value in ("0", "-1", "two", "1.5", "9999"):
            orchestrator = self.orchestrator()
            process = self.node(orchestrator, CODE, {"TUTTI_PROCESSES": value})
            self.assertEqual(self.ends(process), 1)
            assert process.stderr is not None
            self.assertIn("TUTTI_PROCESSES", process.stderr.read())


if __name__ == "__main__":
    unittest.main()
