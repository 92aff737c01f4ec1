"""A node whose handler does by its input what authors do in a handler: it forks, computes, raises, returns and leaks odd things."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import hashlib
import logging
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

from tutti import NonRetryableError, node

SCRATCH = Path(os.environ.get("SOAK_SCRATCH", "."))
WITHIN_S = 15
"""For what a child gives back: one that is killed meanwhile may leave its parent waiting."""


class NotYet(Exception):
    """As of lazy clients: there is nothing to tell yet."""

    @property
    def code(self):
        raise RuntimeError("there is no response yet")


class Unspeakable(Exception):
    def __str__(self):
        raise KeyboardInterrupt("while it is told")

    __repr__ = __str__


class Bare(BaseException):
    pass


class Odd(str):
    def __str__(self):
        return "another text"


def square(value):
    return value * value


def die_with_parent():
    """A child of a handler does not outlive a node that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def squares_by_pool(context):
    with multiprocessing.get_context(context).Pool(2, die_with_parent) as pool:
        return pool.map_async(square, range(4)).get(WITHIN_S)


def squares_by_executor():
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, context, die_with_parent) as pool:
        return list(pool.map(square, range(4), timeout=WITHIN_S))


def forked(in_child):
    """What a child that runs this writes; its parent has waited for it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            die_with_parent()
            os.write(writing, in_child().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as told:
        text = told.read().decode()
    os.waitpid(child, 0)
    return text


def forked_and_returned(end):
    """The child comes back from the handler as its parent does."""
    child = os.fork()
    if child == 0:
        die_with_parent()
        end()
        return {"from": "the child"}
    deadline = time.monotonic() + WITHIN_S
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError("the child did not end")
        time.sleep(0.01)
    return {"from": "the parent"}


def say_and_sleep(connection):
    connection.send("here")
    time.sleep(60)


def child_signalled(number):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=say_and_sleep, args=(theirs,), daemon=True)
    child.start()
    if number == signal.SIGINT:
        # Any Python program loses one that comes while it is forked.
        ours.recv()
    os.kill(child.pid, number)
    child.join(WITHIN_S)
    return {"exit": child.exitcode}


def in_threads(work, count=4):
    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def print_lots(index):
    for line in range(50):
        print(f"thread {index} prints line {line}")
        print(f"thread {index} warns in line {line}", file=sys.stderr)


def log_lots(task, lines):
    for line in range(lines):
        task.log.info(f"line {line}")
    in_threads(lambda index: logging.getLogger("soak").warning("of thread %d", index))
    return {"lines": lines}


LEAKED = {"memory": [], "files": []}


def leak(kind, value, most):
    kept = LEAKED[kind]
    kept.append(value)
    if len(kept) > most:
        dropped = kept.pop(0)
        if kind == "files":
            dropped.close()
    return {"kept": True}


def leak_threads():
    for _ in range(3):
        threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
        threading.Timer(2, square, (1,)).start()
    return {"started": True}


def compute(seconds):
    """Holds the interpreter's lock but for its short switches."""
    end = time.monotonic() + seconds
    digest = b""
    while time.monotonic() < end:
        digest = hashlib.sha256(digest).digest()
    return {"computed": True}


def big_power():
    """One call of C that holds the lock for a while."""
    return (3**1_500_000).bit_length()


def stubborn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.02)
        except BaseException:  # noqa: B036
            pass
    return {"ended": "by itself"}


def first_time(task):
    """Whether this task comes for the first time, over the deaths of processes."""
    mark = SCRATCH / task.id.replace("/", "-")
    try:
        mark.touch(exist_ok=False)
        return True
    except FileExistsError:
        return False


def end_process(task, how):
    if first_time(task):
        with open(SCRATCH / "deaths", "a") as deaths:
            deaths.write(f"{time.time() * 1000:.0f} {os.environ['SOAK_SLOT']}\n")
        how()
        time.sleep(60)
    return {"died": "once"}


def raising(error):
    raise error


def raise_group():
    if sys.version_info >= (3, 11):
        raise ExceptionGroup("two", [ValueError("one"), KeyError("two")])  # noqa: F821
    raise ValueError("no groups here")


def raise_chained():
    try:
        raise NotYet("inner")
    except NotYet as inner:
        error = ValueError("outer \ud800 " + "x" * 1_000_000)
        error.__context__ = error
        raise error from inner


def recurse():
    return recurse()


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


async def asleep():
    await asyncio.gather(*(asyncio.sleep(0.05) for _ in range(10)))


