"""``tutti-node``: serve a node, try it out without an orchestrator, and work on it."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from typing import List, Optional, Sequence

from .. import __version__
from ..errors import TuttiError
from .dev import develop
from .rehearsal import play
from .targets import load
from .tasks import read_tasks

_EPILOG = """
TARGET is FILE.py, FILE.py:name, a.module or a.module:name: a node made by @node, or a plain function, which then plays the
module of its own name (or --module). Without a name it is every node of the file.

What needs Node.js: `tutti-node conform` checks a node against the protocol with the command `tutti` (npm install -g tutti), and so do
`tutti node-kit record` and everything that concerns an orchestrator (`tutti up`).
"""
_PACKAGES = ("pyzmq", "protobuf", "httpx", "websockets", "numpy", "pandas", "pillow")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.act(options)
        return code
    except TuttiError as error:
        print(f"error: {error.message} ({error.code})", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tutti-node",
        description="Serves and tries out module nodes for Tutti.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="serve it at TUTTI_CONTROL, or play tasks to it without an orchestrator")
    _add_target(run)
    run.add_argument("--input", metavar="FILE|JSON", help="play these tasks: JSON lines like {\"inputs\": {…}}; - for stdin")
    run.set_defaults(act=_run)

    dev = commands.add_parser("dev", help="play tasks again with every change of a file, and show what is different")
    _add_target(dev)
    dev.add_argument("--input", metavar="FILE|JSON", required=True, help="as for run")
    dev.add_argument("--watch", metavar="DIR", action="append", help="whose files count (default: the working directory)")
    dev.set_defaults(act=_dev)

    conform = commands.add_parser("conform", help="check it against the protocol (needs Node.js: the command tutti)")
    _add_target(conform)
    conform.set_defaults(act=_conform)

    info = commands.add_parser("info", help="versions, for a report of a problem")
    info.set_defaults(act=_info)
    return parser


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument("--module", default="", help="the module that a plain function plays (default: its name)")
    parser.add_argument("--proto-path", metavar="DIR", action="append", default=[], help="where types are found (repeatable)")


def _run(options: argparse.Namespace) -> int:
    nodes = load(options.target, options.module, options.proto_path)
    if options.input is None:
        from ..node import serve

        serve(nodes)
        return 0
    if len(nodes) > 1:
        names = ", ".join(node.module for node in nodes)
        raise TuttiError("bad_target", f"{options.target} has several nodes: {names}", f"name one: {options.target}:NAME")
    return play(nodes[0], read_tasks(options.input), options.proto_path)


def _dev(options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "tutti", "run", options.target, "--input", options.input]
    for name in ("module", "proto_path"):
        given = getattr(options, name)
        for value in [given] if isinstance(given, str) else given:
            command += [f"--{name.replace('_', '-')}", value] if value else []
    return develop(command, options.watch or [os.curdir])


def _conform(options: argparse.Namespace) -> int:
    tutti = shutil.which("tutti")
    if tutti is None:
        hint = "install Node.js 20.19 or newer, then: npm install -g tutti"
        raise TuttiError("needs_node_js", "conform needs the command tutti, which is not on the path", hint)
    module = ["--module", options.module] if options.module else []
    paths = [part for path in options.proto_path for part in ("--proto-path", path)]
    node = [sys.executable, "-m", "tutti", "run", options.target, *module, *paths]
    return subprocess.call([tutti, "node-kit", "conform", *paths, "--", *node])


def _info(options: argparse.Namespace) -> int:
    lines: List[str] = [f"tutti {__version__}", f"python {platform.python_version()} ({sys.executable})", platform.platform()]
    for name in _PACKAGES:
        try:
            lines.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{name} is not installed")
    lines.append(f"tutti (Node.js) {shutil.which('tutti') or 'is not on the path'}")
    print("\n".join(lines))
    return 0
