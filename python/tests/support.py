"""A scripted orchestrator, and nodes as processes of their own that talk to it."""

from __future__ import annotations

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import zmq

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from tutti import wire  # noqa: E402

WITHIN_S = 30.0
"""A limit for what is waited for; the machine may be busy with other things."""

_FROM_NODE = wire._message_class("tutti.v1.ToOrchestrator")
_TO_NODE = wire._message_class("tutti.v1.ToNode")
_FROM_OUTPUTS = wire._message_class("tutti.v1.Outputs")


class FakeOrchestrator:
    """Welcomes and starts who says hello; what else it says is up to the test. Everything that it hears is kept, in order."""

    def __init__(self, port: int = 0, outputs_port: int = 0, epoch: int = 1, **welcome: Any) -> None:
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.set(zmq.ROUTER_HANDOVER, 1)
        self._sub = self._context.socket(zmq.SUB)
        self._sub.set(zmq.SUBSCRIBE, b"")
        self.port = _bind(self._router, port)
        self.outputs_port = _bind(self._sub, outputs_port)
        self.control = f"tcp://127.0.0.1:{self.port}"
        self.epoch = epoch
        self.answers_hello = True
        self.acks_outputs = True
        self.welcome: Dict[str, Any] = {
            "node_id": "node-1",
            "incarnation": 1,
            "heartbeat_interval_ms": 200,
            "dead_after_ms": 2_000,
            "outputs_endpoint": f"tcp://*:{self.outputs_port}",
            "inline_max_bytes": 65_536,
            "max_frame_bytes": 1_000_000,
            "output_window": 8,
            "store_id": "store-1",
            "output_type": "json",
            **welcome,
        }
        self._heard: List[Any] = []
        self._changed = threading.Condition()
        self._unsent: List[Any] = []
        self._route: Optional[bytes] = None
        self._commands = 0
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_closing = True
        self._thread.join()
        self._router.close(linger=0)
        self._sub.close(linger=0)
        self._context.term()

    def expect(self, kind: str, matches: Callable[[Any], bool] = lambda _: True, after: int = 0) -> Any:
        """The first message of this kind that matches; waits for it."""
        return self.expect_many(1, kind, matches, after)[0]

    def expect_many(
        self, count: int, kind: str, matches: Callable[[Any], bool] = lambda _: True, after: int = 0
    ) -> List[Any]:
        def found() -> List[Any]:
            return [each for heard, each in self._heard[after:] if heard == kind and matches(each)]

        with self._changed:
            if not self._changed.wait_for(lambda: len(found()) >= count, WITHIN_S):
                told = "\n".join(
                    f"{heard}: {str(each)[:300]}" for heard, each in self._heard if heard != "heartbeat"
                )
                raise AssertionError(f"no {kind} in time; heard\n{told}")
            return found()

    def heard(self, kind: str) -> List[Any]:
        with self._changed:
            return [each for heard, each in self._heard if heard == kind]

    def now(self) -> int:
        """A place in what was heard, for ``after``."""
        with self._changed:
            return len(self._heard)

    def send(self, **body: Any) -> None:
        self.send_frame(self._frame([body]))

    def send_frame(self, frame: bytes) -> None:
        with self._changed:
            self._unsent.append(frame)

    def command(self, cmd: int, reason: str = "", grace_ms: int = 5_000) -> str:
        self._commands += 1
        command_id = f"command-{self._commands}"
        self.send(node_command={"command_id": command_id, "cmd": cmd, "reason": reason, "grace_ms": grace_ms})
        return command_id

    def stop_task(self, execution_id: str, cmd: int = 1, reason: str = "", grace_ms: int = 5_000) -> str:
        self._commands += 1
        command_id = f"command-{self._commands}"
        self.send(
            task_command={
                "command_id": command_id,
                "cmd": cmd,
                "execution_id": execution_id,
                "reason": reason,
                "grace_ms": grace_ms,
            }
        )
        return command_id

    def assign(
        self,
        execution_id: str,
        payload: bytes = b"{}",
        module: str = "m",
        inputs: Optional[List[Any]] = None,
        timeout_ms: int = 60_000,
        outputs: Sequence[Tuple[str, str]] = (),
        pass_: int = 0,
        item: Optional[int] = None,
    ) -> None:
        self.send(
            assign={
                "execution_id": execution_id,
                "lease": f"lease-{execution_id}",
                "task_id": {"problem_id": "p", "iteration_id": 1},
                "module": module,
                "attempt": 1,
                "pass": pass_,
                **({} if item is None else {"item": item}),
                "timeout_ms": timeout_ms,
                "outputs": [{"name": name, "type": kind} for name, kind in outputs],
                "inputs": inputs
                if inputs is not None
                else [{"name": "given", "type": "json", "payload": payload}],
            }
        )

    def report(self, execution_id: str, state: str) -> Any:
        """The first report of this execution with this state."""
        number = wire._STATE_NUMBERS[state]
        return self.expect(
            "execution_report", lambda each: each.execution_id == execution_id and each.state == number
        )

    def output(self, execution_id: str, seq: int = 1) -> Any:
        return self.expect("output", lambda each: each.execution_id == execution_id and each.seq == seq)

    def idle(self) -> None:
        """Waits until the node takes work."""
        self.expect("node_report", lambda each: each.status == wire._STATUS_NUMBERS["IDLE"])

    def ack(self, execution_id: str, seq: int, ended: bool) -> None:
        self.send(output_acks={"acks": [{"execution_id": execution_id, "seq": seq, "ended": ended}]})

    def _frame(self, bodies: List[Any]) -> bytes:
        incarnation = self.welcome["incarnation"]
        frame = _TO_NODE(protocol_version=1, epoch=self.epoch, incarnation=incarnation, messages=bodies)
        encoded: bytes = frame.SerializeToString()
        return encoded

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._sub, zmq.POLLIN)
        while not self._is_closing:
            ready = dict(poller.poll(10))
            if self._router in ready:
                self._route, frame = self._router.recv_multipart()
                self._hear(frame)
            if self._sub in ready:
                self._hear_outputs(self._sub.recv_multipart()[1])
            with self._changed:
                unsent, self._unsent = (self._unsent, []) if self._route else ([], self._unsent)
            for frame in unsent:
                self._router.send_multipart([self._route, frame])

    def _hear(self, frame: bytes) -> None:
        read = _FROM_NODE.FromString(frame)
        for message in read.messages:
            kind = message.WhichOneof("body")
            body = getattr(message, kind)
            self._keep(kind, body)
            if kind == "hello" and self.answers_hello:
                start = {"command_id": f"start-{self.epoch}-{len(self._heard)}", "cmd": 1, "grace_ms": 1_000}
                self._router.send_multipart(
                    [self._route, self._frame([{"welcome": self.welcome}, {"node_command": start}])]
                )
            finals = [wire._STATE_NUMBERS[state] for state in ("FAILED", "CANCELLED", "PREEMPTED")]
            if kind == "execution_report" and body.state in finals and self.acks_outputs:
                self.ack(body.execution_id, body.last_seq, True)

    def _hear_outputs(self, frame: bytes) -> None:
        for output in _FROM_OUTPUTS.FromString(frame).outputs:
            self._keep("output", output)
            if self.acks_outputs:
                self.ack(output.execution_id, output.seq, output.last)

    def _keep(self, kind: str, body: Any) -> None:
        with self._changed:
            self._heard.append((kind, body))
            self._changed.notify_all()


