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

    def test_a_handler_that_takes_modules_away_ends_nothing(self) -> None:
        code = """
import sys
from tutti import node
class Text(str):
    pass
@node("m")
def run(task):
    sys.path.clear()
    taken = [name for name in sys.modules if name in NAMES or name.split(".")[0] in NAMES]
    for name in taken:
        del sys.modules[name]
    task.log.info(Text("taken"), {Text("text"): Text("text")})
    if task.execution_id == "failing":
        raise ValueError("after that")
    yield len(taken)
    return len(taken)
"""
        for names in (["tutti"], ["tutti", "copyreg", "pickle", "_pickle", "asyncio", "json", "threading"]):
            for workers in ("threads", "asyncio"):
                with self.subTest(names=names, workers=workers):
                    orchestrator = self.orchestrator()
                    handler = code if workers == "threads" else _as_async(code)
                    process = self.node(orchestrator, handler.replace("NAMES", repr(names)))
                    orchestrator.idle()
                    orchestrator.assign("failing")
                    self.assertEqual(orchestrator.report("failing", "FAILED").error.message, "ValueError: after that")
                    orchestrator.assign("succeeding")
                    orchestrator.expect("output", lambda output: output.last)
                    process.terminate()
                    self.assertEqual(self.ends(process), 0)


def _as_async(code: str) -> str:
    return code.replace("def run", "async def run").replace("return len(taken)", "")


if __name__ == "__main__":
    unittest.main()
