"""What a command line calls a node: ``FILE.py``, ``FILE.py:name``, ``a.module``, ``a.module:name``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, List, Sequence

from .. import ending
from ..errors import TuttiError
from ..nearest import did_you_mean
from ..node import Node, node


def load(target: str, module: str = "", proto_path: Sequence[str] = ()) -> List[Node[Any]]:
    """Its nodes: at least one. Raises ``TuttiError`` ``bad_target``, and whatever the code at the target raises."""
    place, _, name = target.partition(":")
    loaded = _module(place)
    nodes = list(dict.fromkeys(value for value in vars(loaded).values() if isinstance(value, Node)))
    for each in nodes:
        # This command decides which are served.
        ending.is_used(each)
    if not name:
        if nodes:
            return nodes
        raise TuttiError("bad_target", f"{place} defines no node", f"decorate a function with @node, or name it: {place}:function")
    if not hasattr(loaded, name):
        raise TuttiError("bad_target", f"{place} has no {name}{did_you_mean(name, vars(loaded))}")
    found = getattr(loaded, name)
    if isinstance(found, Node):
        return [found]
    if callable(found):
        made = node(module or name, proto_path=proto_path)(found)
        ending.is_used(made)
        return [made]
    raise TuttiError("bad_target", f"{target} is not a function")


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        sys.path.insert(0, os.getcwd())
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name is None or not (place == error.name or place.startswith(error.name + ".")):
                raise
            raise TuttiError("bad_target", f"there is no module {place}", "name a file with its ending: my_node.py") from None
    path = os.path.abspath(place)
    if not os.path.exists(path):
        raise TuttiError("bad_target", f"there is no file {place}")
    # As where Python runs the file itself: what lies beside it can be imported.
    sys.path.insert(0, os.path.dirname(path))
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TuttiError("bad_target", f"{place} cannot be loaded")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded
