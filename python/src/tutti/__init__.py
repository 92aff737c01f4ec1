"""Module nodes for Tutti: what a node's author imports. ``Tutti`` and ``AsyncTutti``, for programs that submit problems, are loaded when
they are used."""

from typing import TYPE_CHECKING, Any

from .errors import Fault, NonRetryableError, TaskAbortedError, TuttiError
from .node import Node, RunningNode, node, serve
from .records import Record
from .task import AsyncTask, Task, TaskLog
from .values.content import load_array
from .values.media import Html, Image, Markdown, Table

if TYPE_CHECKING:
    from .client import AsyncTutti as AsyncTutti
    from .client import Tutti as Tutti

__version__ = "0.1.0"

__all__ = [
    "AsyncTask",
    "Fault",
    "Html",
    "Image",
    "Markdown",
    "Node",
    "NonRetryableError",
    "Record",
    "RunningNode",
    "Table",
    "Task",
    "TaskAbortedError",
    "TaskLog",
    "TuttiError",
    "load_array",
    "node",
    "serve",
]


def __getattr__(name: str) -> Any:
    if name in ("AsyncTutti", "Tutti"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
