"""Large payloads, over HTTP: read by reference, uploaded by content; each in a thread of its own.

1. What was read has the size and the SHA-256 of its reference, or it is an error.
2. A transfer that may succeed later (no connection, 429, 5xx) is tried again until it is cancelled.
3. The token goes to the orchestrator's own blob address only. It is that of the registration, which the orchestrator renews, or the
   configured one where there is none. One that has ended is not wrong for good: the next one is on its way.
4. Neither proxies nor redirections: a blob is where the orchestrator says that it is.
5. A certificate that is not trusted here, or names another host, is an error: waiting does not help. One that has expired may be renewed.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Union
from urllib.parse import SplitResult, urlsplit

from ..errors import NonRetryableError, ReportedError, TuttiError, reported_error
from ..protocol import BlobRef
from ..spool import OwnedFile, no_temp_folder

_RETRY_FIRST_S = 0.25
_RETRY_MAX_S = 10.0
_CORRUPT_TRIES = 3
"""A copy that does not match its name was damaged under way, or is damaged where it lies: then more tries do not help."""
_UNAUTHORIZED_TRIES = 8
"""Heartbeats bring another token within seconds; a node that is refused for so long will be refused. Half a minute."""
_SILENCE_S = 30.0
"""A connection on which nothing moves for this long is given up, and tried again."""
_CHUNK_BYTES = 1 << 18
_EXPIRED = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL."""

Done = Callable[[Optional[ReportedError]], None]


class Transfer:
    """One that is under way."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


class _Cancelled(Exception):
    pass


class _Again(NamedTuple):
    after_s: Optional[float]


class _Unauthorized(Exception):
    """It lasts, unless another token comes."""

    def __init__(self, refusal: NonRetryableError) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Blobs:
    """``done`` is called by ``collect``, in the thread that calls that; ``fileno`` is readable when there is something to collect."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._lent = ""
        self._base = ""
        self._left: List[str] = []
        """Those of orchestrators that the node has left: what they have, the one that leads has."""
        self._completed: Deque[Callable[[], None]] = deque()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)

    def fileno(self) -> int:
        return self._woken.fileno()

    def set_base(self, url: str) -> None:
        """Where blobs are uploaded, as told by the welcome."""
        base = url.rstrip("/")
        if base != self._base and self._base:
            self._left.append(self._base)
        self._left = [each for each in self._left if each != base]
        self._base = base

    def set_token(self, token: str) -> None:
        """What is shown there from now on. Empty: the configured token."""
        self._lent = token

    def collect(self) -> None:
        try:
            self._woken.recv(4096)
        except OSError:
            pass
        while self._completed:
            self._completed.popleft()()

    def get(self, blob: BlobRef, url: str, path: str, done: Done) -> Transfer:
        """Errors: ``blob_missing``, ``blob_corrupt``, ``blob_refused``."""
        return self._begin(lambda transfer: self._get(blob, url, path, transfer), done)

    def put(self, blob: BlobRef, source: OwnedFile, done: Done) -> Transfer:
        """Errors: ``blob_refused``. What is there already is leased anew."""
        return self._begin(lambda transfer: self._put(blob, source, transfer), done)

    def _begin(self, work: Callable[[Transfer], None], done: Done) -> Transfer:
        transfer = Transfer()

        def run() -> None:
            error: Optional[ReportedError] = None
            try:
                work(transfer)
            except _Cancelled:
                error = ReportedError("abandoned", "the transfer was cancelled", True)
            except Exception as raised:
                error = reported_error(raised, "blob_refused")
            self._completed.append(lambda: done(error))
            try:
                self._wake.send(b"\0")
            except OSError:
                pass  # It is full of wakes already.

        threading.Thread(target=run, name="tutti-blob", daemon=True).start()
        return transfer

    def _get(self, blob: BlobRef, given: str, path: str, transfer: Transfer) -> None:
        tries = 0

        def attempt() -> Optional[_Again]:
            nonlocal tries
            url = self._current(given)
            address = _address(url)
            connection = _connect(address)
            try:
                connection.request("GET", _target(address), headers=self._headers(address))
                response = connection.getresponse()
                if response.status == 404:
                    raise TuttiError("blob_missing", f"{url}: there is no such blob")
                if response.status != 200:
                    return _refused(response, url)
                if _save(response, path, blob, transfer):
                    return None
            finally:
                connection.close()
            tries += 1
            if tries < _CORRUPT_TRIES:
                return _Again(None)
            told = f"{url}: the content is not {blob.size} bytes with the SHA-256 {blob.sha256}"
            raise TuttiError("blob_corrupt", told)

        _until_done(attempt, transfer, self._may_renew)

    def _put(self, blob: BlobRef, source: OwnedFile, transfer: Transfer) -> None:
        def attempt() -> Optional[_Again]:
            url = f"{self._base}/{blob.sha256}"
            address = _address(url)
            connection = _connect(address)
            try:
                headers = {
                    **self._headers(address),
                    "Content-Type": "application/octet-stream",
                    "Content-Length": str(blob.size),
                }
                with _opened(source.path, "rb") as file:
                    connection.request("PUT", _target(address), body=file, headers=headers)
                response = connection.getresponse()
                return None if 200 <= response.status < 300 else _refused(response, url)
            finally:
                connection.close()

        _until_done(attempt, transfer, self._may_renew)

    def _current(self, url: str) -> str:
        """Where a blob is that an orchestrator has named, which the node may have left."""
        former = next((each for each in self._left if url.startswith(f"{each}/")), None)
        return url if former is None else self._base + url[len(former) :]

    def _may_renew(self) -> bool:
        return self._lent != ""

    def _headers(self, address: SplitResult) -> Dict[str, str]:
        base = urlsplit(self._base)
        is_own = (address.scheme, address.netloc) == (base.scheme, base.netloc)
        token = self._lent or self._token
        return {"Authorization": f"Bearer {token}"} if token and is_own else {}


