"""Halves the square that it is given."""

from typing import Any, Dict

from tutti import node


@node("halve", capacity=2)
def halve(task: Any) -> Dict[str, float]:
    return {"item": task.item, "half": task.inputs.square["square"] / 2}
