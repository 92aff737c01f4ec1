"""What a handler may be, and what it may do without taking its node or a slot along."""

from __future__ import annotations

import json
import os
import tempfile
import unittest

from support import NodeCase

HEAD = """
import asyncio, functools, sqlite3, threading, os
from tutti import node
"""

KINDS = {
    "an object with async __call__": (
        "class A:\n    async def __call__(self, task):\n        await task.publish(1)\n        return 2\nnode('m')(A())\n",
        [1, 2],
    ),
    "a partial of an async function": (
        "async def f(n, task): return n\nnode('m')(functools.partial(f, 2))\n",
        [2],
    ),
    "a method": ("class A:\n    async def run(self, task): return 2\nnode('m')(A().run)\n", [2]),
    "a decorated async function": (
        "def plain(f):\n    @functools.wraps(f)\n    def wrapper(*a): return f(*a)\n    return wrapper\n"
        "@node('m')\n@plain\nasync def run(task):\n    await task.publish(1)\n    return 2\n",
        [1, 2],
    ),
    "a lambda that gives a coroutine": ("async def f(task): return 2\nnode('m')(lambda task: f(task))\n", [2]),
    "a decorated async generator": (
        "async def f(task):\n    yield 1\n    yield 2\nnode('m')(lambda task: f(task))\n",
        [1, 2, 2],
    ),
    "a decorated generator": (
        "def plain(f):\n    @functools.wraps(f)\n    def wrapper(*a): return f(*a)\n    return wrapper\n"
        "@node('m')\n@plain\ndef run(task):\n    yield 1\n    return 2\n",
        [1, 2],
    ),
    "a partial of a generator function": (
        "def f(n, task):\n    yield 1\n    return n\nnode('m')(functools.partial(f, 2))\n",
        [1, 2],
    ),
}

HOSTILE = [
    "class E(Exception):\n    @property\n    def code(self): raise RuntimeError('not yet')\nraise E('x')",
    "class E(Exception):\n    def __str__(self): raise SystemExit(1)\nraise E()",
    "class E(Exception):\n    def __repr__(self): raise KeyboardInterrupt\n    __str__ = __repr__\nraise E()",
    "class E(BaseException): pass\nraise E('x')",
    "raise SystemExit(3)",
    "raise KeyboardInterrupt",
    "raise GeneratorExit",
    "raise StopIteration",
    "raise MemoryError",
    "def f(): return f()\nf()",
    "raise asyncio.CancelledError",
    "raise ExceptionGroup('several', [ValueError('a')]) if hasattr(__builtins__, 'ExceptionGroup') else ValueError('a')",
    "return (each for each in [1, 2])",
    "return iter([1, 2])",
]


class Kinds(NodeCase):
    def test_whatever_can_be_called_is_a_handler(self) -> None:
        for name, (definition, outputs) in KINDS.items():
            with self.subTest(name):
                orchestrator = self.orchestrator()
                code = definition.replace("node('m')(", "served = node('m')(")
                self.node(orchestrator, HEAD + code)
                orchestrator.idle()
                orchestrator.assign("e1")
                given = [json.loads(orchestrator.output("e1", at).payload) for at in range(1, len(outputs) + 1)]
                self.assertEqual(given, outputs)


class Hostile(NodeCase):
    def test_no_error_takes_a_slot_or_a_node_along(self) -> None:
        bodies = [f"def body_{at}(task):\n    " + body.replace("\n", "\n    ") for at, body in enumerate(HOSTILE)]
        code = HEAD + "\n".join(bodies) + (
            "\n@node('m')\ndef run(task):\n    at = task.execution_id[1:]\n"
            "    return globals()[f'body_{at}'](task) if at != 'end' else 'well'\n"
        )
        orchestrator = self.orchestrator()
        self.node(orchestrator, code)
        orchestrator.idle()
        for at, body in enumerate(HOSTILE):
            with self.subTest(body):
                orchestrator.assign(f"e{at}")
                error = orchestrator.report(f"e{at}", "FAILED").error
                self.assertIn(error.code, ("handler_error", "bad_output"))
                self.assertNotEqual(error.message, "")
        orchestrator.assign("eend")
        self.assertEqual(json.loads(orchestrator.output("eend").payload), "well")


class Threads(NodeCase):
    def test_what_on_start_opens_belongs_to_the_thread_of_the_executions(self) -> None:
        code = HEAD + (
            "@node('m')\ndef run(task):\n    db.execute('insert into t values (1)')\n"
            "    return [db.execute('select count(*) from t').fetchone()[0], mine.name]\n"
            "@run.on_start\ndef opens():\n    global db, mine\n    db = sqlite3.connect(':memory:')\n"
            "    db.execute('create table t (n)')\n    mine = threading.local()\n    mine.name = 'own'\n"
        )
        orchestrator = self.orchestrator()
        self.node(orchestrator, code)
        orchestrator.idle()
        for count in (1, 2, 3):
            orchestrator.assign(f"e{count}")
            self.assertEqual(json.loads(orchestrator.output(f"e{count}").payload), [count, "own"])


class Folders(NodeCase):
    def test_without_a_temporary_folder_small_payloads_work_and_large_ones_are_refused_by_code(self) -> None:
        code = (
            "from tutti import node\n@node('m')\ndef run(task):\n"
            "    import os, shutil; shutil.rmtree(os.environ['TMPDIR'], ignore_errors=True)\n"
            "    open(os.environ['TMPDIR'], 'w').close()\n"
            "    return 'x' * task.inputs.given\n"
        )
        orchestrator = self.orchestrator(inline_max_bytes=100)
        folder = tempfile.mkdtemp()
        self.node(orchestrator, code, {"TMPDIR": folder})
        orchestrator.idle()
        orchestrator.assign("e1", b"3")
        self.assertEqual(json.loads(orchestrator.output("e1").payload), "xxx")
        orchestrator.assign("e2", b"1000")
        error = orchestrator.report("e2", "FAILED").error
        self.assertEqual(error.code, "no_temp_folder")
        os.unlink(folder)


if __name__ == "__main__":
    unittest.main()
