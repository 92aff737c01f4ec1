"""Every way of serving ends by a signal, and a program that serves nothing says so."""

from __future__ import annotations

import json
import os
import subprocess
import time
import unittest
from typing import Any, Dict, List, Tuple

from support import SIGALRM, SIGINT, SIGTERM, NodeCase, children_of, descendants_of, kill_if_there, until
from tutti.wire import _STATUS_NUMBERS

HANDLER = 'from tutti import node, serve\n@node("m")\ndef run(task):\n    return 1\n'
WAYS: Dict[str, str] = {
    "at the end of the main module": HANDLER,
    "node.serve()": HANDLER + "run.serve()\n",
    "serve([a, b])": HANDLER + '@node("n", control="OTHER")\ndef other(task): return 2\nserve([run, other])\n',
    "serve() of one of two": HANDLER + '@node("n", control="OTHER")\ndef other(task): return 2\nrun.serve()\n',
    "asyncio": HANDLER.replace("def run", "async def run"),
    "processes": HANDLER + "run.serve(processes=1)\n",
    "start()": HANDLER + "import time\nwith run.start():\n    while True: time.sleep(0.01)\n",
}
PROFILED = "import sys\nsys.setprofile(lambda *_: None)\nimport threading\nthreading.setprofile(lambda *_: None)\n"
TRACED = "import sys\nsys.settrace(lambda *_: None)\nimport threading\nthreading.settrace(lambda *_: None)\n"
ENABLED = "import cProfile\ncProfile.Profile().enable()\n"

# A loop of C that never gives the interpreter's lock away, and Python code that never ends.
HOLDS_THE_LOCK = 'import re\n    re.match(r"(a+)+$", "a" * 60 + "b")\n'
NEVER_LOOKS = "while True:\n        try: sum(range(100))\n        except BaseException: pass\n"


class Signals(NodeCase):
    def ends_in_time(self, code: str, exit_codes: Tuple[int, ...], names: str) -> None:
        """Whether it has executed anything or not, by either signal: four nodes at once."""
        begun: List[Tuple[Any, subprocess.Popen[str], int]] = []
        for executes in (False, True):
            for number in (SIGTERM, SIGINT):
                orchestrator = self.orchestrator()
                other = self.orchestrator()
                process = self.node(orchestrator, code.replace("OTHER", other.control))
                begun.append((orchestrator, process, number))
                orchestrator.idle()
                if executes:
                    orchestrator.assign("e1")
                    orchestrator.output("e1")
        for orchestrator, process, number in begun:
            process.send_signal(number)
        for orchestrator, process, number in begun:
            with self.subTest(way=names, signal=number):
                orchestrator.expect("goodbye")
                self.assertIn(self.ends(process), exit_codes)

    def test_each_way_of_serving_ends(self) -> None:
        for name, code in WAYS.items():
            # With start() the signals are the program's own.
            codes = (-SIGTERM, 1, -SIGINT) if name == "start()" else (0,)
            self.ends_in_time(code, codes, name)

    def test_also_under_the_authors_own_profiler_or_tracer(self) -> None:
        for name, first in (("setprofile", PROFILED), ("settrace", TRACED), ("cProfile", ENABLED)):
            for way in ("at the end of the main module", "node.serve()", "asyncio"):
                self.ends_in_time(first + WAYS[way], (0,), f"{way} under {name}")

    def test_serving_sets_no_profiler_and_no_tracer_and_leaves_the_authors_own(self) -> None:
        code = (
            "import sys, threading\nmine = lambda *_: None\nsys.setprofile(mine)\n"
            'from tutti import node\n@node("m")\ndef run(task):\n'
            "    return [sys.getprofile() is None, sys.gettrace() is None]\n"
            "assert sys.getprofile() is mine\nrun.serve()\nassert sys.getprofile() is mine\n"
        )
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code)
        orchestrator.idle()
        orchestrator.assign("e1")
        self.assertEqual(json.loads(orchestrator.output("e1").payload), [True, True])
        process.send_signal(SIGTERM)
        self.assertEqual(self.ends(process), 0)


class SecondSignals(NodeCase):
    def begun(self, body: str, **options: Any) -> Tuple[Any, subprocess.Popen[str]]:
        orchestrator = self.orchestrator()
        code = f'from tutti import node\n@node("m", shutdown_grace_ms=60_000, hard_stop_ms=None)\ndef run(task):\n    task.progress(0.1)\n    {body}'
        process = self.node(orchestrator, code, **options)
        orchestrator.idle()
        orchestrator.assign("e1")
        orchestrator.report("e1", "PROGRESS")
        return orchestrator, process

    def test_a_second_signal_ends_the_process_at_once_whatever_it_does(self) -> None:
        for body in (HOLDS_THE_LOCK, NEVER_LOOKS, "import time; time.sleep(600)\n"):
            for second in (SIGTERM, SIGINT):
                with self.subTest(body=body, second=second):
                    orchestrator, process = self.begun(body)
                    process.send_signal(SIGTERM)
                    # It has heard of the first: a node that ends says so.
                    orchestrator.expect("node_report", lambda each: each.status == _STATUS_NUMBERS["TERMINATING"])
                    began = time.monotonic()
                    process.send_signal(second)
                    self.assertLess(self.ends(process), 0)
                    self.assertLess(time.monotonic() - began, 20)

    def test_one_signal_to_all_processes_of_a_node_is_one_signal(self) -> None:
        # As a service manager sends it.
        code = (
            'from tutti import node\nimport time\n@node("m")\ndef run(task):\n    task.progress(0.1)\n'
            "    while not task.cancelled: time.sleep(0.01)\n    time.sleep(1)\n    open('came back', 'w')\n"
            "run.serve()\nprint('tidy', flush=True)\n"
        )
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code)
        orchestrator.idle()
        orchestrator.assign("e1")
        orchestrator.report("e1", "PROGRESS")
        for pid in [*children_of(process.pid), process.pid]:
            os.kill(pid, SIGTERM)
        self.assertEqual(self.ends(process), 0)
        assert process.stdout is not None
        self.assertEqual(process.stdout.read(), "tidy\n")


