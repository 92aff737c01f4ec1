"""Module nodes for Tutti: what a node's author imports."""

from .errors import Fault, NonRetryableError, TaskAbortedError, TuttiError
from .node import Node, RunningNode, node, serve
from .records import Record
from .task import AsyncTask, Task, TaskLog
from .values.content import load_array

__all__ = [
    "AsyncTask",
    "Fault",
    "Node",
    "NonRetryableError",
    "Record",
    "RunningNode",
    "Task",
    "TaskAbortedError",
    "TaskLog",
    "TuttiError",
    "load_array",
    "node",
    "serve",
]
