"""A handler forks, makes pools, signals its children and is left by them; its node goes on."""

from __future__ import annotations

import json
import unittest
from typing import Any, Dict

from support import SIGTERM, NodeCase

HEAD = """
import multiprocessing as mp, os, signal, subprocess, sys, time, logging
from concurrent.futures import ProcessPoolExecutor
from tutti import node
fork = mp.get_context("fork")
def square(x): return x * x
def waits(): time.sleep(600)
@node("m", hard_stop_ms=200)
def run(task):
    task.progress(0.1)
"""

BODIES: Dict[str, str] = {
    "a pool that is terminated": """
    with fork.Pool(2) as pool:
        return pool.map(square, [1, 2, 3])
""",
    "a pool of spawned processes": """
    with mp.get_context("spawn").Pool(1) as pool:
        return pool.map(square, [1, 2, 3])
""",
    "a pool of a fork server": """
    with mp.get_context("forkserver").Pool(1) as pool:
        return pool.map(square, [1, 2, 3])
""",
    "an executor": """
    with ProcessPoolExecutor(2, mp_context=fork) as pool:
        return list(pool.map(square, [1, 2, 3]))
""",
    "children that are terminated as soon as they are there": """
    for _ in range(20):
        child = fork.Process(target=waits)
        child.start()
        child.terminate()
        child.join()
        assert child.exitcode == -signal.SIGTERM, child.exitcode
    return [1, 4, 9]
""",
    "a child that is interrupted as by Ctrl-C": """
    child = fork.Process(target=waits)
    child.start()
    os.kill(child.pid, signal.SIGINT)
    child.join()
    return [1, 4, 9]
""",
    "a child that is killed": """
    child = fork.Process(target=waits)
    child.start()
    child.kill()
    child.join()
    return [1, 4, 9]
""",
    "a child that outlives the handler": """
    fork.Process(target=time.sleep, args=(3,), daemon=True).start()
    return [1, 4, 9]
""",
    "a child that ends at once": """
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    return [1, 4, 9]
""",
    "a child that ends by sys.exit()": """
    pid = os.fork()
    if pid == 0:
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    return [1, 4, 9]
""",
    "a child that comes back from the handler": """
    pid = os.fork()
    if pid == 0:
        return "the child"
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return [1, 4, 9]
""",
    "a child that raises": """
    pid = os.fork()
    if pid == 0:
        raise ValueError("in the child")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    return [1, 4, 9]
""",
    "a child that sets signal handlers of its own and closes all descriptors": """
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(5))
        os.closerange(3, 1024)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(600)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    return [1, 4, 9]
""",
    "a child that has the default signal handlers": """
    pid = os.fork()
    if pid == 0:
        same = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL and signal.set_wakeup_fd(-1) == -1
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        os._exit(0 if same and not blocked else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return [1, 4, 9]
""",
    "a grandchild": """
    def inner():
        child = fork.Process(target=waits)
        child.start()
        child.terminate()
        child.join()
        os._exit(3)
    child = fork.Process(target=inner)
    child.start()
    child.join()
    assert child.exitcode == 3
    return [1, 4, 9]
""",
    "a command": """
    for _ in range(5):
        with subprocess.Popen(["sleep", "600"]) as child:
            child.terminate()
    return [1, 4, 9]
""",
    "a pool that is made by a thread": """
    from multiprocessing.pool import ThreadPool
    def pooled(x):
        with fork.Pool(1) as pool:
            return pool.apply(square, (x,))
    with ThreadPool(2) as threads:
        return threads.map(pooled, [1, 2, 3])
""",
}


