"""What is reported of anything that a handler raises."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from tutti.errors import NonRetryableError, ReportedError, TuttiError, reported_error  # noqa: E402
from tutti.nearest import nearest  # noqa: E402


def told(run: Callable[[], Any]) -> ReportedError:
    """What is reported of what ``run`` raises."""
    try:
        run()
    except BaseException as raised:
        return reported_error(raised, "handler_error")
    raise AssertionError("nothing was raised")


def raises(raised: Any) -> Callable[[], Any]:
    def run() -> None:
        raise raised

    return run


class NotYet(Exception):
    @property
    def code(self) -> str:
        raise RuntimeError("no response yet")


class Mute(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Wordy(Exception):
    def __str__(self) -> Any:
        return 42


class Closed(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)


class Text(str):
    def __str__(self) -> str:
        raise RuntimeError("not a text")

    __len__ = __getitem__ = __str__  # type: ignore[assignment]


class Named(Exception):
    def __init__(self, code: Any) -> None:
        super().__init__("named")
        self.code = code


class Message(unittest.TestCase):
    def test_says_class_and_text(self) -> None:
        async def cancelled() -> None:
            raise asyncio.CancelledError("by the author")

        def bare() -> None:
            rows = [1]
            assert len(rows) > 2

        cases = [
            (lambda: {}["epochs"], "KeyError: 'epochs'"),
            (lambda: [][3], "IndexError: list index out of range"),
            (lambda: int("x"), "ValueError: invalid literal for int() with base 10: 'x'"),
            (raises(Exception("it broke")), "it broke"),
            (raises(Exception), "Exception"),
            (raises(StopIteration(5)), "StopIteration: 5"),
            (raises(StopAsyncIteration), "StopAsyncIteration"),
            (raises(GeneratorExit), "GeneratorExit"),
            (raises(KeyboardInterrupt), "KeyboardInterrupt"),
            (raises(SystemExit(3)), "SystemExit: 3"),
            (raises(SystemExit("failed")), "SystemExit: failed"),
            (raises(AssertionError), "AssertionError"),
            (bare, "AssertionError: assert len(rows) > 2"),
            (lambda: asyncio.run(cancelled()), "CancelledError"),
            (raises(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")), "UnicodeDecodeError: 'utf-8' codec can't"),
            (raises(FileNotFoundError(2, "No such file", "/x")), "FileNotFoundError: [Errno 2] No such file: '/x'"),
            (raises(ValueError("half a pair \ud83d")), "ValueError: half a pair ?"),
            (raises(OSError()), "OSError"),
            (lambda: compile("a b", "job.py", "exec"), "SyntaxError: "),
            (raises("a text"), "TypeError: exceptions must derive from BaseException"),
        ]
        for run, message in cases:
            with self.subTest(message):
                error = told(run)
                self.assertEqual((error.code, error.retryable), ("handler_error", True))
                self.assertTrue(error.message.startswith(message), error.message)

    def test_is_the_authors_own_where_the_code_is(self) -> None:
        self.assertEqual(told(raises(Named("over_quota")))[:2], ("over_quota", "named"))
        self.assertEqual(told(raises(TuttiError("no_grid", "no grid")))[:3], ("no_grid", "no grid", True))
        self.assertEqual(told(raises(NonRetryableError("no_region", "x")))[:3], ("no_region", "x", False))

    def test_is_given_whatever_the_exception_does_when_it_is_looked_at(self) -> None:
        class Strange(type):
            def __getattribute__(cls, name: str) -> Any:
                raise KeyboardInterrupt

        class Odd(Exception, metaclass=Strange):
            pass

        for raised in (
            NotYet("x"),
            Mute(),
            Wordy(),
            Closed("x"),
            Odd("x"),
            Named(lambda: "UNAVAILABLE"),
            Named(7),
            Named(Text("over_quota!")),
            Exception(Text("x")),
            SystemExit(Text("x")),
            ValueError("x" * 10_000_000),
        ):
            with self.subTest(type.__getattribute__(type(raised), "__name__")):
                error = told(raises(raised))
                self.assertEqual((error.code, error.retryable), ("handler_error", True))
                self.assertTrue(0 < len(error.message) <= 4_096)
                self.assertLessEqual(len(error.stack.encode()), 16_384)
                self.assertEqual(pickle.loads(pickle.dumps(error)), error)


class Stack(unittest.TestCase):
    def test_shows_the_authors_frames_and_the_line(self) -> None:
        def read_epochs() -> Any:
            return {}["epochs"]

        stack = told(read_epochs).stack
        self.assertTrue(stack.startswith("Traceback (most recent call last):\n"), stack)
        self.assertIn('return {}["epochs"]', stack)
        self.assertTrue(stack.endswith("KeyError: 'epochs'"), stack)

    def test_leaves_out_the_frames_of_this_package(self) -> None:
        def names() -> Any:
            yield 1 // 0

        stack = told(lambda: nearest("name", names())).stack
        self.assertNotIn(os.path.join("src", "tutti", ""), stack)
        self.assertIn("yield 1 // 0", stack)

    def test_shows_causes_and_contexts_oldest_first(self) -> None:
        def run() -> None:
            try:
                try:
                    {}["grid"]
                except KeyError as missing:
                    raise ValueError("no grid mix") from missing
            except ValueError:
                raise RuntimeError("no footprint")

        stack = told(run).stack
        heads = [
            "KeyError: 'grid'",
            "The above exception was the direct cause of the following exception:",
            "ValueError: no grid mix",
            "During handling of the above exception, another exception occurred:",
            "RuntimeError: no footprint",
        ]
        lines = [line for line in stack.splitlines() if line in heads]
        self.assertEqual(lines, heads)

    def test_hides_what_was_raised_from_none(self) -> None:
        def run() -> None:
            try:
                {}["grid"]
            except KeyError:
                raise ValueError("no grid mix") from None

        self.assertNotIn("KeyError", told(run).stack)

    def test_ends_a_chain_that_comes_back_to_itself_and_one_that_is_long(self) -> None:
        first, second = ValueError("a"), ValueError("b")
        first.__cause__, second.__cause__ = second, first
        self.assertIn("ValueError: b", told(raises(first)).stack)
        chain = ValueError("0")
        for at in range(5_000):
            following = ValueError(str(at))
            following.__cause__ = chain
            chain = following
        self.assertTrue(told(raises(chain)).stack.startswith("(it has more causes, which are left out)"))

    def test_shows_a_recursion_without_all_of_its_frames(self) -> None:
        def deeper(level: int) -> int:
            return deeper(level + 1) + 1

        error = told(lambda: deeper(0))
        self.assertTrue(error.message.startswith("RecursionError: maximum recursion depth exceeded"))
        self.assertLessEqual(len(error.stack.encode()), 16_384)
        self.assertIn("are left out", error.stack)

    def test_shows_the_place_of_a_syntax_error(self) -> None:
        stack = told(lambda: compile("epochs = = 3", "job.py", "exec")).stack
        self.assertIn('File "job.py", line 1', stack)
        self.assertIn("epochs = = 3", stack)

    def test_shows_each_member_of_a_group(self) -> None:
        if sys.version_info >= (3, 11):
            group: Any = ExceptionGroup  # noqa: F821
        else:
            # What the package ``exceptiongroup`` calls its class on older versions.
            class BaseExceptionGroup(Exception):
                def __init__(self, message: str, exceptions: Any) -> None:
                    super().__init__(message)
                    self.exceptions = tuple(exceptions)

            group = BaseExceptionGroup
        members = [ValueError(f"fold {at}") for at in range(20)]
        stack = told(raises(group("two folds failed", members))).stack
        self.assertIn("1 of 20:\n    ValueError: fold 0", stack)
        self.assertIn("(12 more are left out)", stack)
        nested = group("0", [ValueError("x")])
        for at in range(1, 50):
            nested = group(str(at), [nested])
        self.assertLessEqual(len(told(raises(nested)).stack.encode()), 16_384)

    def test_shows_the_notes_on_an_exception(self) -> None:
        raised = ValueError("x")
        raised.__notes__ = ["in fold 3", 7]  # type: ignore[attr-defined]
        self.assertIn("ValueError: x\nin fold 3", told(raises(raised)).stack)

    def test_does_without_a_source_that_cannot_be_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "gone.py"
            file.write_bytes(b"def run():\n    raise ValueError('x')\n")
            names: Any = {}
            exec(compile(file.read_text(), str(file), "exec"), names)
            file.write_bytes(b"\xff\xfe" * 10)
            self.assertIn(f'File "{file}", line 2, in run', told(names["run"]).stack)


if __name__ == "__main__":
    unittest.main()
