"""Nodes as real processes, against a scripted orchestrator."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, List

from support import (
    SIGALRM,
    SIGKILL,
    SIGTERM,
    NodeCase,
    children_of,
    command_line,
    descendants_of,
    until,
    until_gone,
)
from tutti.options import NodeOptions, Place, read_options
from tutti.wire import _STATUS_NUMBERS

STOP, PREEMPT, TERMINATE_TASK = 1, 3, 4
NODE_STOP, NODE_RESET, NODE_TERMINATE = 2, 3, 4

HOLDS_THE_LOCK = """
import re, time
from tutti import node

def hold(seconds):
    # One call of C each, which never gives the interpreter's lock away; longer and longer.
    letters, end = 16, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        re.match(r"(a+)+$", "a" * letters + "b")
        letters += time.monotonic() - began < 0.4
"""


def given(output: Any) -> Any:
    return json.loads(output.payload)


class Serving(NodeCase):
    def test_a_decorated_function_in_a_script_is_all_that_a_node_needs(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(
            orchestrator,
            """
from tutti import node

@node("m")
def run(task):
    return {"twice": double(task.inputs.given.n), "same": task.inputs["given"]["n"], "id": task.id}

def double(n):
    return 2 * n
""",
        )
        orchestrator.idle()
        orchestrator.assign("e1", b'{"n": 21}')
        self.assertEqual(given(orchestrator.output("e1")), {"twice": 42, "same": 21, "id": "p/1"})
        hello = orchestrator.expect("hello")
        self.assertEqual((hello.module, hello.instance, hello.capacity), ("m", "m-1", 1))
        node.send_signal(SIGTERM)
        orchestrator.expect("goodbye")
        self.assertEqual(self.ends(node), 0)

    def test_a_handler_reads_the_pass_of_its_loop_and_1_outside_of_loops(self) -> None:
        orchestrator = self.orchestrator()
        self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return task.pass_\n')
        orchestrator.idle()
        orchestrator.assign("e1", pass_=3)
        self.assertEqual(given(orchestrator.output("e1")), 3)
        orchestrator.idle()
        orchestrator.assign("e2")
        self.assertEqual(given(orchestrator.output("e2")), 1)

    def test_a_handler_reads_the_number_of_its_item_also_the_first_and_none_where_there_is_none(self) -> None:
        orchestrator = self.orchestrator()
        self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return [task.item]\n')
        for execution, item in (("e1", 0), ("e2", 7), ("e3", None)):
            orchestrator.idle()
            orchestrator.assign(execution, item=item)
            self.assertEqual(given(orchestrator.output(execution)), [item])

    def test_serve_as_the_last_line_does_the_same_and_returns(self) -> None:
        orchestrator = self.orchestrator()
        code = 'from tutti import node\n@node("m")\ndef run(task): return 1\nrun.serve()\nprint("after")\n'
        node = self.node(orchestrator, code)
        orchestrator.idle()
        node.send_signal(SIGTERM)
        self.assertEqual(self.ends(node), 0)
        assert node.stdout is not None
        self.assertEqual(node.stdout.read(), "after\n")

    def test_a_script_that_ends_with_an_exception_is_not_served(self) -> None:
        orchestrator = self.orchestrator()
        code = 'from tutti import node\n@node("m")\ndef run(task): return 1\nraise ValueError("no")\n'
        self.assertEqual(self.ends(self.node(orchestrator, code)), 1)
        self.assertEqual(orchestrator.heard("hello"), [])

    def test_two_nodes_of_one_script_are_both_served(self) -> None:
        orchestrator = self.orchestrator()
        code = 'from tutti import node\n@node("m")\ndef one(task): return 1\n@node("n")\ndef two(task): return 2\n'
        node = self.node(orchestrator, code)
        orchestrator.expect("hello", lambda hello: hello.module == "m")
        orchestrator.expect("hello", lambda hello: hello.module == "n")
        node.send_signal(SIGTERM)
        self.assertEqual(self.ends(node), 0)

    def test_a_final_refusal_ends_the_process_with_1_and_says_why(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return 1\n')
        orchestrator.idle()
        orchestrator.send(refused={"code": "replaced", "message": "another process plays m-1"})
        self.assertEqual(self.ends(node), 1)
        assert node.stderr is not None
        self.assertIn(": another process plays m-1", node.stderr.read())

    def test_terminate_ends_the_process_with_0(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return 1\n')
        orchestrator.idle()
        orchestrator.command(NODE_TERMINATE)
        orchestrator.expect("goodbye")
        self.assertEqual(self.ends(node), 0)

    def test_sigterm_before_any_orchestrator_has_answered_ends_the_process_with_0(self) -> None:
        orchestrator = self.orchestrator()
        orchestrator.answers_hello = False
        node = self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return 1\n')
        orchestrator.expect_many(2, "hello")
        node.send_signal(SIGTERM)
        self.assertEqual(self.ends(node), 0)

    def test_options_are_checked_all_at_once_when_serving_begins(self) -> None:
        orchestrator = self.orchestrator()
        code = 'from tutti import node\n@node("M!", capacity=0)\ndef run(task): return 1\n'
        node = self.node(orchestrator, code)
        self.assertEqual(self.ends(node), 1)
        assert node.stderr is not None
        told = node.stderr.read()
        self.assertIn('module: "M!" is not a name', told)
        self.assertIn("capacity: 0 is not a whole number from 1 on", told)

    def test_a_process_without_a_name_gets_one_of_its_own_and_one_of_several_keeps_its_own(self) -> None:
        # Containers share their host's name and their pid, which is 1.
        first, second = (read_options("m", NodeOptions(), False, {}, None).instance for _ in range(2))
        self.assertNotEqual(first, second)
        again = [read_options("m", NodeOptions(), False, {}, Place(7, 2)).instance for _ in range(2)]
        self.assertEqual(again[0], again[1])
        self.assertTrue(again[0].endswith(":7-2"), again[0])
        named = read_options("m", NodeOptions(), False, {"TUTTI_INSTANCE": "mine"}, None).instance
        self.assertEqual(named, "mine")

    def test_start_serves_beside_what_else_the_process_does(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(
            orchestrator,
            """
