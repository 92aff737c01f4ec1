"""Numbers of a step of the work, as a line of the log that people see as curves.

M1. The line has ``stream: metrics`` as a field, as printed lines have theirs, ``step``, and each number under its name.
M2. A number is written as Python writes it, so that ``nan`` and the infinities are kept: ``NaN``, ``Infinity``, ``-Infinity``.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping, Tuple

_OWN_NAMES = ("stream", "step")
_MOST = 60
"""Beside ``stream`` and ``step``: a log line has at most 64 fields."""


def metrics_line(step: Any, values: Mapping[str, Any]) -> Tuple[str, Dict[str, str]]:
    """The message and the fields. Raises ``TypeError`` for a value that is not a number, ``ValueError`` for a name that is not allowed."""
    if not values:
        raise ValueError("metrics needs at least one number: task.metrics(step, loss=0.1)")
    if len(values) > _MOST:
        raise ValueError(f"{len(values)} numbers at once are too many: at most {_MOST}")
    fields = {"stream": "metrics", "step": _text_of("step", step)}
    for name, value in values.items():
        if name in _OWN_NAMES or not isinstance(name, str) or name == "":
            raise ValueError(f"{name!r} cannot be the name of a metric: give another")
        fields[name] = _text_of(name, value)
    said = ", ".join(f"{name} {text}" for name, text in fields.items() if name not in _OWN_NAMES)
    return f"step {fields['step']}: {said}", fields


def _text_of(name: str, value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name} is a {type(value).__name__}: give a number") from None
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
