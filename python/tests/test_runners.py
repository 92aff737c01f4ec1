"""An execution ends with one result whatever happens to its thread and to what it gives."""

from __future__ import annotations

import queue
import threading
import unittest
from typing import Any, Callable, Optional
from unittest import mock

import support  # noqa: F401

from tutti.messages import Finished, Output, Start  # noqa: E402
from tutti.payloads import Payloads  # noqa: E402
from tutti.runners.threads import ThreadRunner, _ThreadRun  # noqa: E402


class Threads(unittest.TestCase):
    def runner(self, refuse: Callable[[Any], Optional[Exception]] = lambda _: None) -> ThreadRunner:
        self.sent: queue.Queue[Any] = queue.Queue()

        def send(message: Any) -> None:
            error = refuse(message)
            if error is not None:
                raise error
            if isinstance(message, Finished):
                self.sent.put(message)

        runner = ThreadRunner(lambda task: None, Payloads(), send, None, True, 1)
        self.addCleanup(runner.close)
        return runner

    def code(self) -> str:
        """Of the one result that comes."""
        finished = self.sent.get(timeout=30)
        self.assertTrue(self.sent.empty())
        return str(finished.result.code)

    def test_one_that_ends_without_a_result_fails_its_execution_only(self) -> None:
        runner = self.runner()
        with mock.patch.object(threading, "excepthook"), mock.patch.object(
            _ThreadRun, "__call__", side_effect=SystemExit
        ):
            runner.start(START)
            self.assertEqual(self.code(), "thread_ended")
        self.assertFalse(runner.is_busy)

    def test_one_that_cannot_be_started_fails_the_execution(self) -> None:
        runner = self.runner()
        with mock.patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start new thread")):
            runner.start(START)
        self.assertEqual(self.code(), "no_thread")
        self.assertFalse(runner.is_busy)

    def test_a_result_that_cannot_be_handed_on_fails_the_execution(self) -> None:
        def refuse(message: Any) -> Optional[Exception]:
            given = isinstance(message, Finished) and isinstance(message.result, Output)
            return MemoryError() if given else None

        runner = self.runner(refuse)
        with mock.patch.object(_ThreadRun, "__call__", return_value=Output("json", b"1")):
            runner.start(START)
            self.assertEqual(self.code(), "result_lost")


START = Start("e1", "p/1", "m", 1, ())

if __name__ == "__main__":
    unittest.main()
