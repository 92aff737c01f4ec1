"""Messages between the processes of one node, over a pair of connected sockets.

Both ends run the same code and nobody else can reach them, so a message is pickled as it is.

A forked child has a copy of each socket. It closes those of a channel, on which messages of two processes would mix; through a
``Letterbox``, where each message is a datagram, any number of processes may write.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from typing import Any, List, Optional

from .pickled import dumps, loads

_HEADER = struct.Struct("!Q")
_READ_BYTES = 1 << 18
_MAX_DATAGRAM_BYTES = 1 << 18


class Channel:
    """The blocking end: any thread may send, one receives."""

    def __init__(self, end: socket.socket) -> None:
        # Whatever the author has set as the default timeout of sockets.
        end.setblocking(True)
        self._end = end
        self._file = os.fstat(end.fileno()).st_ino
        self._lock = threading.Lock()
        self._reader = _Reader()
        self._received: List[Any] = []

    def send(self, message: Any) -> bool:
        """Whether the channel is whole. A message is lost when the other end is gone; the receiver notices that."""
        body = dumps(message)
        with self._lock:
            if not self.is_whole:
                return False
            try:
                self._end.sendall(_HEADER.pack(len(body)) + body)
            except OSError:
                pass
            return True

    @property
    def is_whole(self) -> bool:
        """Whether the descriptor is still the channel's: other code of this process may have closed it, and opened another file."""
        number = self._end.fileno()
        try:
            return number < 0 or os.fstat(number).st_ino == self._file
        except OSError:
            return False

    def receive(self) -> Optional[Any]:
        """The next message; nothing when the other end is gone."""
        while not self._received:
            if not self.is_whole:
                return None
            try:
                data = self._end.recv(_READ_BYTES)
            except OSError:
                data = b""
            if not data:
                return None
            self._received = self._reader.feed(data)
        return self._received.pop(0)

    def close(self) -> None:
        try:
            self._end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._end.close()

    def forget(self) -> None:
        """Does not close a descriptor that is no longer the channel's."""
        self._end.detach()

    def give_up(self) -> None:
        """In a forked child, where the connection is not ours to end, and another thread may have held the lock."""
        self._lock = threading.Lock()
        self._end.close()


class Letterbox:
    """For messages of a forked child."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(True)
        self._end = end

    def send(self, message: Any) -> bool:
        """Not when the node has ended, or the message is larger than the system allows or the reader takes."""
        body = dumps(message)
        try:
            return len(body) <= _MAX_DATAGRAM_BYTES and self._end.send(body) == len(body)
        except OSError:
            return False

    def close(self) -> None:
        self._end.close()

    def forget(self) -> None:
        """Does not close a descriptor that may belong to another file by now."""
        self._end.detach()


class LetterboxReader:
    """The end that never blocks."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def receive(self) -> List[Any]:
        """All that has come since."""
        messages: List[Any] = []
        while True:
            try:
                data = self._end.recv(_MAX_DATAGRAM_BYTES)
                if not data:
                    return messages
                messages.append(loads(data))
            except OSError:
                return messages
            except Exception:
                continue  # A child that was killed or writes rubbish does no harm.


class Port:
    """The end that never blocks: what the other side does not take yet waits here."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._reader = _Reader()
        self._unsent = bytearray()
        self.is_closed = False

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent) and not self.is_closed

    def send(self, message: Any) -> None:
        body = dumps(message)
        self._unsent += _HEADER.pack(len(body)) + body
        self.flush()

    def flush(self) -> None:
        while self.has_unsent:
            try:
                del self._unsent[: self._end.send(self._unsent)]
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):
                    self.is_closed = True
                return

    def receive(self) -> List[Any]:
        """What has come since; afterwards ``is_closed`` tells whether the other end is gone."""
        try:
            data = self._end.recv(_READ_BYTES)
        except OSError as error:
            self.is_closed = self.is_closed or error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK)
            return []
        if not data:
            self.is_closed = True
        return self._reader.feed(data)


class _Reader:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> List[Any]:
        self._buffer += data
        messages: List[Any] = []
        at = 0
        while len(self._buffer) - at >= _HEADER.size:
            (size,) = _HEADER.unpack_from(self._buffer, at)
            end = at + _HEADER.size + size
            if len(self._buffer) < end:
                break
            messages.append(loads(self._buffer[at + _HEADER.size : end]))
            at = end
        del self._buffer[:at]
        return messages