def _until_done(
    attempt: Callable[[], Optional[_Again]], transfer: Transfer, may_renew: Callable[[], bool]
) -> None:
    wait_s = _RETRY_FIRST_S
    refusals = 0
    while not transfer.cancelled.is_set():
        again: Optional[_Again]
        try:
            again = attempt()
        except ssl.SSLCertVerificationError as error:
            if error.verify_code not in _EXPIRED:
                raise _untrusted(error) from error
            again = _Again(None)
        except (OSError, http.client.HTTPException):
            again = _Again(None)  # No connection, or it broke off.
        except _Unauthorized as error:
            if refusals == _UNAUTHORIZED_TRIES or not may_renew():
                raise error.refusal from None
            refusals += 1
            again = _Again(None)
        if again is None:
            return
        after_s = wait_s if again.after_s is None else again.after_s
        transfer.cancelled.wait(min(after_s, _RETRY_MAX_S))
        wait_s = min(wait_s * 2, _RETRY_MAX_S)
    raise _Cancelled()


def _untrusted(error: ssl.SSLCertVerificationError) -> NonRetryableError:
    """The message says what helps: of an error, it is what a task's history keeps."""
    told = f"the certificate of the orchestrator is not trusted here ({error.verify_message})"
    remedy = "name the file of its authority in SSL_CERT_FILE, and the orchestrator by a name that it has (--advertise)"
    return NonRetryableError("blob_refused", f"{told}: {remedy}")


def _address(url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        if address.scheme in ("http", "https") and address.hostname and address.port != 0:
            return address
    except ValueError:
        pass
    raise NonRetryableError("blob_refused", f'"{url}" is not an address of a blob')


def _connect(address: SplitResult) -> Union[http.client.HTTPConnection, http.client.HTTPSConnection]:
    if address.scheme == "https":
        return http.client.HTTPSConnection(address.hostname or "", address.port, timeout=_SILENCE_S)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=_SILENCE_S)


def _target(address: SplitResult) -> str:
    return (address.path or "/") + (f"?{address.query}" if address.query else "")


def _refused(response: http.client.HTTPResponse, url: str) -> _Again:
    """429 and 5xx pass, and 401 where another token may come; any other refusal stays."""
    if response.status == 429 or response.status >= 500:
        try:
            return _Again(float(response.headers.get("retry-after", "")))
        except ValueError:
            return _Again(None)
    text = response.read(500).decode("utf-8", "replace")
    refusal = NonRetryableError("blob_refused", f"{url}: HTTP {response.status} {text}")
    raise _Unauthorized(refusal) if response.status == 401 else refusal


def _save(response: http.client.HTTPResponse, path: str, blob: BlobRef, transfer: Transfer) -> bool:
    """Whether the body is what was named; no more than that is ever written."""
    digest = hashlib.sha256()
    size = 0
    with _opened(path, "wb") as file:
        while True:
            if transfer.cancelled.is_set():
                raise _Cancelled()
            chunk = response.read(_CHUNK_BYTES)
            if not chunk:
                break
            size += len(chunk)
            if size > blob.size:
                return False
            digest.update(chunk)
            try:
                file.write(chunk)
            except OSError as error:
                raise no_temp_folder(str(error)) from error
    return size == blob.size and digest.hexdigest() == blob.sha256


def _opened(path: str, mode: str) -> Any:
    """Unbuffered, so that a full disk is noticed at the write. Raises ``TuttiError`` ``no_temp_folder``."""
    try:
        return open(path, mode, buffering=0)
    except OSError as error:
        raise no_temp_folder(str(error)) from error


def cancel_all(transfers: List[Transfer]) -> None:
    for transfer in transfers:
        transfer.cancel()