from tutti import node

@node("m")
def run(task):
    return 5

with run.start() as running:
    print(running.node_id, flush=True)
    input()
print("ended", running.wait(), flush=True)
print(run.__call__(None), flush=True)
""",
        )
        assert node.stdout is not None
        # Its stdin is the test's, which has no lines: the block ends at once.
        self.assertEqual(node.stdout.readline(), "node-1\n")
        orchestrator.expect("goodbye")


class Handlers(NodeCase):
    def run_one(self, code: str, payload: bytes = b"{}", **welcome: Any) -> Any:
        orchestrator = self.orchestrator(**welcome)
        self.node(orchestrator, "from tutti import node, NonRetryableError\n" + code)
        orchestrator.idle()
        orchestrator.assign("e1", payload)
        return orchestrator

    def test_async_def(self) -> None:
        code = (
            'import asyncio\n@node("m")\nasync def run(task):\n    await asyncio.sleep(0.01)\n'
            "    await task.publish(1)\n    return task.attempt + 1\n"
        )
        orchestrator = self.run_one(code)
        self.assertEqual(given(orchestrator.output("e1", 1)), 1)
        last = orchestrator.output("e1", 2)
        self.assertEqual((given(last), last.last), (2, True))

    def test_as_many_executions_as_its_capacity_are_at_work_at_once(self) -> None:
        in_threads = """
import threading
both = threading.Barrier(2)

@node("m", capacity=2)
def run(task):
    both.wait(60)
"""
        in_one_loop = """
import asyncio
begun = []

@node("m", capacity=2)
async def run(task):
    begun.append(task)
    while len(begun) < 2: await asyncio.sleep(0.01)
"""
        for code in (in_threads, in_one_loop):
            orchestrator = self.run_one(code)
            orchestrator.assign("e2")
            # Neither comes back before the other one has begun.
            for each in ("e1", "e2"):
                self.assertTrue(orchestrator.output(each).last)

    def test_a_generator_publishes_what_it_yields_and_gives_what_it_returns(self) -> None:
        orchestrator = self.run_one(
            '@node("m")\ndef run(task):\n    yield {"n": 1}\n    yield {"n": 2}\n    return {"n": 3}\n'
        )
        outputs = [orchestrator.output("e1", seq) for seq in (1, 2, 3)]
        self.assertEqual([given(each)["n"] for each in outputs], [1, 2, 3])
        self.assertEqual([each.last for each in outputs], [False, False, True])

    def test_a_generator_that_returns_nothing_gives_the_last_that_it_yielded(self) -> None:
        for kind in ("def", "async def"):
            orchestrator = self.run_one(f'@node("m")\n{kind} run(task):\n    yield 1\n    yield 2\n')
            last = orchestrator.output("e1", 3)
            self.assertEqual((given(last), last.last), (2, True))

    def test_named_outputs_are_returned_in_a_dict_or_given_early_and_each_goes_as_its_own_type(self) -> None:
        named = [("model", "bytes"), ("report", "bytes:text/markdown"), ("score", "json")]
        node = """