def _bind(socket: Any, port: int) -> int:
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            socket.bind(f"tcp://127.0.0.1:{port}" if port else "tcp://127.0.0.1:*")
            return int(socket.get(zmq.LAST_ENDPOINT).decode().rsplit(":", 1)[1].rstrip("\0"))
        except zmq.ZMQError:
            # The port of one that was closed is free a moment later.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class BlobServer:
    """Keeps what is PUT, and gives it back."""

    def __init__(self) -> None:
        self.blobs: Dict[str, bytes] = {}
        self.puts: List[str] = []
        self.refusals: List[int] = []
        """Statuses to answer the next requests with."""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self._refused():
                    return
                found = outer.blobs.get(self.path.rsplit("/", 1)[1])
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self._refused():
                    return
                name = self.path.rsplit("/", 1)[1]
                assert hashlib.sha256(body).hexdigest() == name
                outer.blobs[name] = body
                outer.puts.append(name)
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _refused(self) -> bool:
                if not outer.refusals:
                    return False
                self.send_response(outer.refusals.pop(0))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return True

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/blobs"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class NodeCase(unittest.TestCase):
    """Ends what a test has started."""

    def orchestrator(self, **options: Any) -> FakeOrchestrator:
        orchestrator = FakeOrchestrator(**options)
        self.addCleanup(orchestrator.close)
        return orchestrator

    def blobs(self) -> BlobServer:
        server = BlobServer()
        self.addCleanup(server.close)
        return server

    def node(
        self,
        orchestrator: FakeOrchestrator,
        code: str,
        env: Optional[Dict[str, str]] = None,
        command: Sequence[str] = ("my_node.py",),
    ) -> subprocess.Popen[str]:
        """Runs a script in a folder of its own: with ``command``, in any way that the interpreter offers."""
        import tempfile

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        script = Path(folder.name) / "my_node.py"
        script.write_text(code)
        process = subprocess.Popen(
            [sys.executable, *command],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / "src"),
                "TUTTI_CONTROL": orchestrator.control,
                "TUTTI_INSTANCE": "m-1",
                "PYTHONDONTWRITEBYTECODE": "1",
                **(env or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder.name,
        )

        def end() -> None:
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def ends(self, process: subprocess.Popen[str]) -> int:
        """Its exit code."""
        return process.wait(WITHIN_S)


def children_of(pid: int) -> List[int]:
    """Whichever of its threads has started them."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def descendants_of(pid: int) -> List[int]:
    return [each for child in children_of(pid) for each in (child, *descendants_of(child))]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def kill_if_there(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def until(condition: Callable[[], bool]) -> None:
    """Waits for what no message tells of."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it has not come within {WITHIN_S} s")
        time.sleep(0.05)


def until_gone(pid: int) -> None:
    """Waits for the end of a process that is not a child of ours."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except (OSError, FileNotFoundError):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still there: {command_line(pid)}")


SIGALRM, SIGKILL, SIGTERM, SIGINT = signal.SIGALRM, signal.SIGKILL, signal.SIGTERM, signal.SIGINT
