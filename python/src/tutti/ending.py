"""The end of the program's main module: what is defined at its top level is served then, and a node that nothing serves is named.

E1. A node is served at the end only where its definition is at the top level of the main module, and that module has returned: not
    after an exception or ``sys.exit()``, nor after others were served: those have ended since the program is to end.
E2. Nothing is changed in how the program runs. From 3.12 on, the interpreter tells when this one code object returns (``sys.monitoring``);
    before, threads can still be started when the interpreter waits for the program's last threads (``threading._shutdown``). There is
    no profiling or tracing function, and one that the author sets is left alone.
E3. A process that multiprocessing or a fork has made serves and names nothing: it is not the program.
E4. A program that has served ends: its exit handlers, threads and child processes get ``EXIT_S``, then the system kills it.
"""

from __future__ import annotations

import atexit
import dis
import os
import signal
import sys
import threading
from types import CodeType, FrameType
from typing import Any, Callable, List, NamedTuple, Optional

from . import forks
from .forked import exit_code_of

EXIT_S = 10
"""For code that runs after a node's end. A thread or a child process that a handler has left behind would keep the process for ever."""
_RETURNS = ("RETURN_VALUE", "RETURN_CONST")

_Serve = Callable[[List[Any]], None]


class _Defined(NamedTuple):
    node: Any
    frame: Optional[FrameType]
    """The main module's, where the node is to be served at its end."""
    where: str


_defined: List[_Defined] = []
_has_served = False
_is_installed = False


def defined(node: Any, frame: FrameType, serve: _Serve) -> None:
    """A node is defined in ``frame``."""
    if _is_of_a_child(frame):
        return
    at_top_level = _is_main_program(frame)
    where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    _defined.append(_Defined(node, frame if at_top_level else None, where))
    _install(serve)
    if at_top_level and sys.version_info >= (3, 12):
        _serve_at_return_of(frame.f_code, serve)


def is_used(node: Any) -> None:
    """The author serves it, starts it or calls it."""
    _defined[:] = [each for each in _defined if each.node is not node]


def has_served() -> None:
    """Only the end of the program is left (E4)."""
    global _has_served
    _has_served = True


def is_loaded_by_a_child() -> bool:
    """Whether a child process that multiprocessing has started is importing the main module, for the sake of its functions."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__mp_main__":
            return True
        frame = frame.f_back
    return False


def _is_of_a_child(frame: FrameType) -> bool:
    multiprocessing = sys.modules.get("multiprocessing.process")
    parent = multiprocessing.parent_process() if multiprocessing is not None else None
    return parent is not None or frame.f_globals.get("__name__") == "__mp_main__"


def _is_main_program(frame: FrameType) -> bool:
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return (
        frame.f_code.co_name == "<module>"
        and frame.f_globals is vars(main)
        and file is not None
        and not sys.flags.interactive
        and not hasattr(sys, "ps1")
    )


def _serve_at_return_of(code: CodeType, serve: _Serve) -> None:
    monitoring: Any = getattr(sys, "monitoring")  # noqa: B009
    tool = next((each for each in (4, 3) if monitoring.get_tool(each) is None), None)
    if any(monitoring.get_tool(each) == "tutti" for each in (4, 3)) or tool is None:
        return
    returned = monitoring.events.PY_RETURN
    monitoring.use_tool_id(tool, "tutti")

    def on_return(_code: CodeType, _offset: int, _value: Any) -> None:
        monitoring.set_local_events(tool, code, 0)
        monitoring.register_callback(tool, returned, None)
        monitoring.free_tool_id(tool)
        nodes = [] if _has_served else _take(lambda each: each.frame is not None and each.frame.f_code is code)
        if nodes:
            serve(nodes)

    monitoring.register_callback(tool, returned, on_return)
    monitoring.set_local_events(tool, code, returned)


def _install(serve: _Serve) -> None:
    global _is_installed
    if _is_installed:
        return
    _is_installed = True
    shutdown: Callable[[], None] = threading._shutdown  # type: ignore[attr-defined]

    def at_end() -> None:
        code = _serve_what_returned(serve)
        if _has_served:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(EXIT_S)
        _name_what_is_left()
        shutdown()
        if code:
            # An exception in here would be shown and ignored.
            atexit._run_exitfuncs()
            for stream in (sys.stdout, sys.stderr):
                _flush(stream)
            os._exit(code)

    threading._shutdown = at_end  # type: ignore[attr-defined]
    forks.in_child(_defined.clear)
    forks.in_child(_is_not_the_program)


def _serve_what_returned(serve: _Serve) -> int:
    """The exit code."""
    _restore_file()
    nodes = [] if _has_served else _take(lambda each: each.frame is not None and _has_returned(each.frame))
    if not nodes:
        return 0
    try:
        serve(nodes)
    except SystemExit as ended:
        return exit_code_of(ended)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _restore_file() -> None:
    """The interpreter has taken it out of the main module: by it multiprocessing finds the author's functions."""
    for frame in (each.frame for each in _defined if each.frame is not None):
        frame.f_globals.setdefault("__file__", frame.f_code.co_filename)
        frame.f_globals.setdefault("__cached__", None)


def _name_what_is_left() -> None:
    has_failed = hasattr(sys, "last_type") or hasattr(sys, "last_exc")
    if has_failed or "pytest" in sys.modules or sys.stderr is None:
        return
    for node, frame, where in _defined:
        what = "sys.exit() came before it was served" if frame is not None else "nothing has served it"
        if _has_served:
            what = "only others were served"
        told = (
            f"tutti: {where}: the node of {node.module or 'TUTTI_MODULE'} was defined, and {what}: the program ends. "
            "Call serve() on it, or define it at the top level of the program's main module.\n"
        )
        try:
            sys.stderr.write(told)
        except (OSError, ValueError):
            pass
    _defined.clear()


def _take(matches: Callable[[_Defined], bool]) -> List[Any]:
    taken = [each for each in _defined if matches(each)]
    _defined[:] = [each for each in _defined if each not in taken]
    return [each.node for each in taken]


def _has_returned(frame: FrameType) -> bool:
    """Whether a frame that has ended did so by returning."""
    return frame.f_lasti >= 0 and dis.opname[frame.f_code.co_code[frame.f_lasti]] in _RETURNS


def _is_not_the_program() -> None:
    global _has_served
    _has_served = False


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        pass