@node("m")
def run(task):
    if task.execution_id == "e1":
        return {"score": {"loss": 0.5}, "report": tutti.Markdown("# Good"), "model": b"weights"}
    task.output("score", 1)
    task.output("model", b"w")
    if task.execution_id == "e2":
        return {"report": "good"}
    task.output("report", "good")
"""
        coroutine = node.replace("def run", "async def run").replace("    task.output", "    await task.output")
        for code in (node, coroutine):
            orchestrator = self.orchestrator(output_type="")
            self.node(orchestrator, f"import tutti\nfrom tutti import node\n{code}")
            orchestrator.idle()
            for each in ("e1", "e2", "e3"):
                orchestrator.assign(each, outputs=named)
                outputs = [orchestrator.output(each, seq) for seq in (1, 2, 3)]
                self.assertEqual([output.last for output in outputs], [False, False, True])
                names = [(output.name, output.type) for output in outputs]
                self.assertEqual(names, named if each == "e1" else [named[2], named[0], named[1]])
                if each == "e1":
                    self.assertEqual([output.payload for output in outputs][:2], [b"weights", b"# Good"])

    def test_what_is_wrong_with_the_names_of_outputs_is_told_with_the_place_of_the_handler(self) -> None:
        orchestrator = self.orchestrator(output_type="")
        self.node(
            orchestrator,
            """
from tutti import node

@node("m")
def run(task):
    if task.execution_id == "e1": return {"plot": b""}
    if task.execution_id == "e2": return {"plots": b"", "score": 1}
    if task.execution_id == "e3": return b""
    if task.execution_id == "e4":
        task.output("score", 1)
        return {"plot": b"", "score": 1}
    if task.execution_id == "e5": return {"plot": "text", "score": 1}
    task.output("plots", b"")
