"""Proposes the next whole number until the loss is nothing."""

from typing import Any, Dict

from tutti import node


@node("climb")
def climb(task: Any) -> Dict[str, Any]:
    history = task.inputs.history["history"]
    if history and history[-1]["outputs"]["measure"]["loss"] == 0:
        return {"done": True}
    return {"input": {"x": len(history)}}
