"""What a handler prints reaches its task's log, and goes on to the real streams unchanged."""

from __future__ import annotations

import json
import os
import unittest
from collections import defaultdict
from typing import Any, Dict, List, Mapping, Tuple

from support import SIGTERM, NodeCase

from tutti.printed import MAX_CHARS, MAX_LINES, Printed  # noqa: E402
from tutti.wire import _LEVEL_NUMBERS  # noqa: E402

LEVELS = {number: name.lower() for name, number in _LEVEL_NUMBERS.items()}

OUT, ERR = ("info", "stdout"), ("warn", "stderr")


class Lines(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.told: List[Tuple[str, str]] = []
        self.fields: List[Mapping[str, Any]] = []
        self.printed = Printed(self.tell, lambda: self.now)

    def tell(self, level: str, text: str, fields: Mapping[str, Any]) -> None:
        self.told.append((level, text))
        self.fields.append(fields)

    def texts(self) -> List[str]:
        self.printed.end()
        return [text for _, text in self.told]

    def test_are_told_when_they_are_complete_however_they_are_written(self) -> None:
        cases: Dict[str, Tuple[List[str], List[str]]] = {
            "as print writes": (["a", " ", "b", "\n"], ["a b"]),
            "several at once": (["a\nb\nc"], ["a", "b", "c"]),
            "as Windows ends them": (["a\r\nb\r", "\nc\r\n"], ["a", "b", "c"]),
            "blank ones": (["\n", "  \n", "\r\n", "", "\r"], []),
            "one that is not ended": (["a", "b"], ["ab"]),
            "colours, links, a title": (["\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07\n"], ["red link"]),
            "not characters": (["\x00\ud800\uffff\n"], ["\x00\ud800\uffff"]),
            "written over at once": (["1%\r2%\r3%\r", "100%\n"], ["1%", "100%"]),
        }
        for name, (written, expected) in cases.items():
            with self.subTest(name):
                self.setUp()
                for text in written:
                    self.printed.write("stdout", text)
                self.assertEqual(self.texts(), expected)

    def test_the_two_streams_are_not_mixed(self) -> None:
        for stream, text in (("stdout", "o"), ("stderr", "e"), ("stdout", "ut\n"), ("stderr", "rr\n")):
            self.printed.write(stream, text)
        self.assertEqual(self.told, [("info", "out"), ("warn", "err")])
        self.assertEqual(self.fields, [{"stream": "stdout"}, {"stream": "stderr"}])

    def test_a_progress_bar_is_told_once_a_second_and_with_its_last_state(self) -> None:
        for percent in range(101):
            self.printed.write("stderr", f"\r{percent:3}%|███   | {percent}/100")
            self.now += 0.05
        self.printed.write("stderr", "\n")
        texts = self.texts()
        self.assertLessEqual(len(texts), 7)
        self.assertEqual(texts[-1], "100%|███   | 100/100")
        self.assertEqual({level for level, _ in self.told}, {"info"})

    def test_nested_progress_bars_are_bounded_too(self) -> None:
        for step in range(1_000):
            self.printed.write("stderr", f"\router {step}\n\rinner {step}\x1b[A")
            self.now += 0.01
        self.assertLessEqual(len(self.texts()), 45)

    def test_a_line_without_end_takes_no_memory(self) -> None:
        for _ in range(1_000):
            self.printed.write("stdout", "x" * 100_000)
        (text,) = self.texts()
        self.assertEqual(len(text), 8_193)

    def test_lines_beyond_what_a_log_takes_are_counted(self) -> None:
        self.printed.write("stdout", "line\n" * (MAX_LINES + 5))
        self.printed.write("stderr", "line\nanother\n")
        texts = self.texts()
        self.assertEqual(len(texts), MAX_LINES + 1)
        self.assertTrue(texts[-1].startswith("7 lines of output were left out"), texts[-1])
        self.assertEqual(self.fields[-1], {"dropped": 7})

    def test_characters_beyond_what_a_log_takes_are_counted(self) -> None:
        line = "x" * 8_000 + "\n"
        self.printed.write("stdout", line * 3_000)
        texts = self.texts()
        self.assertEqual(len(texts), MAX_CHARS // 8_000 + 2)
        self.assertEqual(self.fields[-1], {"dropped": 3_000 - len(texts) + 1})


HEAD = """
import asyncio, contextlib, io, logging, logging.handlers, multiprocessing as mp, os, queue, sys, threading, time, traceback, warnings
from concurrent.futures import ThreadPoolExecutor
from tutti import node
warnings.simplefilter("always", UserWarning)
earlier = sys.stdout
early = logging.getLogger("early")
early.propagate = False
early.addHandler(logging.StreamHandler())
"""

BODIES: Dict[str, Tuple[str, List[Tuple[str, str, str]]]] = {
    "print": ('print("a", 1)', [(*OUT, "a 1")]),
    "print to stderr": ('print("b", file=sys.stderr)', [(*ERR, "b")]),
    "without a line feed": ('print("c", end="", flush=True)', [(*OUT, "c")]),
    "writelines": ('sys.stdout.writelines(["d\\n", "e\\n"])', [(*OUT, "d"), (*OUT, "e")]),
    "a stream that was kept earlier": ('earlier.write("f\\n")', [(*OUT, "f")]),
    "sys.__stderr__": ('print("g", file=sys.__stderr__)', [(*ERR, "g")]),
    "a thread": (
        't = threading.Thread(target=print, args=("h",)); t.start(); t.join()',
        [(*OUT, "h")],
    ),
    "a pool": ("with ThreadPoolExecutor(1) as p: p.submit(print, 'i').result()", [(*OUT, "i")]),
    "a loop": ("async def f(): print('j')\n    asyncio.run(f())", [(*OUT, "j")]),
    "a forked child": (
        'c = mp.get_context("fork").Process(target=print, args=("k",)); c.start(); c.join()',
        [(*OUT, "k")],
    ),
    "a forked child that raises": (
        "pid = os.fork()\n    if pid == 0: raise ValueError('kk')\n    os.waitpid(pid, 0)",
        [(*ERR, "ValueError: kk")],
    ),
    "a traceback": (
        "try: 1 / 0\n    except ZeroDivisionError: traceback.print_exc()",
        [(*ERR, "ZeroDivisionError: division by zero")],
    ),
    "a log record of the root": ('logging.warning("l")', [("warn", "", "l")]),
    "a log record with a handler of its own": ('early.error("m")', [("error", "", "m")]),
    "a log record with a handler that is made here": (
        "log = logging.getLogger('late'); log.propagate = False\n"
        "    log.addHandler(logging.StreamHandler(sys.stdout)); log.error('n')",
        [("error", "", "n")],
    ),
    "a log record by a queue": (
        "log = logging.getLogger('queued'); log.propagate = False; q = queue.Queue()\n"
        "    log.addHandler(logging.handlers.QueueHandler(q))\n"
        "    listener = logging.handlers.QueueListener(q, logging.StreamHandler(sys.stderr)); listener.start()\n"
        "    log.error('o'); listener.stop()",
        [("error", "", "o")],
    ),
    "what is sent elsewhere": (
        "with contextlib.redirect_stdout(io.StringIO()): print('p')\n    print('q')",
        [(*OUT, "q")],
    ),
    "a stream of the author's that hands on": (
        "class Tee:\n"
        "        def write(self, text): earlier.write(text.upper()); return len(text)\n"
        "        def flush(self): pass\n"
        "    with contextlib.redirect_stdout(Tee()): print('r')",
        [(*OUT, "R")],
    ),
    "a lone surrogate": ('sys.stderr.write("\\ud800\\n")', [(*ERR, "?")]),
    "what cannot be written": (
        "try: sys.stdout.write(5)\n    except TypeError: print('s')",
        [(*OUT, "s")],
    ),
    "from a finalizer": (
        "class D:\n        def __del__(self): print('u')\n    d = D(); del d",
        [(*OUT, "u")],
    ),
}


class Prints(NodeCase):
    def node_of(self, bodies: List[str], options: str = "") -> Any:
        functions = [f"def body_{at}(task):\n    {body}\n" for at, body in enumerate(bodies)]
        code = HEAD + "".join(functions)
        code += f"@node('m'{options})\ndef run(task): globals()['body_' + task.execution_id.split('-')[1]](task)\n"
        orchestrator = self.orchestrator()
        process = self.node(orchestrator, code, {"PYTHONIOENCODING": "utf-8:backslashreplace"})
        orchestrator.idle()
        return orchestrator, process

    def ended(self, orchestrator: Any, process: Any) -> Tuple[str, str, Dict[str, List[Any]]]:
        """What the node has printed, and what has come of it: all is there when it says goodbye."""
        process.send_signal(SIGTERM)
        orchestrator.expect("goodbye")
        out, err = process.communicate()
        logs: Dict[str, List[Any]] = defaultdict(list)
        for line in orchestrator.heard("log"):
            logs[line.execution_id].append(line)
        return out, err, logs

    def test_reach_the_task_once_with_level_and_stream(self) -> None:
        orchestrator, process = self.node_of([body for body, _ in BODIES.values()])
        for at in range(len(BODIES)):
            orchestrator.assign(f"e-{at}")
            self.assertTrue(orchestrator.output(f"e-{at}").last)
        out, err, logs = self.ended(orchestrator, process)
        for at, (name, (_, expected)) in enumerate(BODIES.items()):
            with self.subTest(name):
                lines = logs[f"e-{at}"]
                told = [(LEVELS[each.level], each.fields.get("stream", ""), each.message) for each in lines]
                if "raises" in name or "traceback" in name:
                    self.assertEqual(told[0][:2], ERR)
                    told = told[-1:]
                self.assertEqual(told, expected)
        for text in ["a 1", "cd", *"efhijknqRsu"]:
            self.assertEqual(out.splitlines().count(text), 1, text)
        for text in ("b", "g", "m", "o", "\\ud800"):
            self.assertEqual(err.splitlines().count(text), 1, text)

    def test_warnings_and_progress_bars_do(self) -> None:
        body = """warnings.warn("odd")
    for n in range(1000): sys.stderr.write(f"\\r{n / 10}%")
    sys.stderr.write("\\r100%\\n")"""
        orchestrator, process = self.node_of([body])
        orchestrator.assign("e-0")
        orchestrator.output("e-0")
        _, err, logs = self.ended(orchestrator, process)
        self.assertEqual(err.count("%"), 1_001)
        texts = [each.message for each in logs["e-0"]]
        self.assertIn("UserWarning: odd", texts[0])
        self.assertEqual(texts[-1], "100%")
        self.assertLess(len(texts), 100)

    def test_streams_stay_what_they_are_and_raise_what_they_raise(self) -> None:
        bodies = [
            "print(sys.stdout is earlier is sys.__stdout__, type(sys.stdout).__name__, sys.stdout.fileno(), sys.stdout.encoding, "
            "sys.stdout.isatty(), sys.stdout.buffer.write(b'\\x00\\x01'))",
            "import faulthandler; faulthandler.dump_traceback(); print('dumped')",
            "sys.stdout.reconfigure(line_buffering=True); print('again')",
            "sys.stdout.close()\n    try: print('x')\n    except ValueError as error: print(error, file=sys.stderr)",
        ]
        orchestrator, process = self.node_of(bodies)
        expected = ["True TextIOWrapper 1 utf-8 False 2", "dumped", "again", "I/O operation on closed file."]
        for at in range(len(expected)):
            orchestrator.assign(f"e-{at}")
            self.assertTrue(orchestrator.output(f"e-{at}").last)
        logs = self.ended(orchestrator, process)[2]
        for at, text in enumerate(expected):
            self.assertIn(text, [each.message for each in logs[f"e-{at}"]])

    def test_a_stream_that_nobody_reads_fails_only_what_prints(self) -> None:
        orchestrator, process = self.node_of(["print('x' * 100_000, flush=True)", "return 1"])
        process.stdout.close()
        process.stdout = None
        orchestrator.assign("e-0")
        self.assertEqual(orchestrator.report("e-0", "FAILED").error.message, "BrokenPipeError: [Errno 32] Broken pipe")
        orchestrator.assign("e-1")
        self.assertTrue(orchestrator.output("e-1").last)

    def test_nothing_but_the_tasks_own_log_does_where_that_is_turned_off(self) -> None:
        body = "print('printed'); logging.warning('logged'); task.log.info('told')"
        orchestrator, process = self.node_of([body], ", capture_output=False")
        orchestrator.assign("e-0")
        orchestrator.output("e-0")
        out, err, logs = self.ended(orchestrator, process)
        self.assertEqual([each.message for each in logs["e-0"]], ["told"])
        self.assertIn("printed", out)
        self.assertIn("logged", err)

    def test_each_execution_gets_its_own_also_when_several_print_at_once(self) -> None:
        body = "for n in range(200): print(task.execution_id, n)"
        orchestrator, process = self.node_of([body], ", capacity=4")
        names = [f"e-0-{number}" for number in range(4)]
        for name in names:
            orchestrator.assign(name)
        for name in names:
            orchestrator.output(name)
        logs = self.ended(orchestrator, process)[2]
        for name in names:
            self.assertEqual([each.message for each in logs[name]], [f"{name} {number}" for number in range(200)])

    def test_a_handler_that_prints_without_end_does_not_take_the_node_along(self) -> None:
        body = """with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
    for _ in range(100): sys.stdout.write("x" * 10_000_000)
    for _ in range(100): sys.stdout.write(("x" * 8_000 + "\\n") * 1_250)
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"""
        code = HEAD + f"@node('m')\ndef run(task):\n    {body}\n"
        orchestrator = self.orchestrator()
        self.node(orchestrator, code)
        orchestrator.idle()
        orchestrator.assign("e1")
        self.assertLess(json.loads(orchestrator.output("e1").payload), 400_000)
        last = orchestrator.expect("log", lambda each: "dropped" in each.fields)
        self.assertIn("lines of output were left out", last.message)


if __name__ == "__main__":
    unittest.main()