""",
        )
        orchestrator.idle()
        errors = []
        for number in range(1, 7):
            orchestrator.assign(f"e{number}", outputs=[("plot", "bytes"), ("score", "json")])
            errors.append(orchestrator.report(f"e{number}", "FAILED").error)
        known = "the graph declares plot, score"
        unknown = f'"plots" is not an output of m (did you mean plot?): {known}'
        self.assertEqual(
            [(each.code, each.message, each.retryable) for each in errors],
            [
                ("missing_output", f"m has not published score: {known}", False),
                ("unknown_output", unknown, False),
                ("bad_output", f"m returns a dict with its outputs by their names, not a bytes: {known}", False),
                ("duplicate_output", "the output score of m was already published", False),
                ("bad_output", errors[4].message, True),
                ("unknown_output", unknown, False),
            ],
        )
        self.assertTrue(errors[4].message.startswith("the output plot is not a bytes: "), errors[4].message)
        self.assertRegex(errors[0].stack, r'File ".*", line \d+, in run')
        self.assertIn('task.output("plots", b"")', errors[5].stack)

    def test_an_exception_fails_the_execution_and_leaves_the_node_for_the_next(self) -> None:
        orchestrator = self.run_one(
            '@node("m")\ndef run(task):\n'
            '    if task.execution_id == "e1": raise ValueError("cannot")\n'
            '    if task.execution_id == "e2": raise NonRetryableError("no_such_region", "Atlantis")\n'
            '    if task.execution_id == "e3": raise SystemExit(3)\n'
            '    if task.execution_id == "e4": return {1j}\n'
            "    return task.inputs.gien\n"
        )
        errors = []
        for number in range(1, 6):
            if number > 1:
                orchestrator.assign(f"e{number}")
            error = orchestrator.report(f"e{number}", "FAILED").error
            errors.append((error.code, error.message, error.retryable))
        self.assertEqual(errors[0], ("handler_error", "ValueError: cannot", True))
        self.assertEqual(errors[1], ("no_such_region", "Atlantis", False))
        self.assertEqual(errors[2][0], "handler_error")
        self.assertEqual((errors[3][0], errors[3][2]), ("bad_output", True))
        self.assertEqual(errors[4][1], "AttributeError: there is no field gien (did you mean given?)")

    def test_an_exception_that_raises_when_it_is_looked_at_fails_its_execution_and_no_other(self) -> None:
        orchestrator = self.run_one(
            "import logging\nclass NotYet(Exception):\n"
            "    @property\n"
            "    def code(self): raise RuntimeError('no response yet')\n"
            "    def __str__(self): raise KeyboardInterrupt\n"
            "class Raises(logging.Handler):\n"
            "    def emit(self, record): raise SystemExit(1)\n"
            "logging.getLogger('tutti.node').addHandler(Raises())\n"
            '@node("m")\ndef run(task):\n'
            '    if task.execution_id == "e1": raise NotYet("x")\n'
            "    return 1\n",
        )
        error = orchestrator.report("e1", "FAILED").error
        self.assertEqual((error.code, error.retryable), ("handler_error", True))
        self.assertIn('raise NotYet("x")', error.stack)
        orchestrator.assign("e2")
        self.assertEqual(given(orchestrator.output("e2")), 1)

    def test_progress_log_and_the_standard_logging_reach_the_task(self) -> None:
        orchestrator = self.run_one(
            'import logging\n@node("m")\ndef run(task):\n    task.progress(2, "far")\n'
            '    task.log.info("structured", {"n": [1], "half": "\\ud800"})\n'
            '    logging.getLogger("lib").warning("from a library: %s", 7, extra={"k": "v"})\n'
            '    try: 1 / 0\n    except ZeroDivisionError: logging.exception("caught")\n    return None\n'
        )
        orchestrator.output("e1")
        structured, library, caught = orchestrator.expect_many(3, "log")
        self.assertEqual(dict(structured.fields), {"n": "[1]", "half": "?"})
        self.assertEqual(structured.lease, "lease-e1")
        self.assertEqual((library.message, library.level), ("from a library: 7", 3))
        self.assertEqual(dict(library.fields), {"k": "v", "logger": "lib"})
        self.assertIn("ZeroDivisionError", caught.message)
        progress = orchestrator.report("e1", "PROGRESS")
        self.assertEqual((progress.progress, progress.message), (1.0, "far"))

    def test_previous_outputs_are_there_or_none(self) -> None:
        orchestrator = self.orchestrator()
        self.node(
            orchestrator,
            'from tutti import node\n@node("m")\n'
            "def run(task): return [task.previous.a.n, task.previous.b, 'b' in task.previous]\n",
        )
        orchestrator.idle()
        orchestrator.assign(
            "e1", inputs=[{"name": "a", "type": "json", "payload": b'{"n": 1}', "previous": True}]
        )
        self.assertEqual(given(orchestrator.output("e1")), [1, None, False])

    def test_hooks_run_in_order_and_a_configuration_is_answered(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(
            orchestrator,
            """
from tutti import node

state = []

@node("m")
def run(task):
    return state

@run.on_start
def load():
    state.append("started")

@run.on_stop
async def unload():
    print("stopped", flush=True)

@run.on_configure
def configure(text):
    if text == "bad":
        raise ValueError("not this")
    state.append(text)
    return text.upper()
""",
        )
        orchestrator.idle()
        orchestrator.send(config_request={"transaction_id": "t1", "configuration": "one"})
        orchestrator.send(config_request={"transaction_id": "t2", "configuration": "bad"})
        good = orchestrator.expect("config_reply", lambda each: each.transaction_id == "t1")
        self.assertEqual((good.success, good.configuration), (True, "ONE"))
        bad = orchestrator.expect("config_reply", lambda each: each.transaction_id == "t2")
        self.assertEqual((bad.success, bad.error.message), (False, "ValueError: not this"))
        orchestrator.assign("e1")
        self.assertEqual(given(orchestrator.output("e1")), ["started", "one"])
        node.send_signal(SIGTERM)
        self.assertEqual(self.ends(node), 0)
        assert node.stdout is not None
        self.assertEqual(node.stdout.read(), "stopped\n")

    def test_a_start_hook_that_raises_leads_to_error(self) -> None:
        orchestrator = self.orchestrator()
        self.node(
            orchestrator,
            'from tutti import node\ndef no(): raise OSError("no model")\n'
            '@node("m", on_start=no)\ndef run(task): return 1\n',
        )
        report = orchestrator.expect("node_report", lambda each: each.status == _STATUS_NUMBERS["ERROR"])
        self.assertEqual((report.error.code, report.error.message), ("hook_failed", "on_start: OSError: no model"))
        self.assertIn('raise OSError("no model")', report.error.stack)


class Stopping(NodeCase):
    def begun(self, code: str, **options: Any) -> Any:
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code)
        orchestrator.idle()
        orchestrator.assign("e1", **options)
        orchestrator.report("e1", "PROGRESS")
        return orchestrator, process

    def test_the_next_progress_after_a_stop_raises(self) -> None:
        orchestrator, node = self.begun(
            """
