"""How a worker process loads the module that a node is in, without running what is for the main process only."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from typing import NamedTuple, Optional

WORKER_NAME = "__tutti_worker__"
"""What ``__name__`` is in a main module that is loaded by a worker process."""


class Loaded(BaseException):
    """Serving begins: in a worker process everything that a handler needs is there."""


class MainModule(NamedTuple):
    """Where a node is: a module by name, else the script."""

    name: Optional[str]
    path: Optional[str]

    def load(self) -> None:
        try:
            if self.path is not None:
                runpy.run_path(self.path, run_name=WORKER_NAME)
            elif self.name is not None:
                runpy.run_module(self.name, run_name=WORKER_NAME)
        except Loaded:
            pass


def locate(module_name: str) -> Optional[MainModule]:
    """The module of a handler, by its ``__module__``; nothing for what was typed in by hand."""
    if module_name != "__main__":
        return MainModule(module_name, None)
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return MainModule(spec.name, None)
    path = getattr(main, "__file__", None)
    return MainModule(None, os.path.abspath(path)) if path else None


def import_or_load(where: MainModule, is_main: bool) -> None:
    if is_main or where.name is None:
        where.load()
    else:
        try:
            importlib.import_module(where.name)
        except Loaded:
            pass