class Forks(NodeCase):
    def test_each_is_given_back_and_the_node_goes_on(self) -> None:
        # One node for all: what one leaves behind meets the next.
        functions = [f"def body_{at}(task):{body}" for at, body in enumerate(BODIES.values())]
        code = HEAD.replace("@node", "\n".join(functions) + "\n@node")
        code += "    return globals()['body_' + task.execution_id.split('-')[1]](task)\n"
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code)
        orchestrator.idle()
        for round_number in (1, 2):
            for at, name in enumerate(BODIES):
                with self.subTest(name):
                    execution_id = f"e{round_number}-{at}"
                    orchestrator.assign(execution_id)
                    last = orchestrator.output(execution_id)
                    self.assertEqual((json.loads(last.payload), last.last), ([1, 4, 9], True))
        self.assertEqual(len({each.execution_id for each in orchestrator.heard("output")}), 2 * len(BODIES))
        self.assertEqual(orchestrator.heard("goodbye"), [])
        process.send_signal(SIGTERM)
        orchestrator.expect("goodbye")
        self.assertEqual(self.ends(process), 0)

    def test_a_forked_child_may_write_to_the_tasks_log_but_publishes_nothing(self) -> None:
        body = """
    def work():
        logging.warning("logged by %s", "the child")
        task.log.info("told by the child")
        try:
            task.publish(1)
        except Exception as error:
            os._exit(0 if error.code == "forked_child" else 1)
    child = fork.Process(target=work)
    child.start()
    child.join()
    return child.exitcode
"""
        orchestrator = self.orchestrator()
        self.node(orchestrator, HEAD + body)
        orchestrator.idle()
        orchestrator.assign("e1")
        self.assertEqual(json.loads(orchestrator.output("e1").payload), 0)
        lines = [each.message for each in orchestrator.expect_many(2, "log")]
        self.assertEqual(lines, ["logged by the child", "told by the child"])

    def test_a_line_of_a_forked_child_that_cannot_be_sent_is_counted(self) -> None:
        body = """
    def work():
        task.log.info("before")
        task.log.info("large", {str(at): chr(0x1f600) * 1024 for at in range(64)})
        task.log.info("after")
    child = fork.Process(target=work)
    child.start()
    child.join()
"""
        orchestrator = self.orchestrator()
        self.node(orchestrator, HEAD + body)
        orchestrator.idle()
        orchestrator.assign("e1")
        lines = orchestrator.expect_many(3, "log")
        self.assertEqual([each.message.split(":")[0] for each in lines], ["before", "1 log line was dropped", "after"])
        self.assertEqual(lines[1].fields["dropped"], "1")


class AsyncForks(NodeCase):
    def test_a_handler_in_the_loop_may_fork(self) -> None:
        code = """
import asyncio, multiprocessing as mp, os, time
from tutti import node
def square(x): return x * x
@node("m")
async def run(task):
    with mp.get_context("fork").Pool(2) as pool:
        squares = pool.map(square, [1, 2, 3])
    pid = os.fork()
    if pid == 0:
        raise SystemExit(4)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    echo = await asyncio.create_subprocess_exec("true")
    return [squares, code, await echo.wait()]
"""
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code)
        orchestrator.idle()
        for each in ("e1", "e2"):
            orchestrator.assign(each)
            self.assertEqual(json.loads(orchestrator.output(each).payload), [[1, 4, 9], 4, 0])
        process.send_signal(SIGTERM)
        self.assertEqual(self.ends(process), 0)


class ForkedPrograms(NodeCase):
    def test_a_fork_of_a_process_that_has_started_a_node_leaves_the_node_alone(self) -> None:
        code = """
import os
from tutti import node
@node("m")
def run(task): return os.getpid()
with run.start() as running:
    pid = os.fork()
    if pid == 0:
        running.stop()
        raise SystemExit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    while not os.path.exists("end"): __import__("time").sleep(0.01)
"""
        orchestrator = self.orchestrator()
        process: Any = self.node(orchestrator, code)
        self.assertEqual(process.stdout.readline(), "3\n")
        orchestrator.idle()
        orchestrator.assign("e1")
        self.assertEqual(json.loads(orchestrator.output("e1").payload), process.pid)
        self.assertEqual(orchestrator.heard("goodbye"), [])

    def test_a_forked_child_may_serve_a_node_of_its_own(self) -> None:
        code = """
import multiprocessing as mp
from tutti import node
@node("m")
def run(task): return mp.parent_process() is not None
if __name__ == "__main__":
    child = mp.get_context("fork").Process(target=run.serve)
    child.start()
    child.join()
"""
        orchestrator = self.orchestrator()
        self.node(orchestrator, code)
        orchestrator.idle()
        orchestrator.assign("e1")
        self.assertEqual(json.loads(orchestrator.output("e1").payload), True)
        orchestrator.command(4)
        orchestrator.expect("goodbye")


if __name__ == "__main__":
    unittest.main()
