"""The named outputs of one execution: which have been given, and what is wrong with a name.

N1. Each name is given once, early by ``task.output`` or in the dict that the handler returns, and all of them are.
N2. The one that completes them is kept until the handler has returned: it is the last output, which ends the execution.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Set, Tuple

from .errors import NonRetryableError
from .nearest import did_you_mean


class NamedOutputs:
    """Of a module that has one output, without a name, it is false."""

    def __init__(self, module: str, outputs: Sequence[Tuple[str, str]]) -> None:
        self._module = module
        self._names = [name for name, _ in outputs]
        self._given: Set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._names)

    def give(self, name: Optional[str]) -> bool:
        """Whether it completes them. Raises ``NonRetryableError`` ``unknown_output``, ``duplicate_output``.

        :param name: ``None`` for what is published without one
        """
        if not self._names and name is not None:
            told = f'"{name}" is not an output of {self._module}, which has one, without a name: return it'
            raise NonRetryableError("unknown_output", told)
        if name is None:
            if not self._names:
                return False
            told = f"the outputs of {self._module} have names: give one by task.output(name, value); {self._known}"
            raise NonRetryableError("unknown_output", told)
        if name not in self._names:
            near = did_you_mean(name, self._names)
            told = f'"{name}" is not an output of {self._module}{near}: {self._known}'
            raise NonRetryableError("unknown_output", told)
        if name in self._given:
            told = f"the output {name} of {self._module} was already published"
            raise NonRetryableError("duplicate_output", told)
        self._given.add(name)
        return len(self._given) == len(self._names)

    def returned(self, given: Any) -> List[Tuple[str, Any]]:
        """What the handler has returned, in the order of the graph. Raises, besides what ``give`` raises, ``bad_output``,
        ``missing_output``."""
        if given is not None and not isinstance(given, Mapping):
            kind = type(given).__name__
            told = f"{self._module} returns a dict with its outputs by their names, not a {kind}: {self._known}"
            raise NonRetryableError("bad_output", told)
        outputs = dict(given or {})
        for name in outputs:
            self.give(str(name))
        missing = [name for name in self._names if name not in self._given]
        if missing:
            told = f"{self._module} has not published {', '.join(missing)}: {self._known}"
            raise NonRetryableError("missing_output", told)
        return [(name, outputs[name]) for name in self._names if name in outputs]

    @property
    def _known(self) -> str:
        return f"the graph declares {', '.join(self._names)}"
