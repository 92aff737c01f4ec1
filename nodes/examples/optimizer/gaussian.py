"""
Proposes what a Gaussian process expects to be lowest: `x`, from 0 to 1, for the smallest `measure.loss`. Needs numpy.

    python3 -m tutti run gaussian.py
"""

from typing import Any, Dict

import numpy as np

from tutti import node

GRID = np.linspace(0, 1, 201)
FIRST = [0.1, 0.5, 0.9]


def kernel(a: Any, b: Any) -> Any:
    return np.exp(-0.5 * ((a[:, None] - b[None, :]) / 0.2) ** 2)


@node("gaussian")
def gaussian(task: Any) -> Dict[str, Any]:
    seen = [one for one in task.inputs.history["history"] if one["state"] == "succeeded"]
    if len(seen) < len(FIRST):
        return {"input": {"x": FIRST[len(seen)]}}
    x = np.array([one["input"]["x"] for one in seen])
    y = np.array([one["outputs"]["measure"]["loss"] for one in seen])
    inverse = np.linalg.inv(kernel(x, x) + 1e-6 * np.eye(len(x)))
    near = kernel(GRID, x)
    mean = near @ inverse @ (y - y.mean())
    spread = np.sqrt(np.maximum(1e-12, 1 - np.einsum("ij,jk,ik->i", near, inverse, near)))
    return {"input": {"x": float(GRID[np.argmin(mean - y.std() * spread)])}}