def late_speech(task):
    def speak():
        time.sleep(0.5)
        try:
            task.log.info("too late")
            task.publish({"too": "late"})
        except BaseException:  # noqa: B036
            pass

    threading.Thread(target=speak, daemon=True).start()
    return {"said": "in time"}


DEEDS = {
    "plain": lambda task, said: {"n": said["n"] + 1},
    "sleep": lambda task, said: task.sleep(said["seconds"]) or {"slept": True},
    "hold": lambda task, said: time.sleep(said["seconds"]) or {"held": True},
    "pool": lambda task, said: {"squares": squares_by_pool("fork")},
    "spawn": lambda task, said: {"squares": squares_by_pool("spawn")},
    "executor": lambda task, said: {"squares": squares_by_executor()},
    "fork": lambda task, said: {"said": forked(lambda: "hello")},
    "fork-logs": lambda task, said: {"said": forked(lambda: task.log.info("of a child") or "logged")},
    "fork-publishes": lambda task, said: {"said": forked(lambda: child_publishes(task))},
    "fork-returns": lambda task, said: forked_and_returned(lambda: None),
    "fork-raises": lambda task, said: forked_and_returned(lambda: raising(ValueError("in the child"))),
    "fork-exits": lambda task, said: forked_and_returned(sys.exit),
    "terminate": lambda task, said: child_signalled(signal.SIGTERM),
    "interrupt": lambda task, said: child_signalled(signal.SIGINT),
    "subprocess": lambda task, said: {
        "text": subprocess.run(["echo", "hello"], capture_output=True, text=True, check=True).stdout
    },
    "print": lambda task, said: in_threads(print_lots) or {"printed": True},
    "log": lambda task, said: log_lots(task, said["lines"]),
    "warn": lambda task, said: warnings.warn("careful", stacklevel=1) or {"warned": True},
    "leak-memory": lambda task, said: leak("memory", bytearray(131_072), 64),
    "leak-files": lambda task, said: leak("files", open(os.devnull), 40),
    "leak-threads": lambda task, said: leak_threads(),
    "compute": lambda task, said: compute(said["seconds"]),
    "compute-c": lambda task, said: {"bits": big_power()},
    "asyncio": lambda task, said: asyncio.run(asleep()) or {"ran": True},
    "late": lambda task, said: late_speech(task),
    "stubborn": lambda task, said: stubborn(said["seconds"]),
    "raise-code": lambda task, said: raising(NotYet("x")),
    "raise-untold": lambda task, said: raising(Unspeakable()),
    "raise-base": lambda task, said: raising(Bare("bare")),
    "raise-exit": lambda task, said: sys.exit(3),
    "raise-interrupt": lambda task, said: raising(KeyboardInterrupt()),
    "raise-generator-exit": lambda task, said: raising(GeneratorExit()),
    "raise-stop": lambda task, said: next(iter(())),
    "raise-cancelled": lambda task, said: raising(asyncio.CancelledError()),
    "raise-key": lambda task, said: {}["epochs"],
    "raise-group": lambda task, said: raise_group(),
    "raise-chained": lambda task, said: raise_chained(),
    "raise-recursion": lambda task, said: recurse(),
    "raise-final": lambda task, said: raising(NonRetryableError("for_good", "no other attempt would help")),
    "flaky": lambda task, said: raising(ValueError("once")) if first_time(task) else {"came": "through"},
    "give-nan": lambda task, said: {"loss": math.nan},
    "give-set": lambda task, said: {"seen": {1, 2}},
    "give-deep": lambda task, said: {"deep": deep(5_000)},
    "give-surrogate": lambda task, said: {"text": "\ud800"},
    "give-object": lambda task, said: {"when": {"it": object()}},
    "give-odd": lambda task, said: {"text": Odd("text")},
    "give-huge": lambda task, said: {"text": "x" * 3_000_000},
    "partials": lambda task, said: [task.publish({"part": part}) for part in range(5)] and {"parts": 5},
    "kill-self": lambda task, said: end_process(task, lambda: os.kill(os.getpid(), signal.SIGKILL)),
    "exit-self": lambda task, said: end_process(task, lambda: os._exit(1)),
    "abort-self": lambda task, said: end_process(task, os.abort),
}


def child_publishes(task):
    try:
        task.publish({"from": "the child"})
        return "published"
    except BaseException:  # noqa: B036
        return "refused"


@node("", capacity=4)
def run(task):
    return DEEDS[task.inputs.asked["do"]](task, task.inputs.asked)
