"""Webhooks, the addresses that events are posted to: ``tutti.webhooks`` of both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence
from urllib.parse import quote

from ..records import Record
from .listing import AsyncListing, Listing
from .portal import Portal
from .transport import given

if TYPE_CHECKING:
    from .asynchronous import AsyncTutti


class AsyncWebhooks:
    """The webhooks of an orchestrator. ``Webhooks`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti) -> None:
        self._tutti = tutti

    async def add(
        self,
        name: str,
        url: str,
        *,
        filter: Optional[Sequence[str]] = None,
        problem: Optional[str] = None,
        secret: Optional[str] = None,
    ) -> Record:
        """Events from now on are posted to an address, in order: ``await tutti.webhooks.add("chat", "http://127.0.0.1:8090/",
        filter=["iteration.failed"], secret=secret)``.

        :param filter: the types of the events; by default, all
        :param problem: a filter over problems: only events of those that it holds for
        :param secret: deliveries are signed with it
        """
        types = None if filter is None else list(filter)
        body = {"name": name, "url": url, **given(filter=types, problem=problem, secret=secret)}
        return Record(await self._tutti.transport.post("/v1/webhooks", body))

    def list(self) -> AsyncListing:
        """Records of webhooks, by their names, with their positions and their last attempts."""
        return AsyncListing(self._tutti.transport, "/v1/webhooks", {})

    async def test(self, name: str) -> Record:
        """Posts one event of the type ``webhook.test``. A receiver that does not accept it is not an error: ``delivered`` is
        false, and ``status`` says why."""
        return Record(await self._tutti.transport.post(f"{_webhook(name)}/test", {}))

    async def remove(self, name: str) -> None:
        """Events that are not delivered yet are dropped."""
        await self._tutti.request("DELETE", _webhook(name))


class Webhooks:
    """The webhooks of an orchestrator.

    >>> tutti.webhooks.add("chat", "http://127.0.0.1:8090/", filter=["iteration.failed"], secret=secret)
    >>> print(tutti.webhooks.test("chat").status)
    """

    def __init__(self, twin: AsyncWebhooks, portal: Portal) -> None:
        self._async = twin
        self._portal = portal

    def add(
        self,
        name: str,
        url: str,
        *,
        filter: Optional[Sequence[str]] = None,
        problem: Optional[str] = None,
        secret: Optional[str] = None,
    ) -> Record:
        """Events from now on are posted to an address, in order; see ``AsyncWebhooks.add``."""
        return self._portal.run(self._async.add(name, url, filter=filter, problem=problem, secret=secret))

    def list(self) -> Listing:
        """Records of webhooks, by their names, with their positions and their last attempts."""
        return Listing(self._async.list(), self._portal)

    def test(self, name: str) -> Record:
        """Posts one event of the type ``webhook.test``; see ``AsyncWebhooks.test``."""
        return self._portal.run(self._async.test(name))

    def remove(self, name: str) -> None:
        """Events that are not delivered yet are dropped."""
        self._portal.run(self._async.remove(name))


def _webhook(name: str) -> str:
    return f"/v1/webhooks/{quote(name, safe='')}"
