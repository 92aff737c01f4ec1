"""``@node``: one function that plays one module of the graph."""

from __future__ import annotations

import functools
import os
import sys
import threading
from typing import Any, Callable, Generic, Mapping, Optional, Sequence, TypeVar, Union

from . import ending
from .errors import TuttiError
from .handlers import is_async
from .host import Host
from .logs import forward_logs
from .options import NodeOptions, NodeSettings, read_options, read_processes
from .schemas.own import own_schemas
from .serving import serve_hosts
from .supervised import supervised
from .supervisor import supervise

H = TypeVar("H", bound=Callable[..., Any])
Hook = TypeVar("Hook", bound=Callable[..., Any])

class RunningNode:
    """A node that was started in a process that it does not own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._closed = False
        self._closing = threading.Lock()
        """One thread may wait while another one stops it."""

    @property
    def node_id(self) -> str:
        """Assigned by the orchestrator; it stays the same for the same module and instance."""
        return self._host.node_id

    @property
    def status(self) -> str:
        return self._host.status

    def stop(self, reason: str = "the node is stopped") -> None:
        """Stops accepting work, gives running work back, waits for acknowledgements, and says goodbye. Idempotent."""
        if not self._closed:
            self._host.stop(reason)
            self.wait()

    def wait(self, timeout_s: Optional[float] = None) -> bool:
        """Whether the node has ended; raises the ``TuttiError`` of a final refusal (``replaced``, ``unauthorized`` …)."""
        if not self._host.wait_until_ended(timeout_s):
            return False
        with self._closing:
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
        self.__name__: str = module
        functools.update_wrapper(self, handler)

    @property
    def __call__(self) -> H:
        ending.is_used(self)
        return self.handler

    def __reduce__(self) -> str:
        """By its name, as a function: it can be handed to a process pool."""
        return str(getattr(self, "__qualname__", self.__name__))

    def on_start(self, hook: Hook) -> Hook:
        """Decorates the function that runs when the node is started, before it accepts work. An exception leads to the status ERROR."""
        self._options = self._options._replace(on_start=hook)
        return hook

    def on_stop(self, hook: Hook) -> Hook:
        """Decorates the function that runs when the node is stopped, after its last execution and before its process ends."""
        self._options = self._options._replace(on_stop=hook)
        return hook

    def on_configure(self, hook: Hook) -> Hook:
        """Decorates the function that takes a configuration (a text), and returns the one that now applies, if it is different.

        An exception refuses it.
        """
        self._options = self._options._replace(on_configure=hook)
        return hook

    def serve(self, processes: Optional[int] = None) -> None:
        """Serves until the node is ended: by SIGTERM or Ctrl-C, by a ``TERMINATE``, or by a final refusal (``SystemExit(1)``).

        The node owns its process: SIGTERM gives the work back and ends it cleanly, a second one at once. Where a handler keeps the
        interpreter's lock to itself for five seconds of that, the process is killed. In a process that multiprocessing has started
        and that only loads the main module, it returns at once.

        :param processes: so many processes, each a node of its own; see ``tutti.serve``

        Raises ``TuttiError`` ``bad_option``, ``bad_proto``, ``bad_schema``, ``already_started``.
        """
        serve([self], processes)

    def start(self, timeout_s: Optional[float] = None) -> RunningNode:
        """Starts the node beside the rest of this process, and returns when the orchestrator has welcomed it.

        Errors: as for ``serve``, and a final refusal's code; ``TimeoutError`` when no orchestrator has answered in time (the node
        has ended then).
        """
        if ending.is_loaded_by_a_child():
            hint = 'put it below if __name__ == "__main__":'
            raise TuttiError("loaded_by_child", "a child process that loads the main module cannot start its node", hint)
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
        ending.is_used(self)
        if self._has_started:
            raise TuttiError("already_started", f"the node of {self.module} was started before")
        settings = self.settings()
        schemas = own_schemas(settings.proto_paths, settings.types)
        self._has_started = True
        forward_logs()
        return Host(settings, self._options, self.handler, owns_process, schemas)

    def settings(self) -> NodeSettings:
        """Raises ``TuttiError`` ``bad_option``."""
        own = supervised()
        place = own.place if own is not None else None
        return read_options(self.module, self._options, is_async(self.handler), os.environ, place)

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
    join: Optional[str] = None,
    keys: Optional[Union[str, os.PathLike[str]]] = None,
    output_type: str = "",
    proto_path: Union[str, os.PathLike[str], Sequence[Union[str, os.PathLike[str]]]] = (),
    types: Sequence[str] = (),
    on_start: Optional[Callable[[], Any]] = None,
    on_stop: Optional[Callable[[], Any]] = None,
    on_configure: Optional[Callable[[str], Any]] = None,
    hard_stop_ms: Optional[float] = 1_000.0,
    shutdown_grace_ms: float = 5_000.0,
    flush_ms: float = 5_000.0,
    capture_output: bool = True,
) -> Callable[[H], Node[H]]:
    """Makes a function a module node: it gets a task and returns the module's output, or raises.

    The function is a plain function, an ``async def``, or a generator of either kind, in which every ``yield`` publishes a partial
    output; the output is the return value, or otherwise the last value that it yielded. Methods, ``functools.partial`` objects and
    other callables work as well. Only the handler's own ``yield`` publishes: a generator that a plain function returns is refused
    as its output.

    >>> @node("carbon_footprint")
    ... def run(task):
    ...     task.progress(0.5, "reading the grid mix")
    ...     return {"carbon_footprint": 0.12, "energy_consumption": 0.4, "carbon_intensity": 310.0}

    ``python my_node.py`` serves it: at the end of the program's main module, or where ``run.serve()`` is called.

    :param module: the module's name in the graph; empty: ``TUTTI_MODULE``
    :param capacity: executions at once
    :param workers: where they run: ``threads`` or ``asyncio`` (one loop; for ``async def``). It follows from the function. With a
        capacity of 1, ``on_start``, ``on_stop`` and the executions share one thread. Several processes: ``serve(processes=N)``
    :param instance: the node's stable name, unique among the nodes of its module. Set it (or ``TUTTI_INSTANCE``) if the node must
        keep its
        identity across restarts; by default ``<module>@<hostname>:<pid>-<random>``
    :param labels: labels that a graph's ``require`` is compared with
    :param version: the version of the node's code; cached results of other versions are not reused (``cache``)
    :param control: the orchestrator's control endpoint; by default ``TUTTI_CONTROL``, else ``tcp://127.0.0.1:7400``; of several
        orchestrators of one store, theirs, separated by commas
    :param token: by default ``TUTTI_TOKEN``, else none
    :param join: a join token of ``tutti node enroll``, by default ``TUTTI_JOIN``; needed once, then the node's key is enough
    :param keys: the folder of the node's keys, by default ``TUTTI_KEYS``, else ``~/.config/tutti/keys``
    :param output_type: the type that the node publishes; it must be the type in the graph, which is the default
    :param proto_path: the folder, or the folders, with the ``.proto`` and ``.schema.json`` files that the node was written against. It
        declares them in its hello, and is refused (``schema_mismatch``) if one of its module's types is different in the graph; by
        default, the graph's types are used unchecked
    :param types: the types in ``proto_path`` to declare; by default all
    :param on_start: runs when the node is started, before it accepts work
    :param on_stop: runs when the node is stopped, after its last execution, and before its process ends
    :param on_configure: takes a configuration; returns the one that now applies, if it is different
    :param hard_stop_ms: the time after a stop at which a handler that has not ended is stopped by force: ``TaskAbortedError`` is
        raised in
        its thread (or its ``async`` code) at the next step. ``None``: never
    :param shutdown_grace_ms: the time that handlers have to end after SIGTERM or ``stop()``
    :param flush_ms: the time that an ending node waits for acknowledgements
    :param capture_output: whether the function's printed output and its records of the standard ``logging`` go into the task's
        history, too;
        ``False``: only ``task.log`` does
    """
    options = NodeOptions(
        capacity=capacity,
        workers=workers,
        instance=instance,
        labels=labels,
        version=version,
        control=control,
        token=token,
        join=join,
        keys=keys,
        output_type=output_type,
        proto_path=proto_path,
        types=types,
        on_start=on_start,
        on_stop=on_stop,
        on_configure=on_configure,
        hard_stop_ms=hard_stop_ms,
        shutdown_grace_ms=shutdown_grace_ms,
        flush_ms=flush_ms,
        capture_output=capture_output,
    )
    if callable(module):
        raise TuttiError("bad_option", 'module: write @node() or @node("name"), with parentheses')
    frame = sys._getframe(1)

    def decorate(handler: H) -> Node[H]:
        made = Node(module, handler, options)
        ending.defined(made, frame, serve)
        return made

    return decorate


def serve(nodes: Sequence[Node[Any]], processes: Optional[int] = None) -> None:
    """Serves several nodes in one process; see ``Node.serve``.

    :param processes: that many processes under this one, each of which runs the same program (the same command line) and serves these
        nodes, as ``<instance>-1``, ``<instance>-2`` …. One that dies is started again, at once and then after 1, 2, 4 … 30 s. This
        process only supervises: a signal to it ends all of them within their grace, a second one at once, and when it is killed they
        end as after a signal. By default ``TUTTI_PROCESSES``; without it, this process serves
    """
    if ending.is_loaded_by_a_child():
        return
    own = supervised()
    count = read_processes(processes, os.environ) if own is None else None
    if count is None:
        serve_hosts([each.host(owns_process=True) for each in nodes], own)
        return
    for each in nodes:
        ending.is_used(each)
        own_schemas(each.settings().proto_paths, each.settings().types)
    supervise(count, [each.settings() for each in nodes])
