"""A node's two sockets: DEALER for control, PUB for outputs. Both only dial out.

1. Control frames that libzmq does not take yet wait in a queue of the node's own, which drops its oldest.
2. Without a connection only few frames are kept: after a long outage the orchestrator is not flooded with what is stale.
3. Outputs are handed to a connection that is up (``IMMEDIATE``) or to nobody.
4. A reset of libzmq's own (a peer that speaks no ZMTP) is its affair: it connects again.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Callable, Deque, List, Optional

import zmq
from zmq.utils import monitor as _monitor

from ..errors import TuttiError
from .keys import Curve

# It has no types in every version that is supported.
parse_monitor_message: Any = _monitor.parse_monitor_message

_RECONNECT_MS = 100
_RECONNECT_MAX_MS = 2_000
_CONNECT_TIMEOUT_MS = 5_000
"""A host that does not answer at all is tried again after this, not after the minutes of the system's own limit."""
_HEARTBEAT_INTERVAL_MS = 3_000
_HEARTBEAT_TIMEOUT_MS = 15_000
"""ZMTP's heartbeats find the connection whose other end is gone without a word; slower than the protocol's own."""
_LINGER_MS = 500
_PENDING_FRAMES = 64
"""About as much as a busy node says during one reconnect; all of it is repeated anyway."""
_QUEUE_FRAMES = 1_000
_FRAMES_PER_TURN = 256
"""So that a flood from one side does not keep the other waiting."""


class Bus:
    def __init__(self) -> None:
        self._context: Any = zmq.Context()
        self.dealer: Any = None
        """The control socket, to be polled."""
        self.monitor: Any = None
        """Readable when ``lines`` has something to say; there is one only where several addresses are known."""
        self._publisher: Any = None
        self._outputs = ""
        self._curve: Optional[Curve] = None
        self._pending: Deque[bytes] = deque()
        self.on_dropped: Callable[[bytes], None] = lambda frame: None
        """A frame that was handed to ``send`` was dropped for newer ones."""

    def connect(self, control: str, curve: Optional[Curve] = None, watches: bool = False) -> None:
        """Leaves what it is connected to, and what waits to leave. Raises ``TuttiError`` ``bad_endpoint``.

        :param curve: without it, nothing is encrypted
        :param watches: whether there is a ``monitor``
        """
        self._leave()
        self._curve = curve
        self.dealer = self._socket(zmq.DEALER, control)
        self.dealer.set(zmq.SNDHWM, _PENDING_FRAMES)
        if watches:
            self.monitor = self.dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        try:
            self.dealer.connect(control)
        except zmq.ZMQError as error:
            raise _bad_endpoint("control", control, error) from error

    def lines(self) -> List[bool]:
        """Whether the connection for control was made (true) or lost, each time that it was."""
        changes: List[bool] = []
        while self.monitor is not None and self.monitor.poll(0):
            change = parse_monitor_message(self.monitor.recv_multipart(zmq.NOBLOCK))
            changes.append(change["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED)
        return changes

    def _leave(self) -> None:
        if self.monitor is not None:
            self.dealer.disable_monitor()
            self.monitor = None
        for socket in (self.dealer, self._publisher):
            if socket is not None:
                socket.close(linger=_LINGER_MS)
        self.dealer, self._publisher, self._outputs = None, None, ""
        while self._pending:
            self.on_dropped(self._pending.popleft())

    def connect_outputs(self, endpoint: str) -> None:
        """Raises ``TuttiError`` ``bad_endpoint``."""
        if endpoint == self._outputs:
            return
        publisher = self._socket(zmq.PUB, endpoint)
        publisher.set(zmq.IMMEDIATE, 1)
        publisher.set(zmq.SNDHWM, _QUEUE_FRAMES)
        try:
            publisher.connect(endpoint)
        except zmq.ZMQError as error:
            publisher.close()
            raise _bad_endpoint("outputs_endpoint", endpoint, error) from error
        if self._publisher is not None:
            self._publisher.close()
        self._publisher, self._outputs = publisher, endpoint

    @property
    def has_pending(self) -> bool:
        return bool(self._pending)

    def send(self, frame: bytes, replaces: bool = False) -> None:
        """``replaces``: what waits to leave is stale."""
        dropped: List[bytes] = []
        while self._pending and (replaces or len(self._pending) >= _PENDING_FRAMES):
            dropped.append(self._pending.popleft())
        self._pending.append(frame)
        self.flush()
        for each in dropped:
            self.on_dropped(each)

    def flush(self) -> None:
        while self._pending:
            try:
                self.dealer.send(self._pending[0], zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            self._pending.popleft()

    def publish(self, topic: bytes, frame: bytes) -> None:
        """A loss is repaired by the protocol."""
        if self._publisher is None:
            return
        try:
            self._publisher.send_multipart([topic, frame], zmq.NOBLOCK)
        except zmq.ZMQError:
            pass

    def receive(self) -> List[bytes]:
        """The control frames that have come; messages of any other form are none."""
        frames: List[bytes] = []
        for _ in range(_FRAMES_PER_TURN):
            try:
                parts = self.dealer.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                break
            if len(parts) == 1:
                frames.append(parts[0])
        return frames

    def close(self) -> None:
        """What was sent gets a moment to leave."""
        self.flush()
        self._leave()
        self._context.term()

    def _socket(self, kind: int, endpoint: str) -> Any:
        socket: Any = self._context.socket(kind)
        for option, value in (
            (zmq.LINGER, _LINGER_MS),
            (zmq.RECONNECT_IVL, _RECONNECT_MS),
            (zmq.RECONNECT_IVL_MAX, _RECONNECT_MAX_MS),
            (zmq.CONNECT_TIMEOUT, _CONNECT_TIMEOUT_MS),
            (zmq.HEARTBEAT_IVL, _HEARTBEAT_INTERVAL_MS),
            (zmq.HEARTBEAT_TIMEOUT, _HEARTBEAT_TIMEOUT_MS),
            (zmq.RCVHWM, _QUEUE_FRAMES),
            (zmq.IPV6, 1 if "[" in endpoint else 0),
        ):
            socket.set(option, value)
        if self._curve is not None:
            socket.set(zmq.CURVE_SERVERKEY, self._curve.server_key)
            socket.set(zmq.CURVE_PUBLICKEY, self._curve.public_key)
            socket.set(zmq.CURVE_SECRETKEY, self._curve.secret_key)
        return socket


def _bad_endpoint(option: str, endpoint: str, cause: Optional[Exception]) -> TuttiError:
    hint = "give an address of this machine, or a host that resolves, as tcp://HOST:PORT"
    return TuttiError("bad_endpoint", f"{option}: {endpoint} cannot be used: {cause}", hint)
