"""The ``hw_constraints`` module node in Python: memory limit and required hardware from the user's ``extra_data``.

It gives what ``../hw_constraints/read-constraints.ts`` gives, to the byte.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from extra_data import encode_extra_data, read_user_extra_data
from tutti import Task, node

DEFAULT_MAX_MEMORY_FOOTPRINT_MIB = 8192
"""Memory that the model may take when the user does not say, in MiB: what a common laptop, or a large edge board, has."""


def read_constraints(user: Mapping[str, Any]) -> Dict[str, Any]:
    """The constraints of a ``sustainml.v1.UserInput``; without a memory limit, the default one."""
    given = read_user_extra_data(user["extra_data"])
    memory = given.max_memory_footprint
    memory = DEFAULT_MAX_MEMORY_FOOTPRINT_MIB if memory is None else memory
    hardware = _without_repetitions(given.hardware_required or [])
    explained = {
        "max_memory_footprint": {
            "value": memory,
            "unit": "MiB",
            "from": "default" if given.max_memory_footprint is None else "user",
        },
        "hardware_required": {
            "value": hardware,
            "from": "default" if given.hardware_required is None else "user",
        },
        "not_read": given.unknown,
    }
    return {
        "max_memory_footprint": memory,
        "hardware_required": hardware,
        "extra_data": encode_extra_data(explained),
    }


def _without_repetitions(names: List[str]) -> List[str]:
    """Of names that differ in case only, the first."""
    first: Dict[str, str] = {}
    for name in names:
        first.setdefault(name.lower(), name)
    return list(first.values())


@node("hw_constraints")
def run(task: Task[Any, Any]) -> Dict[str, Any]:
    constraints = read_constraints(task.inputs.user_input)
    fields = {
        "max_memory_footprint_mib": str(constraints["max_memory_footprint"]),
        "hardware_required": ", ".join(constraints["hardware_required"]) or "any",
    }
    task.log.info("constraints read", fields)
    return constraints
