"""``python my_node.py`` without a last line that serves.

A node that is defined in the program's main module, at its top level, is served when that module has run to its end. The interpreter
has no hook for that moment which still allows threads to be started (``atexit`` is too late for it), but it tells a profiling function
when the module's frame returns. It is set from the definition of the node to the end of the module only, and not at all where another
one is set; then ``run.serve()`` as the last line does the same.
"""

from __future__ import annotations

import dis
import os
import sys
from types import FrameType
from typing import Any, Callable, List, Optional

_Serve = Callable[[List[Any]], None]

_nodes: List[Any] = []
_RETURNS = ("RETURN_VALUE", "RETURN_CONST")


def serve_at_end_of(frame: Optional[FrameType], node: Any, serve: _Serve) -> None:
    """``frame``: where the node is defined. Does nothing anywhere else than at the top level of the program's main module."""
    if frame is None or not _is_main_program(frame):
        return
    _nodes.append(node)
    if sys.getprofile() is not None:
        return
    module_frame = frame

    def on_event(current: FrameType, event: str, _argument: Any) -> None:
        if current is not module_frame or event != "return":
            return
        sys.setprofile(None)
        nodes, _nodes[:] = _nodes[:], []
        if nodes and _returns(current):
            serve(nodes)

    sys.setprofile(on_event)


def is_served_explicitly(node: Any) -> None:
    """The author serves it: the end of the module does not."""
    if node in _nodes:
        _nodes.remove(node)


def _is_main_program(frame: FrameType) -> bool:
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return (
        frame.f_code.co_name == "<module>"
        and frame.f_globals is vars(main)
        and file is not None
        and os.path.abspath(frame.f_code.co_filename) == os.path.abspath(file)
        and not sys.flags.interactive
    )


def _returns(frame: FrameType) -> bool:
    """Whether the frame ends by returning, and not by an exception: the event is the same for both."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] in _RETURNS
