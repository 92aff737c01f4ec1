"""``@node``: one function that plays one module of the graph."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any, Callable, Dict, Generic, List, Mapping, Optional, Sequence, TypeVar, Union

from . import autoserve
from .errors import TuttiError
from .host import Host
from .logs import forward_logs
from .main_module import WORKER_NAME, Loaded
from .options import NodeOptions, NodeSettings, read_options
from .schemas.own import own_schemas
from .serving import serve_hosts

H = TypeVar("H", bound=Callable[..., Any])
Hook = TypeVar("Hook", bound=Callable[..., Any])

_defined: List[Node[Any]] = []
"""Every node of this process: a worker process finds its own here."""


class RunningNode:
    """A node that was started in a process that it does not own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._closed = False

    @property
    def node_id(self) -> str:
        """Given by the orchestrator; the same for the same module and instance, for ever."""
        return self._host.node_id

    @property
    def status(self) -> str:
        return self._host.status

    def stop(self, reason: str = "the node is stopped") -> None:
        """Takes no more work, gives back what runs, waits for what is not acknowledged yet, says goodbye. Idempotent."""
        if not self._closed:
            self._host.stop(reason)
            self.wait()

    def wait(self, timeout_s: Optional[float] = None) -> bool:
        """Whether the node has ended; raises the ``TuttiError`` of a final refusal (``replaced``, ``unauthorized`` …)."""
        if not self._host.wait_until_ended(timeout_s):
            return False
        if not self._closed:
            self._closed = True
            self._host.close()
        if self._host.error is not None:
            raise self._host.error
        return True

    def __enter__(self) -> RunningNode:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Node(Generic[H]):
    """A module node. Called, it is its handler: a test needs no orchestrator."""

    def __init__(self, module: str, handler: H, options: NodeOptions) -> None:
        self.module = module
        self.handler = handler
        self._options = options
        self._has_started = False
        self.__doc__ = handler.__doc__
        self.__name__ = getattr(handler, "__name__", module)
        self.__wrapped__ = handler

    @property
    def __call__(self) -> H:
        return self.handler

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.handler) or inspect.isasyncgenfunction(self.handler)

    def on_start(self, hook: Hook) -> Hook:
        """Decorates what runs when the node is started, before it takes work. An exception leads to the status ERROR."""
        self._options = self._options._replace(on_start=hook)
        return hook

    def on_stop(self, hook: Hook) -> Hook:
        """Decorates what runs when the node is stopped, after its last execution, and before its process ends."""
        self._options = self._options._replace(on_stop=hook)
        return hook

    def on_configure(self, hook: Hook) -> Hook:
        """Decorates what takes a configuration (a text), and gives back the one that now holds, if it is another.

        An exception refuses it.
        """
        self._options = self._options._replace(on_configure=hook)
        return hook

    def serve(self) -> None:
        """Serves until the node is ended: by SIGTERM or Ctrl-C, by a ``TERMINATE``, or by a final refusal (``SystemExit(1)``).

        The node owns its process: SIGTERM gives the work back and ends it cleanly, a second one at once. Where a handler then keeps
        the interpreter's lock to itself for five seconds, the process is killed. Raises ``TuttiError``
        ``bad_option``, ``bad_proto``, ``bad_schema``, ``already_started``.
        """
        serve([self])

    def start(self, timeout_s: Optional[float] = None) -> RunningNode:
        """Starts the node beside what else this process does, and returns when the orchestrator has welcomed it.

        Errors: as for ``serve``, and a final refusal's code; ``TimeoutError`` when no orchestrator has answered in time (the node
        has ended then).
        """
        host = self.host(owns_process=False)
        host.start()
        running = RunningNode(host)
        if not host.wait_until_welcomed(timeout_s):
            running.stop("no orchestrator has answered in time")
            raise TimeoutError(f"no orchestrator has answered within {timeout_s} s")
        if host.error is not None:
            running.wait()
        return running

    def host(self, owns_process: bool) -> Host:
        autoserve.is_served_explicitly(self)
        if _is_loaded_by_worker(self.handler):
            raise Loaded()
        if self._has_started:
            raise TuttiError("already_started", f"the node of {self.module} was started before")
        settings = self.settings()
        schemas = own_schemas(settings.proto_paths, settings.types)
        self._has_started = True
        forward_logs()
        return Host(settings, self._options, self.handler, owns_process, schemas)

    def settings(self) -> NodeSettings:
        return read_options(self.module, self._options, self.is_async, os.environ)

    def __repr__(self) -> str:
        return f"<tutti.Node {self.module or '(TUTTI_MODULE)'}>"


