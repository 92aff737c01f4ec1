"""A node whose process, or whose network process, ends under its work says so, and counts as one that has died."""

from __future__ import annotations

import unittest
from typing import Dict

from support import NodeCase

CASES: Dict[str, str] = {
    "ends its process without a word": "os._exit(0)",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV); time.sleep(60)",
    "aborts": "os.abort()",
    "closes all files": "time.sleep(0.1); os.closerange(3, 1 << 16)",
    "closes all files and opens others": """
    time.sleep(0.1)
    os.closerange(3, 1 << 16)
    mine = [socket.socketpair() for _ in range(20)]
""",
}


class ProcessEnds(NodeCase):
    def test_a_handler_that(self) -> None:
        for name, work in CASES.items():
            with self.subTest(name):
                orchestrator = self.orchestrator()
                process = self.node(
                    orchestrator,
                    f"""
import os, signal, socket, time
from tutti import node
@node("m")
def run(task):
    {work}
    return 1
""",
                )
                orchestrator.idle()
                orchestrator.assign("e1")
                report = orchestrator.report("e1", "PREEMPTED")
                self.assertEqual((report.error.code, report.error.retryable), ("process_ended", True))
                orchestrator.expect("goodbye")
                self.ends(process)

    def test_the_end_of_a_network_process_ends_its_own_node_only(self) -> None:
        orchestrator = self.orchestrator()
        code = """
import os, signal
from tutti import node
@node("m")
def run(task):
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        for pid in children.read().split():
            os.kill(int(pid), signal.SIGKILL)
"""
        process = self.node(orchestrator, code, {"TUTTI_PROCESSES": "1"})
        orchestrator.idle()
        at = orchestrator.now()
        orchestrator.assign("e1")
        orchestrator.expect("hello", after=at)
        process.terminate()
        self.assertEqual(self.ends(process), 0)


if __name__ == "__main__":
    unittest.main()
