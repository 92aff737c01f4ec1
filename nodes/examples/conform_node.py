"""The node that the conformance suite plays with, with the Python SDK: it does what its input asks of it (docs/node-protocol.md)."""

import itertools
import time
from typing import Any, Dict

from tutti import NonRetryableError, Task, TuttiError, node

runs = itertools.count(1)


def configure(configuration: str) -> str:
    if configuration.startswith("bad"):
        raise ValueError(f"no {configuration} here")
    return configuration


# Deaf means deaf: nothing wakes it.
@node("", capacity=2, on_configure=configure, hard_stop_ms=None)
def run(task: Task[Any, Any]) -> Dict[str, Any]:
    number = next(runs)
    wish = task.inputs.input
    for part in range(1, wish.get("partials", 0) + 1):
        task.publish({"part": part})
    task.sleep(wish.get("sleep_ms", 0) / 1000)
    time.sleep(wish.get("deaf_ms", 0) / 1000)
    if "fail" in wish:
        retryable = wish.fail.get("retryable", True)
        raise (TuttiError if retryable else NonRetryableError)(wish.fail.code, wish.fail.message)
    filler = {"filler": "x" * wish["size"]} if "size" in wish else {}
    answer = {"echo": wish.get("echo"), "runs": number, **filler}
    if "names" not in wish:
        return answer
    early, *others = wish["names"]
    task.output(early, answer)
    return {name: answer for name in others}