from tutti import TaskAbortedError, node
import time

@node("m", hard_stop_ms=None)
def run(task):
    try:
        while True:
            task.progress(0.5)
            time.sleep(0.01)
    except TaskAbortedError as aborted:
        print(task.cancelled, aborted.code, aborted, flush=True)
        raise
"""
        )
        orchestrator.stop_task("e1", reason="enough")
        self.assertEqual(orchestrator.report("e1", "CANCELLED").message, "enough")
        assert node.stdout is not None
        self.assertEqual(node.stdout.readline(), "True stopped enough\n")

    def test_code_that_never_looks_is_stopped_hard(self) -> None:
        for kind in ("def", "async def"):
            orchestrator, _ = self.begun(
                f"""
from tutti import node

@node("m", hard_stop_ms=100)
{kind} run(task):
    task.progress(0.1)
    while True:
        try:
            sum(range(1000))
        except Exception:
            pass
"""
            )
            orchestrator.stop_task("e1", grace_ms=25_000)
            began = time.monotonic()
            orchestrator.report("e1", "CANCELLED")
            self.assertLess(time.monotonic() - began, 20)
            # The slot is free again.
            orchestrator.assign("e2")
            orchestrator.report("e2", "ACCEPTED")

    def test_an_async_handler_is_cancelled_where_it_waits(self) -> None:
        orchestrator, _ = self.begun(
            """
import asyncio
from tutti import node

@node("m", hard_stop_ms=None)
async def run(task):
    task.progress(0.1)
    await asyncio.sleep(1000)
"""
        )
        orchestrator.stop_task("e1", PREEMPT, grace_ms=25_000)
        orchestrator.report("e1", "PREEMPTED")

    def test_a_timeout_of_the_attempt_ends_it(self) -> None:
        code = """
import time
from tutti import node

@node("m", hard_stop_ms=50)
def run(task):
    task.progress(0.1)
    while True: time.sleep(0.01)
"""
        orchestrator, _ = self.begun(code, timeout_ms=700)
        error = orchestrator.report("e1", "FAILED").error
        self.assertEqual((error.code, error.retryable), ("timeout", True))

    def test_heartbeats_go_on_while_a_handler_holds_the_interpreters_lock(self) -> None:
        code = (
            HOLDS_THE_LOCK
            + """
import threading

def count(ticks):
    while True:
        time.sleep(0.01)
        ticks.append(1)

@node("m")
def run(task):
    task.progress(0.1)
    ticks = []
    threading.Thread(target=count, args=(ticks,), daemon=True).start()
    hold(task.inputs.given.seconds)
    return len(ticks)
