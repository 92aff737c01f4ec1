"""A node's options, read once, with every fault at once."""

from __future__ import annotations

import os
import re
import secrets
import socket
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Sequence, Union

from .errors import Fault, TuttiError
from .values.faults import show

DEFAULT_CONTROL = "tcp://127.0.0.1:7400"
_MODULE = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_CONTROL = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[^\s:/*]+):[0-9]{1,5}\Z")
_JOIN = re.compile(r"tutti-join-[A-Za-z0-9_-]{75}\Z")

WORKERS = ("threads", "asyncio")
_MAX_PROCESSES = 1_024


class NodeOptions(NamedTuple):
    """What the author gave; ``None``: the default. See ``tutti.node``."""

    capacity: int = 1
    workers: Optional[str] = None
    instance: Optional[str] = None
    labels: Optional[Mapping[str, str]] = None
    version: str = ""
    control: Optional[str] = None
    token: Optional[str] = None
    join: Optional[str] = None
    keys: Optional[Union[str, os.PathLike[str]]] = None
    output_type: str = ""
    proto_path: Union[str, os.PathLike[str], Sequence[Union[str, os.PathLike[str]]]] = ()
    types: Sequence[str] = ()
    on_start: Optional[Callable[[], Any]] = None
    on_stop: Optional[Callable[[], Any]] = None
    on_configure: Optional[Callable[[str], Any]] = None
    hard_stop_ms: Optional[float] = 1_000.0
    shutdown_grace_ms: float = 5_000.0
    flush_ms: float = 5_000.0
    capture_output: bool = True


class NodeSettings(NamedTuple):
    """The options with every default filled in."""

    module: str
    capacity: int
    workers: str
    instance: str
    labels: Mapping[str, str]
    version: str
    controls: Sequence[str]
    """In the order in which they are tried; at least one."""
    token: str
    join: str
    keys: str
    """The folder of keys."""
    output_type: str
    proto_paths: Sequence[str]
    types: Sequence[str]
    """Empty: all."""
    hard_stop_ms: Optional[float]
    shutdown_grace_ms: float
    flush_ms: float
    capture_output: bool


class Place(NamedTuple):
    """Of one of several processes under a supervisor."""

    supervisor: int
    """Its pid."""
    number: int
    """From 1 on."""


def read_options(
    module: str, options: NodeOptions, is_async: bool, env: Mapping[str, str], place: Optional[Place]
) -> NodeSettings:
    """Options and environment to settings. Raises ``TuttiError`` ``bad_option``, with every fault in ``details``."""
    name = module or env.get("TUTTI_MODULE", "")
    instance = options.instance
    if instance is None:
        instance = env.get("TUTTI_INSTANCE") or _own_name(name, place)
    if place is not None:
        instance = f"{instance}-{place.number}"
    paths, types = options.proto_path, options.types
    paths = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    settings = NodeSettings(
        module=name,
        capacity=options.capacity,
        workers=options.workers or ("asyncio" if is_async else "threads"),
        instance=instance,
        labels=dict(options.labels or {}),
        version=options.version,
        controls=(options.control or env.get("TUTTI_CONTROL") or DEFAULT_CONTROL).split(","),
        token=options.token if options.token is not None else env.get("TUTTI_TOKEN", ""),
        join=options.join if options.join is not None else env.get("TUTTI_JOIN", ""),
        keys=os.path.abspath(os.fspath(options.keys or env.get("TUTTI_KEYS") or _default_keys())),
        output_type=options.output_type,
        proto_paths=[os.fspath(path) for path in paths],
        types=[types] if isinstance(types, str) else list(types),
        hard_stop_ms=options.hard_stop_ms,
        shutdown_grace_ms=options.shutdown_grace_ms,
        flush_ms=options.flush_ms,
        capture_output=options.capture_output,
    )
    faults = _faults(settings, is_async)
    if faults:
        message = "; ".join(fault.message for fault in faults)
        raise TuttiError("bad_option", message, details=faults)
    return settings


def _default_keys() -> str:
    return os.path.join(os.path.expanduser("~"), ".config", "tutti", "keys")


def _own_name(module: str, place: Optional[Place]) -> str:
    host = f"{module}@{socket.gethostname()}"
    # One of several keeps its name when its supervisor starts it again.
    if place is not None:
        return f"{host}:{place.supervisor}"
    # In containers, neither the host's name nor the pid, which is 1, tells two processes apart.
    return f"{host}:{os.getpid()}-{secrets.token_hex(3)}"


def _faults(settings: NodeSettings, is_async: bool) -> List[Fault]:
    faults: List[Fault] = []

    def expect(ok: bool, path: str, value: Any, right: str) -> None:
        if not ok:
            faults.append(Fault(path, "bad_option", f"{path}: {show(value)} is not {right}"))

    def is_duration(value: Any) -> bool:
        return isinstance(value, (int, float)) and value >= 0

    module, capacity, workers, instance = settings[:4]
    fits = _MODULE.match(module) is not None
    expect(fits, "module", module, 'a name such as "ml_model" (a-z, 0-9, _; at most 63)')
    whole = isinstance(capacity, int) and not isinstance(capacity, bool)
    expect(whole and capacity >= 1, "capacity", capacity, "a whole number from 1 on")
    several = " (for several processes: serve(processes=N))" if workers == "processes" else ""
    expect(workers in WORKERS, "workers", workers, f"one of {', '.join(WORKERS)}{several}")
    if workers in WORKERS:
        expect(
            (workers == "asyncio") == is_async,
            "workers",
            workers,
            "for this handler: async def is for asyncio",
        )
    expect(0 < len(instance) <= 255, "instance", instance, "a name of 1 to 255 characters")
    right = f'an endpoint such as "{DEFAULT_CONTROL}"'
    for control in settings.controls:
        expect(_CONTROL.match(control) is not None, "control", control, right)
    # A token is a secret: a fault does not show it.
    joins = not settings.join or _JOIN.match(settings.join) is not None
    expect(joins, "join", f"{settings.join[:11]}…", "a join token of `tutti node enroll`")
    for label, value in settings.labels.items():
        expect(isinstance(value, str), f"labels.{label}", value, "a text")
    duration = "a number of milliseconds from 0 on"
    hard_stop_ms = settings.hard_stop_ms
    expect(hard_stop_ms is None or is_duration(hard_stop_ms), "hard_stop_ms", hard_stop_ms, duration)
    for option in ("shutdown_grace_ms", "flush_ms"):
        value = getattr(settings, option)
        expect(is_duration(value), option, value, duration)
    captures = settings.capture_output
    expect(isinstance(captures, bool), "capture_output", captures, "True or False")
    return faults


def read_processes(given: Optional[int], env: Mapping[str, str]) -> Optional[int]:
    """How many processes are to serve; ``None``: this one. Raises ``TuttiError`` ``bad_option``."""
    told = env.get("TUTTI_PROCESSES", "").strip()
    value: Any = given if given is not None or not told else told
    if value is None:
        return None
    name = "processes" if given is not None else "TUTTI_PROCESSES"
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_PROCESSES:
        return value
    right = f"a whole number from 1 to {_MAX_PROCESSES}"
    fault = Fault(name, "bad_option", f"{name}: {show(value)} is not {right}")
    raise TuttiError("bad_option", fault.message, details=[fault])