class LeftBehind(NodeCase):
    def test_what_a_handler_leaves_behind_does_not_keep_the_process(self) -> None:
        left = {
            "a thread": "import threading, time\n    threading.Thread(target=time.sleep, args=(600,)).start()\n",
            "a process": "import multiprocessing, time\n"
            "    multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,)).start()\n",
            "a pool": "from concurrent.futures import ThreadPoolExecutor\n    import time\n"
            "    ThreadPoolExecutor(1).submit(time.sleep, 600)\n",
        }
        begun = []
        for name, body in left.items():
            orchestrator = self.orchestrator()
            code = f'from tutti import node\n@node("m")\ndef run(task):\n    {body}    return 1\n'
            process = self.node(orchestrator, code)
            orchestrator.idle()
            orchestrator.assign("e1")
            orchestrator.output("e1")
            begun.append((name, orchestrator, process))
        for name, orchestrator, process in begun:
            with self.subTest(left=name):
                network_and_others = descendants_of(process.pid)
                process.send_signal(SIGTERM)
                orchestrator.expect("goodbye")
                self.assertIn(self.ends(process), (0, -SIGALRM))
                for pid in network_and_others:
                    # What the handler has left behind holds the test's pipes open.
                    kill_if_there(pid)


class NothingServed(NodeCase):
    DEFINITION = '@node("m")\ndef run(task): return 1\n'

    def told(self, code: str, command: Tuple[str, ...] = ("my_node.py",)) -> str:
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code, command=command)
        self.ends(process)
        self.assertEqual(orchestrator.heard("hello"), [])
        assert process.stderr is not None
        return process.stderr.read()

    def test_a_node_that_nothing_serves_is_named_at_exit(self) -> None:
        inside = "    " + self.DEFINITION.replace("\n", "\n    ")
        cases = {
            "in a function": f"from tutti import node\ndef main():\n{inside}\nmain()\n",
            "before sys.exit()": f"from tutti import node\nimport sys\n{self.DEFINITION}sys.exit()\n",
            "before SystemExit": f"from tutti import node\n{self.DEFINITION}raise SystemExit(0)\n",
            "in an imported module": "import sys, types\nlib = types.ModuleType('lib')\n"
            f"exec('''from tutti import node\n{self.DEFINITION}''', vars(lib))\n",
            "in a class": f"from tutti import node\nclass A:\n{inside}\n",
        }
        for name, code in cases.items():
            with self.subTest(name):
                told = self.told(code)
                self.assertIn("the node of m was defined", told)
                self.assertIn("serve()", told)

    def test_under_another_programs_main_module_it_is_served_or_named(self) -> None:
        code = f"from tutti import node\n{self.DEFINITION}"
        for command in (
            ("-m", "cProfile", "-o", "profile", "my_node.py"),
            ("-m", "trace", "--count", "--coverdir=x", "my_node.py"),
        ):
            with self.subTest(command):
                orchestrator = self.orchestrator()
                process = self.node(orchestrator, code, command=command)
                until(lambda: bool(orchestrator.heard("hello")) or process.poll() is not None)
                process.send_signal(SIGTERM)
                self.assertEqual(self.ends(process), 0)
                assert process.stderr is not None
                was_named = "the node of m was defined" in process.stderr.read()
                self.assertNotEqual(was_named, bool(orchestrator.heard("hello")))

    def test_nothing_is_said_of_one_that_was_called_or_after_an_exception(self) -> None:
        for last in ("assert run(None) == 1\nraise SystemExit(0)\n", "raise ValueError('no')\n"):
            told = self.told(f"from tutti import node\n{self.DEFINITION}{last}")
            self.assertNotIn("the node of m", told)


class Programs(NodeCase):
    def test_a_node_is_served_however_its_program_is_run(self) -> None:
        code = HANDLER
        ways: List[Tuple[str, ...]] = [("my_node.py",), ("-m", "my_node"), ("-X", "utf8", "my_node.py")]
        for command in ways:
            with self.subTest(command):
                orchestrator = self.orchestrator()
                process = self.node(orchestrator, code, command=command)
                orchestrator.idle()
                orchestrator.assign("e1")
                orchestrator.output("e1")
                process.send_signal(SIGTERM)
                self.assertEqual(self.ends(process), 0)


if __name__ == "__main__":
    unittest.main()
