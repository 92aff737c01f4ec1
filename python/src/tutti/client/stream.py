"""The event stream, as a program follows it.

S1. A lost connection is dialled again from the last event: what is given is in order, complete and without repeats.
S2. A stretch that is no longer stored, or another store than the one that was begun with, is given as an event of the type ``gap``
    (``from`` and ``to``, both inclusive): who shows a state fetches it again.
S3. One whose epoch is older than the newest that was seen no longer leads: it is left.
S4. After ``RETRY_S`` without a frame it fails as ``unreachable``.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from typing import Any, AsyncGenerator, Dict, Mapping, Optional

import websockets
from websockets.exceptions import ConnectionClosed, WebSocketException

from ..records import Record
from ..values.json_text import read_json
from .errors import ClientError, unreachable
from .transport import FIRST_PAUSE_S, LONGEST_PAUSE_S, RETRY_S, Transport

_SILENCE_S = 15.0
"""Ticks come at least every five seconds."""
_HANDSHAKE_S = 10.0

_dial: Any = getattr(websockets, "connect")  # noqa: B009
_HEADERS = "extra_headers" if "extra_headers" in inspect.signature(_dial.__init__).parameters else "additional_headers"
"""As websockets up to 13 calls it, and from 14 on."""


class _Place:
    """Up to where the events have been given."""

    def __init__(self, cursor: Optional[int]) -> None:
        self.cursor = cursor
        self.store_id: Optional[str] = None
        self.epoch = 0
        self.is_subscribed = False

    def subscription(self, hello: Any, problem_id: Optional[str]) -> str:
        """From the last place, in the store where that place is; the first subscription takes the store as it is."""
        self.is_subscribed = False
        epoch = int(hello["epoch"])
        if hello["store_id"] == self.store_id and epoch < self.epoch:
            raise ConnectionError(f"an orchestrator of epoch {epoch} answers, and {self.epoch} has begun")
        self.epoch = epoch
        message: Dict[str, Any] = {"type": "subscribe", "store_id": self.store_id or hello["store_id"]}
        if self.cursor is not None:
            message["cursor"] = self.cursor
        if problem_id is not None:
            message["problem_id"] = problem_id
        self.store_id = hello["store_id"]
        return json.dumps(message)

    def take(self, frame: Any) -> Optional[Record]:
        """The gap that a frame tells of, if it does. Raises ``ClientError``."""
        kind = frame["type"]
        if kind == "gap":
            self.cursor = frame["to"]
            return _gap(frame["from"], frame["to"])
        if kind == "subscribed":
            begin, before = frame["cursor"], self.cursor
            self.is_subscribed = True
            self.cursor = begin
            return _gap(1, begin) if before is not None and begin < before else None
        if kind == "tick" and self.is_subscribed:
            # Before the subscription a tick is about all events, not about ours.
            self.cursor = frame["cursor"]
        elif kind == "error":
            raise ClientError(str(frame["error"]["code"]), str(frame["error"]["message"]))
        return None


async def follow(
    transport: Transport, cursor: Optional[int] = None, problem_id: Optional[str] = None
) -> AsyncGenerator[Record, None]:
    """Events, one by one, until the consumer closes it.

    :param cursor: everything after this event; by default from now
    :param problem_id: only this problem's; by default all
    """
    place = _Place(cursor)
    pause = FIRST_PAUSE_S
    lost_at = time.monotonic()
    while True:
        base = transport.addresses.current
        try:
            async with _connect(base, transport.headers) as socket:
                while True:
                    frame = read_json((await asyncio.wait_for(socket.recv(), _SILENCE_S)).encode())
                    transport.has_answered = True
                    pause, lost_at = FIRST_PAUSE_S, time.monotonic()
                    if frame["type"] == "hello":
                        await socket.send(place.subscription(frame, problem_id))
                    gap = place.take(frame)
                    if gap is not None:
                        yield gap
                    for event in frame.get("events", ()):
                        place.cursor = event["seq"]
                        yield event
        except (OSError, asyncio.TimeoutError, WebSocketException) as error:
            _raise_if_final(error, transport, lost_at)
        transport.addresses.leave(base)
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE_S, pause * 2)


def _connect(base: str, headers: Mapping[str, str]) -> Any:
    return _dial(
        "ws" + base[len("http") :] + "/v1/stream",
        open_timeout=_HANDSHAKE_S,
        # The ticks show that the other side is there.
        ping_interval=None,
        compression=None,
        max_size=None,
        **{_HEADERS: headers},
    )


def _gap(begin: int, end: int) -> Record:
    return Record({"type": "gap", "from": begin, "to": end, "seq": end})


def _raise_if_final(error: BaseException, transport: Transport, lost_at: float) -> None:
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        hint = "give the token: Tutti(url, token), or TUTTI_TOKEN"
        raise ClientError("unauthorized", f"the event stream was refused with {status}", hint, (), status) from error
    is_closed = isinstance(error, ConnectionClosed)
    if not (transport.has_answered or is_closed) or time.monotonic() - lost_at > RETRY_S:
        raise unreachable(transport.addresses.shown, error) from None
