"""Requests to one orchestrator, or to several of one store: JSON in, JSON out, every refusal as a ``ClientError``.

T1. Every POST carries an ``Idempotency-Key``, the same one in each of its repeats: it takes effect once, however often it is sent.
T2. A request is repeated where that may help: the connection broke, or the orchestrator asked for it (``Retry-After``). One that has never
    answered is not waited for: its address is probably wrong.
T3. Of several addresses, each is tried before any is waited for. T1 is why a request whose answer was lost may be sent to another one.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import time
import uuid
from pathlib import PurePath
from typing import Any, Dict, Mapping, NamedTuple, Optional

import httpx

from ..values.content import BytesLike, content_of
from ..values.faults import FaultList
from ..values.json_form import write_json
from ..values.json_text import read_json
from .addresses import Addresses
from .errors import ClientError, refusal, unreachable

DEFAULT_URL = "http://127.0.0.1:7480"
RETRY_S = 30.0
"""An orchestrator that is started again answers within this."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
NOBODY_S = 2.0
"""Of several orchestrators: between its end as a standby and its beginning as the leader, none may listen for a moment."""
_REPEATABLE = (429, 503)

Query = Mapping[str, Any]


class Answer(NamedTuple):
    content: bytes
    headers: Mapping[str, str]
    url: str

    @property
    def value(self) -> Any:
        """The decoded JSON. Raises ``ClientError`` ``bad_answer``."""
        try:
            return read_json(self.content)
        except ValueError as error:
            raise ClientError("bad_answer", f"{self.url} does not answer as an orchestrator does: {error}") from error

    @property
    def cursor(self) -> int:
        """The event that the answer reflects."""
        return int(self.headers.get("tutti-cursor", "0"))


class Transport:
    def __init__(self, url: Optional[str], token: Optional[str], timeout: float) -> None:
        self.addresses = Addresses(url or os.environ.get("TUTTI_URL") or DEFAULT_URL)
        token = token or os.environ.get("TUTTI_TOKEN")
        self.headers = {"authorization": f"Bearer {token}"} if token else {}
        self.has_answered = False
        self._http = httpx.AsyncClient(headers=self.headers, timeout=timeout)

    async def get(self, path: str, query: Optional[Query] = None, accept: str = "application/json") -> Answer:
        return await self.request("GET", path, query, headers={"accept": accept})

    async def post(self, path: str, body: Any, key: Optional[str] = None) -> Any:
        """:param body: its values are any that a Python node may give; see ``json_text``
        :param key: of a request that is to be done once, however often the program runs; by default a new one (T1)
        """
        headers = {"content-type": "application/json", "idempotency-key": key or str(uuid.uuid4())}
        return (await self.request("POST", path, None, json_text(body), headers)).value

    async def patch(self, path: str, body: Any, revision: Optional[int] = None) -> Any:
        """:param revision: only where it still is the newest one"""
        headers = {"content-type": "application/json", "idempotency-key": str(uuid.uuid4())}
        if revision is not None:
            headers["if-match"] = f'"{revision}"'
        return (await self.request("PATCH", path, None, json_text(body), headers)).value

    async def request(
        self,
        method: str,
        path: str,
        query: Optional[Query] = None,
        content: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Answer:
        params = _params(query)
        begun_at = time.monotonic()
        nobody_s = NOBODY_S if len(self.addresses) > 1 else 0.0
        pause = FIRST_PAUSE_S
        tries = 0
        while True:
            tries += 1
            base = self.addresses.current
            failure: ClientError
            wait: Optional[float] = 0.0
            try:
                answer = await self._http.request(
                    method, base + path, params=params, content=content, headers=dict(headers or {})
                )
                self.has_answered = True
            except httpx.InvalidURL as error:
                raise ClientError("bad_url", f"url: {base!r} is not an address: {error}") from error
            except httpx.TransportError as error:
                failure = unreachable(self.addresses.shown, error)
            else:
                if answer.is_success:
                    return Answer(answer.content, answer.headers, str(answer.url))
                failure = refusal(answer.status_code, _json_or_none(answer.content), str(answer.url))
                wait = _retry_after(answer)
            if failure.code in ("unreachable", "standby"):
                self.addresses.leave(base)
                if tries % len(self.addresses) > 0:
                    continue
            give_up_at = begun_at + (RETRY_S if self.has_answered else nobody_s)
            if wait is None or time.monotonic() + wait > give_up_at:
                raise failure
            await asyncio.sleep(max(pause, wait))
            pause = min(LONGEST_PAUSE_S, pause * 2)

    async def download(self, path: str, target: Any, query: Optional[Query] = None) -> None:
        """Writes what is at ``path`` into a file, which appears once it is complete."""
        partial = f"{os.fspath(target)}.part"
        if len(self.addresses) > 1:
            # A request that may be sent again finds the one that leads.
            await self.get("/v1/me")
        try:
            url = self.addresses.current + path
            async with self._http.stream("GET", url, params=_params(query)) as answer:
                if not answer.is_success:
                    raise refusal(answer.status_code, _json_or_none(await answer.aread()), str(answer.url))
                with open(partial, "wb") as file:
                    async for piece in answer.aiter_bytes():
                        file.write(piece)
            os.replace(partial, target)
        except httpx.TransportError as error:
            raise unreachable(self.addresses.shown, error) from None
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(partial)

    async def close(self) -> None:
        await self._http.aclose()


def json_text(value: Any) -> bytes:
    """Raises ``ClientError`` ``bad_input`` with every value at fault and its place."""
    faults = FaultList()
    text = write_json(value, faults)
    if faults.faults:
        raise ClientError("bad_input", "a value cannot be sent as JSON", details=faults.faults)
    return text


def given(**fields: Any) -> Dict[str, Any]:
    """Those that are not ``None``."""
    return {name: value for name, value in fields.items() if value is not None}


def input_form(value: Any) -> Any:
    """A problem's input, or an override, in the JSON form of its type: bytes, and the content of a file, as base64."""
    content = content_of(value) if isinstance(value, (*BytesLike, PurePath)) else None
    return value if content is None else base64.b64encode(content).decode("ascii")


def _params(query: Optional[Query]) -> Mapping[str, str]:
    return {name: _written(value) for name, value in (query or {}).items() if value is not None}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _retry_after(answer: httpx.Response) -> Optional[float]:
    if answer.status_code not in _REPEATABLE:
        return None
    seconds = answer.headers.get("retry-after", "")
    return float(seconds) if seconds.isdigit() else None


def _json_or_none(content: bytes) -> Any:
    try:
        return read_json(content)
    except ValueError:
        return None
