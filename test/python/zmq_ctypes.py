"""A backend for pyzmq that calls libzmq through ctypes.

pyzmq's own backends are extensions built for one interpreter. With ``PYZMQ_BACKEND=zmq_ctypes``, the Python part of an installed pyzmq works
on any interpreter that can load libzmq, PyPy included. It has what the SDK and its tests use: contexts, sockets and polling; nothing is
sent or received without a copy.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
from typing import Any, List, Optional, Tuple

_zmq = ctypes.CDLL(ctypes.util.find_library("zmq") or "libzmq.so.5", use_errno=True)

IPC_PATH_MAX_LEN = 107
_BYTES_OPTIONS = {5, 6, 7, 17, 32, 44, 45, 46, 48, 49, 50, 53, 54, 55, 68, 83, 85, 92}
_INT64_OPTIONS = {4, 22}
_TYPE, _FD, _EVENTS, _LINGER, _RCVMORE = 16, 14, 15, 17, 13
_BYTES_OPTIONS.discard(_LINGER)


class _Message(ctypes.Structure):
    _fields_ = [("content", ctypes.c_ubyte * 64)]
    _align_ = 8


class _PollItem(ctypes.Structure):
    _fields_ = [
        ("socket", ctypes.c_void_p),
        ("fd", ctypes.c_int),
        ("events", ctypes.c_short),
        ("revents", ctypes.c_short),
    ]


def _declare(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(_zmq, f"zmq_{name}")
    function.restype = result
    function.argtypes = arguments
    return function


_pointer, _int, _size, _text = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_char_p
_ctx_new = _declare("ctx_new", _pointer)
_ctx_term = _declare("ctx_term", _int, _pointer)
_ctx_set = _declare("ctx_set", _int, _pointer, _int, _int)
_ctx_get = _declare("ctx_get", _int, _pointer, _int)
_socket = _declare("socket", _pointer, _pointer, _int)
_close = _declare("close", _int, _pointer)
_setsockopt = _declare("setsockopt", _int, _pointer, _int, _pointer, _size)
_getsockopt = _declare("getsockopt", _int, _pointer, _int, _pointer, ctypes.POINTER(_size))
_ENDPOINT_CALLS = {
    name: _declare(name, _int, _pointer, _text) for name in ("bind", "unbind", "connect", "disconnect")
}
_send = _declare("send", _int, _pointer, _text, _size, _int)
_msg_init = _declare("msg_init", _int, ctypes.POINTER(_Message))
_msg_recv = _declare("msg_recv", _int, ctypes.POINTER(_Message), _pointer, _int)
_msg_data = _declare("msg_data", _pointer, ctypes.POINTER(_Message))
_msg_size = _declare("msg_size", _size, ctypes.POINTER(_Message))
_msg_close = _declare("msg_close", _int, ctypes.POINTER(_Message))
_poll = _declare("poll", _int, ctypes.POINTER(_PollItem), _int, ctypes.c_long)
_strerror = _declare("strerror", _text, _int)
_has = _declare("has", _int, _text)
_version = _declare("version", None, *[ctypes.POINTER(_int)] * 3)


def _check(result: int) -> int:
    if result >= 0:
        return result
    from zmq.error import Again, ContextTerminated, ZMQError

    number = ctypes.get_errno()
    if number == errno.EAGAIN:
        raise Again(number)
    if number == 156384765:
        raise ContextTerminated(number)
    raise ZMQError(number)


def _repeated(call: Any, *arguments: Any) -> int:
    """Again after each signal: its handler has run by then, and may have raised."""
    while True:
        result = call(*arguments)
        if result >= 0 or ctypes.get_errno() != errno.EINTR:
            return _check(result)


class Context:
    # pyzmq takes a name that the class does not have for a socket's option.
    _handle: Optional[int] = None
    _is_shadow = False

    def __init__(self, io_threads: int = 1, shadow: Any = None) -> None:
        self._handle = shadow or _ctx_new()
        self._is_shadow = bool(shadow)
        if not shadow:
            self.set(1, io_threads)

    @property
    def underlying(self) -> int:
        return self._handle or 0

    @property
    def closed(self) -> bool:
        return self._handle is None

    def set(self, option: int, value: int) -> None:
        _check(_ctx_set(self._handle, option, value))

    def get(self, option: int) -> int:
        return _check(_ctx_get(self._handle, option))

    def term(self) -> None:
        if self._handle is not None and not self._is_shadow:
            _repeated(_ctx_term, self._handle)
        self._handle = None


class Socket:
    context: Any = None
    copy_threshold: Any = None
    _handle: Optional[int] = None

    def __init__(
        self, context: Any = None, socket_type: int = -1, shadow: int = 0, copy_threshold: Any = None
    ) -> None:
        self.context = context
        self.copy_threshold = copy_threshold
        self._handle = shadow or _socket(context.underlying, socket_type)
        if not self._handle:
            _check(-1)

    @property
    def underlying(self) -> int:
        return self._handle or 0

    @property
    def _closed(self) -> bool:
        return self._handle is None

    @property
    def closed(self) -> bool:
        return self._handle is None

    def close(self, linger: Optional[int] = None) -> None:
        if self._handle is None:
            return
        if linger is not None:
            self.set(_LINGER, linger)
        _check(_close(self._handle))
        self._handle = None

    def set(self, option: int, value: Any) -> None:
        if isinstance(value, bytes):
            _check(_setsockopt(self._handle, option, value, len(value)))
            return
        number = (ctypes.c_int64 if option in _INT64_OPTIONS else _int)(value)
        _check(_setsockopt(self._handle, option, ctypes.byref(number), ctypes.sizeof(number)))

    def get(self, option: int) -> Any:
        if option in _BYTES_OPTIONS:
            buffer = ctypes.create_string_buffer(1024)
            size = _size(1024)
            _check(_getsockopt(self._handle, option, buffer, ctypes.byref(size)))
            return buffer.raw[: size.value]
        number = (ctypes.c_int64 if option in _INT64_OPTIONS else _int)()
        size = _size(ctypes.sizeof(number))
        _check(_getsockopt(self._handle, option, ctypes.byref(number), ctypes.byref(size)))
        return number.value

    def _with(self, call: str, url: Any) -> None:
        _repeated(_ENDPOINT_CALLS[call], self._handle, url.encode() if isinstance(url, str) else url)

    def bind(self, url: Any) -> None:
        self._with("bind", url)

    def unbind(self, url: Any) -> None:
        self._with("unbind", url)

    def connect(self, url: Any) -> None:
        self._with("connect", url)

    def disconnect(self, url: Any) -> None:
        self._with("disconnect", url)

    def send(self, data: Any, flags: int = 0, copy: bool = True, track: bool = False) -> None:
        content = bytes(data)
        _repeated(_send, self._handle, content, len(content), flags)

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> bytes:
        message = _Message()
        _msg_init(message)
        try:
            _repeated(_msg_recv, message, self._handle, flags)
            return ctypes.string_at(_msg_data(message), _msg_size(message))
        finally:
            _msg_close(message)


class Frame:
    """Frames without a copy are not offered."""


Message = Frame


def zmq_poll(sockets: Any, timeout: Optional[int] = -1) -> List[Tuple[Any, int]]:
    items = (_PollItem * max(1, len(sockets)))()
    for item, (socket, events) in zip(items, sockets):
        if isinstance(socket, Socket):
            item.socket = socket.underlying
        else:
            item.fd = socket if isinstance(socket, int) else socket.fileno()
        item.events = events
    _repeated(_poll, items, len(sockets), -1 if timeout is None else int(timeout))
    return [(socket, item.revents) for item, (socket, _) in zip(items, sockets) if item.revents]


def zmq_errno() -> int:
    return ctypes.get_errno()


def strerror(number: Optional[int] = None) -> str:
    return _strerror(ctypes.get_errno() if number is None else number).decode()


def has(capability: str) -> bool:
    return bool(_has(capability.encode()))


def zmq_version_info() -> Tuple[int, int, int]:
    parts = [_int(), _int(), _int()]
    _version(*[ctypes.byref(part) for part in parts])
    return parts[0].value, parts[1].value, parts[2].value


def _not_offered(*_: Any) -> Any:
    raise NotImplementedError("this backend does not offer it")


device = proxy = proxy_steerable = curve_keypair = curve_public = _not_offered
