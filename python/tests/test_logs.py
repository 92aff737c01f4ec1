"""What is logged for an execution reaches its task, however the author has set up logging."""

from __future__ import annotations

import unittest

from support import NodeCase


class Logs(NodeCase):
    def test_threads_pools_and_loggers_that_do_not_propagate_reach_the_task(self) -> None:
        code = """
import logging, threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from tutti import node
logging.getLogger("own").propagate = False
pool = ThreadPoolExecutor(1)
@node("m")
def run(task):
    with ThreadPoolExecutor(2) as ex: list(ex.map(lambda i: logging.warning("mapped %d", i), range(2)))
    pool.submit(logging.warning, "a pool of the module").result()
    thread = threading.Thread(target=logging.warning, args=("a thread",))
    thread.start()
    thread.join()
    with ThreadPool(1) as threads: threads.apply(logging.warning, ("a thread pool",))
    logging.getLogger("own").warning("not propagated")
"""
        orchestrator = self.orchestrator()
        self.node(orchestrator, code)
        orchestrator.idle()
        expected = ["a pool of the module", "a thread", "a thread pool", "mapped 0", "mapped 1", "not propagated"]
        for execution_id in ("e1", "e2"):
            orchestrator.assign(execution_id)
            orchestrator.output(execution_id)
            lines = orchestrator.expect_many(6, "log", lambda each: each.execution_id == execution_id)
            self.assertEqual(sorted(each.message for each in lines), expected)

    def test_the_node_says_what_it_has_to_say_whatever_the_logging_is_set_to_afterwards(self) -> None:
        code = """
import logging, logging.config
from tutti import node
@node("m")
def run(task):
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": True, "root": {"level": "INFO"}})
    raise ValueError("told")
"""
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code)
        orchestrator.idle()
        orchestrator.assign("e1")
        orchestrator.report("e1", "FAILED")
        process.terminate()
        self.assertIn("ValueError: told", process.communicate()[1])

    def test_a_handler_in_the_loop_that_succeeds_is_not_told_to_have_failed(self) -> None:
        code = """
from tutti import node
@node("m")
async def run(task): return 1
"""
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code)
        orchestrator.idle()
        orchestrator.assign("e1")
        orchestrator.output("e1")
        process.terminate()
        self.assertNotIn("ERROR", process.communicate()[1])


if __name__ == "__main__":
    unittest.main()