"""
        )
        orchestrator, _ = self.begun(code, payload=b'{"seconds": 5}')
        # At 200 ms each: within its five seconds.
        beats = orchestrator.expect_many(8, "heartbeat", after=orchestrator.now())
        self.assertEqual(orchestrator.heard("output"), [])
        for beat in beats:
            self.assertEqual((list(beat.running), beat.load.executing), (["e1"], 1))
            self.assertGreater(beat.load.memory_bytes, 10_000_000)
        self.assertGreater(sum(beat.load.cpu for beat in beats), 0)
        # Another thread of that process, which would tick five hundred times, has hardly come to its turn.
        self.assertLess(given(orchestrator.output("e1")), 100)
        orchestrator.assign("e2", b'{"seconds": 4}')
        orchestrator.expect("heartbeat", lambda beat: list(beat.running) == ["e2"], after=orchestrator.now())
        orchestrator.stop_task("e2", grace_ms=200)
        # It is reported at the end of its grace, and named until its handler has come back.
        orchestrator.report("e2", "CANCELLED")
        orchestrator.expect("heartbeat", lambda beat: list(beat.running) == ["e2"], after=orchestrator.now())
        orchestrator.expect("heartbeat", lambda beat: not beat.running, after=orchestrator.now())

    def test_sigterm_ends_a_process_whose_handler_holds_the_interpreters_lock(self) -> None:
        code = HOLDS_THE_LOCK.replace("< 0.4", "< 600") + (
            '\n@node("m", shutdown_grace_ms=200, flush_ms=1000)\n'
            "def run(task):\n    task.progress(0.1)\n    hold(600)\n"
        )
        orchestrator, node = self.begun(code)
        time.sleep(4)  # The single calls are seconds long by now.
        node.send_signal(SIGTERM)
        orchestrator.report("e1", "PREEMPTED")
        orchestrator.expect("goodbye")
        self.assertIn(self.ends(node), (0, -SIGKILL))

    def test_a_lock_taken_after_the_end_does_not_keep_the_process_up(self) -> None:
        # The main thread gets some turns, in which it hears of the end. Each is twice as long in coming as the one before.
        code = HOLDS_THE_LOCK.replace("letters += time.monotonic() - began < 0.4", "letters += 1") + (
            "\nimport atexit\natexit.register(lambda: [time.sleep(0.01) for _ in range(30)])\n"
            '\n@node("m", shutdown_grace_ms=200, flush_ms=1000)\n'
            "def run(task):\n    task.progress(0.1)\n"
            "    while not task.cancelled:\n        time.sleep(0.01)\n    hold(600)\n"
        )
        orchestrator, node = self.begun(code)
        node.send_signal(SIGTERM)
        orchestrator.report("e1", "PREEMPTED")
        orchestrator.expect("goodbye")
        self.assertIn(self.ends(node), (0, -SIGKILL, -SIGALRM))

    def test_a_process_that_shows_life_ends_in_its_own_time(self) -> None:
        # A handler that does not come back, but does not hold the lock either; and something to do at the end.
        code = """
import atexit, time
from tutti import node

def tidy_up():
    time.sleep(8)
    print("tidied up", flush=True)

atexit.register(tidy_up)

@node("m", shutdown_grace_ms=200, flush_ms=1000)
def run(task):
    task.progress(0.1)
    time.sleep(600)
"""
        orchestrator, node = self.begun(code)
        node.send_signal(SIGTERM)
        orchestrator.expect("goodbye")
        self.assertEqual(self.ends(node), 0)
        self.assertEqual(node.stdout.read() if node.stdout else "", "tidied up\n")

    def test_the_end_of_one_node_leaves_the_others_of_its_process_alone(self) -> None:
        first, second = self.orchestrator(), self.orchestrator()
        node = self.node(
            first,
            f"""
from tutti import node

@node("m", control="{first.control}")
def a(task): return 1

@node("m", control="{second.control}")
def b(task): return 2


