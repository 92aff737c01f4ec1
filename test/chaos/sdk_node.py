"""A module node with the Python SDK, whose outputs say what they were made from: the twin of ``sdk-node.mjs``."""

import hashlib
import json
import random

from tutti import NonRetryableError, node


def sha256(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@node("", capacity=4)
def run(task):
    inputs = {name: sha256(value) for name, value in task.inputs.items()}
    inputs.update((f"previous.{name}", sha256(value)) for name, value in task.previous.items())
    seq = 0

    def content():
        nonlocal seq
        seq += 1
        return {
            "execution": task.execution_id,
            "seq": seq,
            "task": task.id,
            "module": task.module,
            "inputs": inputs,
        }

    for _ in range(random.randint(1, 4) if random.random() < 0.3 else 0):
        task.publish(content())
    task.sleep(random.random() * (2.5 if random.random() < 0.1 else 0.12))
    if random.random() < 0.05:
        if random.random() < 0.2:
            raise NonRetryableError("mishap", "it went wrong for good")
        raise ValueError("it went wrong")
    return {**content(), "padding": "x" * 100_000} if random.random() < 0.03 else content()
