"""Campaigns, series of iterations that run themselves: ``tutti.campaigns`` of both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping
from urllib.parse import quote

from ..records import Record
from .listing import AsyncListing, Listing
from .portal import Portal

if TYPE_CHECKING:
    from .asynchronous import AsyncTutti


class AsyncCampaigns:
    """The campaigns of an orchestrator. ``Campaigns`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti) -> None:
        self._tutti = tutti

    async def run(
        self,
        name: str,
        graph: str,
        input: Any,
        policy: Mapping[str, Any],
        schedule: Mapping[str, str] | None = None,
        deployment: str | Mapping[str, Any] | None = None,
    ) -> Record:
        """Its iterations begin once every module has a ready node: ``await tutti.campaigns.run("rates", "training", {"epochs": 3},
        {"propose": {"grid": {"/rate": [0.1, 0.01]}}})``. The record has ``campaign_id`` and ``problem_id``.

        :param input: what the points are put into
        :param policy: see ``POST /v1/campaigns`` in ``/openapi.json``
        :param schedule: one iteration begins at each of its times: ``{"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}``
        :param deployment: the name of one, or a blueprint that is brought up first and taken down at the end: its YAML, or ``{"blueprint": …,
            "inputs": …}``
        """
        body: dict[str, Any] = {"name": name, "graph": graph, "input": input, "policy": dict(policy)}
        if schedule is not None:
            body["schedule"] = dict(schedule)
        if deployment is not None:
            body["deployment"] = deployment if isinstance(deployment, str) else dict(deployment)
        return Record(await self._tutti.transport.post("/v1/campaigns", body))

    async def get(self, campaign_id: str) -> Record:
        """With its ``policy``, and the ``input`` of the best iteration: see ``Campaign`` in ``/openapi.json``."""
        return Record((await self._tutti.transport.get(_campaign(campaign_id))).value)

    def list(self) -> AsyncListing:
        """Records of campaigns, the newest first."""
        return AsyncListing(self._tutti.transport, "/v1/campaigns", {})

    async def pause(self, campaign_id: str) -> Record:
        """No further iteration begins until it is resumed."""
        return await self._command(campaign_id, "pause")

    async def resume(self, campaign_id: str) -> Record:
        """Goes on with it."""
        return await self._command(campaign_id, "resume")

    async def step(self, campaign_id: str) -> Record:
        """One iteration of an interactive campaign."""
        return await self._command(campaign_id, "step")

    async def finish(self, campaign_id: str) -> Record:
        """No further iteration begins; those under way end."""
        return await self._command(campaign_id, "finish")

    async def abort(self, campaign_id: str) -> Record:
        """Those under way are stopped."""
        return await self._command(campaign_id, "abort")

    async def _command(self, campaign_id: str, command: str) -> Record:
        path = f"{_campaign(campaign_id)}/commands"
        return Record(await self._tutti.transport.post(path, {"command": command}))


class Campaigns:
    """The campaigns of an orchestrator.

    >>> begun = tutti.campaigns.run("rates", "training", {"epochs": 3}, {"propose": {"grid": {"/rate": [0.1, 0.01]}}})
    >>> print(tutti.campaigns.get(begun.campaign_id).phase)
    """

    def __init__(self, twin: AsyncCampaigns, portal: Portal) -> None:
        self._async = twin
        self._portal = portal

    def run(
        self,
        name: str,
        graph: str,
        input: Any,
        policy: Mapping[str, Any],
        schedule: Mapping[str, str] | None = None,
        deployment: str | Mapping[str, Any] | None = None,
    ) -> Record:
        """Its iterations begin once every module has a ready node; see ``AsyncCampaigns.run``."""
        return self._portal.run(self._async.run(name, graph, input, policy, schedule, deployment))

    def get(self, campaign_id: str) -> Record:
        """With its ``policy``, and the ``input`` of the best iteration: see ``Campaign`` in ``/openapi.json``."""
        return self._portal.run(self._async.get(campaign_id))

    def list(self) -> Listing:
        """Records of campaigns, the newest first."""
        return Listing(self._async.list(), self._portal)

    def pause(self, campaign_id: str) -> Record:
        """No further iteration begins until it is resumed."""
        return self._portal.run(self._async.pause(campaign_id))

    def resume(self, campaign_id: str) -> Record:
        """Goes on with it."""
        return self._portal.run(self._async.resume(campaign_id))

    def step(self, campaign_id: str) -> Record:
        """One iteration of an interactive campaign."""
        return self._portal.run(self._async.step(campaign_id))

    def finish(self, campaign_id: str) -> Record:
        """No further iteration begins; those under way end."""
        return self._portal.run(self._async.finish(campaign_id))

    def abort(self, campaign_id: str) -> Record:
        """Those under way are stopped."""
        return self._portal.run(self._async.abort(campaign_id))


def _campaign(campaign_id: str) -> str:
    return f"/v1/campaigns/{quote(campaign_id, safe='')}"