""",
        )
        first.idle()
        second.idle()
        first.command(NODE_TERMINATE)
        first.expect("goodbye")
        # Longer than the network process of the first waits for a sign of life.
        time.sleep(7)
        second.assign("e1")
        second.output("e1")
        second.command(NODE_TERMINATE)
        second.expect("goodbye")
        self.assertEqual(self.ends(node), 0)


class Surviving(NodeCase):
    def test_a_frame_that_cannot_be_read_changes_nothing(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return 1\n')
        orchestrator.idle()
        for frame in (b"", b"\xff" * 50, b"\x08\x02", os.urandom(500), b"\x08\x01\x22\x03abc"):
            orchestrator.send_frame(frame)
        # A good message among bad ones of the same frame counts.
        good = orchestrator._frame([{"assign": {"execution_id": "e0"}}])
        orchestrator.send_frame(good)
        orchestrator.assign("e1")
        orchestrator.output("e1")
        self.assertIsNone(node.poll())

    def test_what_a_killed_process_has_left_on_the_disk_is_removed_by_the_next_one(self) -> None:
        with tempfile.TemporaryDirectory() as folder:

            def spools() -> List[Path]:
                return list(Path(folder).iterdir())

            def begin() -> subprocess.Popen[str]:
                orchestrator = self.orchestrator()
                node = self.node(
                    orchestrator,
                    'from tutti import node\n@node("m")\ndef run(task): return 1\n',
                    {"TMPDIR": folder},
                )
                orchestrator.idle()
                return node

            killed = begin()
            (left,) = spools()
            for pid in [*children_of(killed.pid), killed.pid]:
                os.kill(pid, SIGKILL)
            self.ends(killed)
            self.assertEqual(spools(), [left])
            # What is not a folder of one's own is left alone.
            (Path(folder) / "tutti-node-link").symlink_to(folder)
            living = begin()
            until(lambda: left not in spools())
            (own,) = (each for each in spools() if not each.is_symlink())
            # A living one's stays, also where another one is swept away meanwhile.
            killed = begin()
            (left,) = (each for each in spools() if each != own and not each.is_symlink())
            for pid in [*children_of(killed.pid), killed.pid]:
                os.kill(pid, SIGKILL)
            self.ends(killed)
            begin()
            until(lambda: left not in spools())
            self.assertIn(own, spools())
            living.send_signal(SIGTERM)
            self.ends(living)
            self.assertNotIn(own, spools())
            self.assertTrue((Path(folder) / "tutti-node-link").is_symlink())

    def test_an_output_is_sent_again_until_it_is_acknowledged_and_the_window_holds_back_the_next(
        self,
    ) -> None:
        orchestrator = self.orchestrator(output_window=1)
        orchestrator.acks_outputs = False
        self.node(
            orchestrator, 'from tutti import node\n@node("m")\ndef run(task):\n    yield 1\n    return 2\n'
        )
        orchestrator.idle()
        orchestrator.assign("e1")
        orchestrator.expect_many(3, "output", lambda each: each.seq == 1)
        self.assertEqual([each for each in orchestrator.heard("output") if each.seq == 2], [])
        orchestrator.ack("e1", 1, False)
        last = orchestrator.output("e1", 2)
        self.assertTrue(last.last)
        orchestrator.expect("heartbeat", lambda beat: list(beat.running) == ["e1"], after=orchestrator.now())
        orchestrator.ack("e1", 2, True)
        orchestrator.expect("heartbeat", lambda beat: not beat.running, after=orchestrator.now())

    def test_an_orchestrator_restart_is_not_noticed_by_the_handler(self) -> None:
        first = self.orchestrator()
        self.node(
            first,
            'import os, time\nfrom tutti import node\n@node("m")\ndef run(task):\n'
            "    while not os.path.exists('go'): time.sleep(0.01)\n"
            "    return 'once'\n",
        )
        first.idle()
        first.assign("e1")
        first.report("e1", "RUNNING")
        pid = first.expect("hello")
        first.close()
        self._cleanups = [each for each in self._cleanups if each[0] != first.close]
        second = self.orchestrator(port=first.port, outputs_port=first.outputs_port, epoch=2)
        # The node's heartbeats reach one that does not know it: it is asked for a new registration.
        second.expect("heartbeat")
        second.send(refused={"code": "say_hello", "message": "not registered"})
        hello = second.expect("hello")
        self.assertEqual(hello.boot_id, pid.boot_id)
        self.assertEqual([(each.execution_id, each.lease) for each in hello.held], [("e1", "lease-e1")])
        folder = next(each for each in self._cleanups if "TemporaryDirectory" in repr(each[0]))[0].__self__
        open(os.path.join(folder.name, "go"), "w").close()
        self.assertEqual(given(second.output("e1")), "once")

    def test_when_the_nodes_process_is_killed_its_work_is_given_back_and_nothing_stays(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(
            orchestrator,
            'import time\nfrom tutti import node\n@node("m", capacity=2)\n'
            "def run(task):\n    task.progress(0.5)\n    time.sleep(1000)\n",
        )
        orchestrator.idle()
        orchestrator.assign("e1")
        orchestrator.report("e1", "PROGRESS")
        processes = descendants_of(node.pid)
        self.assertEqual(len(processes), 1)
        node.kill()
        orchestrator.report("e1", "PREEMPTED")
        orchestrator.expect("goodbye")
        for pid in processes:
            until_gone(pid)

    def test_when_the_network_process_is_killed_the_nodes_process_ends(self) -> None:
        orchestrator = self.orchestrator()
        node = self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return 1\n')
        orchestrator.idle()
        (network,) = descendants_of(node.pid)
        self.assertIn("tutti.network", command_line(network))
        os.kill(network, SIGKILL)
        self.assertEqual(self.ends(node), 1)


class Blobs(NodeCase):
    def test_large_payloads_come_and_go_by_reference_and_again_when_they_are_missing(self) -> None:
        blobs = self.blobs()
        orchestrator = self.orchestrator(
            blob_url=blobs.url.replace("127.0.0.1", "*"), inline_max_bytes=100, output_type="bytes"
        )
        orchestrator.acks_outputs = False
        self.node(
            orchestrator,
            'from tutti import node\n@node("m")\n'
            "def run(task):\n    yield b'small'\n    return task.inputs.given[::-1]\n",
        )
        orchestrator.idle()
        import hashlib

        content = bytes(range(256)) * 1000
        name = hashlib.sha256(content).hexdigest()
        blobs.blobs[name] = content
        blobs.refusals = [503]
        url = f"{blobs.url}/{name}"
        blob = {"sha256": name, "size": len(content), "url": url}
        orchestrator.assign("e1", inputs=[{"name": "given", "type": "bytes", "blob": blob}])
        self.assertEqual(orchestrator.output("e1", 1).payload, b"small")
        last = orchestrator.output("e1", 2)
        self.assertEqual(blobs.blobs[last.blob.sha256], content[::-1])
        self.assertEqual(last.blob.size, len(content))
        del blobs.blobs[last.blob.sha256]
        at = orchestrator.now()
        orchestrator.send(refused={"code": "blob_missing", "message": "gone", "execution_id": "e1", "seq": 2})
        orchestrator.expect("output", lambda each: each.seq == 2, after=at)
        self.assertEqual(blobs.puts, [last.blob.sha256] * 2)
        self.assertIn(last.blob.sha256, blobs.blobs)

    def test_a_blob_that_is_not_there_fails_the_execution(self) -> None:
        blobs = self.blobs()
        orchestrator = self.orchestrator(blob_url=blobs.url)
        self.node(orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return 1\n')
        orchestrator.idle()
        blob = {"sha256": "0" * 64, "size": 5, "url": f"{blobs.url}/{'0' * 64}"}
        orchestrator.assign("e1", inputs=[{"name": "given", "type": "bytes", "blob": blob}])
        self.assertEqual(orchestrator.report("e1", "FAILED").error.code, "blob_missing")

    def test_arrays_and_files_are_outputs_of_bytes(self) -> None:
        try:
            import numpy
        except ImportError:
            self.skipTest("numpy")
        from tutti import load_array

        orchestrator = self.orchestrator(output_type="bytes")
        self.node(
            orchestrator,
            "from pathlib import Path\nimport numpy\nfrom tutti import node\n"
            '@node("m")\ndef run(task):\n'
            "    Path('f').write_bytes(b'content')\n    yield Path('f')\n"
            "    return numpy.arange(6, dtype='float32').reshape(2, 3)\n",
        )
        orchestrator.idle()
        orchestrator.assign("e1")
        self.assertEqual(orchestrator.output("e1", 1).payload, b"content")
        array = load_array(orchestrator.output("e1", 2).payload)
        self.assertTrue(numpy.array_equal(array, numpy.arange(6, dtype="float32").reshape(2, 3)))
        self.assertEqual(array.dtype, numpy.float32)

    def test_types_that_are_not_known_are_asked_for_by_a_new_hello(self) -> None:
        orchestrator = self.orchestrator()
        self.node(
            orchestrator, 'from tutti import node\n@node("m")\ndef run(task): return task.inputs.given.text\n'
        )
        orchestrator.idle()
        from google.protobuf import descriptor_pb2

        file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="a", syntax="proto3")
        file.message_type.add(name="T").field.add(name="text", number=1, type=9, label=1)
        set_of_files = descriptor_pb2.FileDescriptorSet(file=[file])
        orchestrator.welcome["descriptors"] = set_of_files.SerializeToString()
        orchestrator.assign("e1", inputs=[{"name": "given", "type": "a.T", "payload": b"\x0a\x02hi"}])
        orchestrator.expect_many(2, "hello")
        self.assertEqual(given(orchestrator.output("e1")), "hi")
        orchestrator.assign("e2", inputs=[{"name": "given", "type": "a.U", "payload": b""}])
        self.assertEqual(orchestrator.report("e2", "FAILED").error.code, "unknown_type")


if __name__ == "__main__":
    unittest.main()