def node(
    module: str = "",
    *,
    capacity: int = 1,
    workers: Optional[str] = None,
    instance: Optional[str] = None,
    labels: Optional[Mapping[str, str]] = None,
    version: str = "",
    control: Optional[str] = None,
    token: Optional[str] = None,
    output_type: str = "",
    proto_path: Union[str, os.PathLike[str], Sequence[Union[str, os.PathLike[str]]]] = (),
    types: Sequence[str] = (),
    on_start: Optional[Callable[[], Any]] = None,
    on_stop: Optional[Callable[[], Any]] = None,
    on_configure: Optional[Callable[[str], Any]] = None,
    hard_stop_ms: Optional[float] = 1_000.0,
    shutdown_grace_ms: float = 5_000.0,
    flush_ms: float = 5_000.0,
) -> Callable[[H], Node[H]]:
    """Makes a function a module node: it gets a task and gives the module's output, or raises.

    The function is a plain one, an ``async def``, or a generator of either kind, whose every ``yield`` publishes a partial output; the
    output is what it returns, or else the last that it yielded.

    >>> @node("carbon_footprint")
    ... def run(task):
    ...     task.progress(0.5, "reading the grid mix")
    ...     return {"carbon_footprint": 0.12, "energy_consumption": 0.4, "carbon_intensity": 310.0}

    ``python my_node.py`` serves it: at the end of the program's main module, or where ``run.serve()`` is called.

    :param module: the module's name in the graph; empty: ``TUTTI_MODULE``
    :param capacity: executions at once
    :param workers: where they run: ``threads``, ``processes`` (one each; the module is loaded in them anew, without what is for
        ``__main__`` only) or ``asyncio`` (one loop; for ``async def``). By default ``asyncio`` for ``async def``, else ``threads``
    :param instance: the node's own stable name, unique among the nodes of its module. Set it (or ``TUTTI_INSTANCE``) wherever the node
        is to keep its identity over restarts; by default ``<module>@<hostname>:<pid>``
    :param labels: what a graph's ``require`` is compared with
    :param version: of the node's code, for people
    :param control: the orchestrator's control endpoint; by default ``TUTTI_CONTROL``, else ``tcp://127.0.0.1:7400``
    :param token: by default ``TUTTI_TOKEN``, else none
    :param output_type: the type that the node publishes; it has to be what the graph declares, and is that by default
    :param proto_path: the folder, or the folders, with the ``.proto`` and ``.schema.json`` files that the node was written against. With
        its hello it says what it knows of them, and it is refused (``schema_mismatch``) where the graph means something else by one of
        its module's types; by default the graph is believed
    :param types: which of the types in ``proto_path`` count; by default all
    :param on_start: runs when the node is started, before it takes work; with ``processes``, in the node's own process only
    :param on_stop: runs when the node is stopped, after its last execution, and before its process ends
    :param on_configure: takes a configuration; gives back the one that now holds, if it is another
    :param hard_stop_ms: how long after a stop a handler that does not end by itself is stopped hard: its thread (or its ``async``
        code) has ``TaskAbortedError`` raised in it at its next step, its process is killed. ``None``: never
    :param shutdown_grace_ms: how long handlers get to end after SIGTERM or ``stop()``
    :param flush_ms: how long a node that ends waits for what is not acknowledged yet
    """
    options = NodeOptions(
        capacity=capacity,
        workers=workers,
        instance=instance,
        labels=labels,
        version=version,
        control=control,
        token=token,
        output_type=output_type,
        proto_path=proto_path,
        types=types,
        on_start=on_start,
        on_stop=on_stop,
        on_configure=on_configure,
        hard_stop_ms=hard_stop_ms,
        shutdown_grace_ms=shutdown_grace_ms,
        flush_ms=flush_ms,
    )
    if callable(module):
        raise TuttiError("bad_option", 'module: write @node() or @node("name"), with parentheses')
    frame = sys._getframe(1)

    def decorate(handler: H) -> Node[H]:
        made = Node(module, handler, options)
        _defined.append(made)
        autoserve.serve_at_end_of(frame, made, serve)
        return made

    return decorate


def serve(nodes: Sequence[Node[Any]]) -> None:
    """Serves several nodes in one process; see ``Node.serve``."""
    serve_hosts([each.host(owns_process=True) for each in nodes])


def nodes_by_module() -> Dict[str, Node[Any]]:
    """The nodes of this process, by the module that they play."""
    return {each.module or os.environ.get("TUTTI_MODULE", ""): each for each in _defined}


def _is_loaded_by_worker(handler: Callable[..., Any]) -> bool:
    return "tutti.runners.worker" in sys.modules or handler.__module__ == WORKER_NAME
