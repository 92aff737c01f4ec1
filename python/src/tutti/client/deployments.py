"""Deployments, which bring applications up and take them down as a whole: ``tutti.deployments`` of both clients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Union
from urllib.parse import quote

from ..records import Record
from .listing import AsyncListing, Listing
from .portal import Portal
from .transport import Transport, given
from .upload import Content, upload, upload_all

if TYPE_CHECKING:
    from .asynchronous import AsyncTutti


class AsyncDeployments:
    """The deployments of an orchestrator. ``Deployments`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti) -> None:
        self._tutti = tutti

    async def deploy(
        self,
        blueprint: Union[str, bytes, Path],
        *,
        name: Optional[str] = None,
        inputs: Optional[Mapping[str, Any]] = None,
        files: Optional[Mapping[str, Content]] = None,
    ) -> Record:
        """Begins to bring an application up: ``await tutti.deployments.deploy(Path("shop.yaml"), inputs={"model": "large"},
        files={"install.sh": Path("install.sh")})``. The record has ``deployment_id``, ``operation_id`` and ``task_id``.

        :param blueprint: its YAML, or that of a TOSCA template; the bytes of a TOSCA archive (CSAR), which has its own files; or the
            ``Path`` of either, where an archive ends in ``.csar`` or ``.zip``
        :param name: by default, that of the blueprint
        :param files: by the path that the blueprint has for it, the content of each file that it names: a text, bytes, or a ``Path``
        """
        body = {**given(name=name), **await self._body(blueprint, inputs, files)}
        return Record(await self._tutti.transport.post("/v1/deployments", body))

    async def update(
        self,
        which: str,
        blueprint: Union[str, bytes, Path],
        *,
        inputs: Optional[Mapping[str, Any]] = None,
        files: Optional[Mapping[str, Content]] = None,
    ) -> Record:
        """Changes it into what another blueprint says; the arguments are those of ``deploy``.

        :param inputs: those that are not given keep their values
        """
        body = await self._body(blueprint, inputs, files)
        return Record(await self._tutti.transport.post(f"{_deployment(which)}/update", body))

    async def diff(
        self,
        which: str,
        blueprint: Union[str, bytes, Path],
        *,
        inputs: Optional[Mapping[str, Any]] = None,
        files: Optional[Mapping[str, Content]] = None,
    ) -> Record:
        """What an update would do: ``added``, ``removed``, ``changed`` and ``may_change``."""
        body = await self._body(blueprint, inputs, files)
        return Record(await self._tutti.transport.post(f"{_deployment(which)}/diff", body))

    async def _body(
        self,
        blueprint: Union[str, bytes, Path],
        inputs: Optional[Mapping[str, Any]],
        files: Optional[Mapping[str, Content]],
    ) -> Mapping[str, Any]:
        transport = self._tutti.transport
        hashes = await upload_all(transport, files or {})
        return {**await _sent(transport, blueprint), "inputs": dict(inputs or {}), "files": hashes}

    async def get(self, which: str) -> Record:
        """With ``components`` and ``outputs``: see ``Deployment`` in ``/openapi.json``.

        :param which: its name or its id
        """
        return Record((await self._tutti.transport.get(_deployment(which))).value)

    def list(self) -> AsyncListing:
        """Records of deployments, the newest first."""
        return AsyncListing(self._tutti.transport, "/v1/deployments", {})

    async def go_on(self, which: str, *, clean: Optional[bool] = None) -> Record:
        """``continue``: goes on with a deployment that has failed.

        :param clean: from the beginning, whatever has been done
        """
        return Record(await self._tutti.transport.post(f"{_deployment(which)}/continue", given(clean=clean)))

    async def undeploy(self, which: str) -> Record:
        """Takes it down."""
        return Record(await self._tutti.transport.post(f"{_deployment(which)}/undeploy", {}))

    async def cancel(self, which: str) -> None:
        """Stops the operation that is under way."""
        await self._tutti.transport.post(f"{_deployment(which)}/cancel", {})

    def operations(self, which: str) -> AsyncListing:
        """Records of its operations with their steps, the oldest first."""
        return AsyncListing(self._tutti.transport, f"{_deployment(which)}/operations", {})

    async def log(self, which: str, operation: Optional[int] = None) -> str:
        """What the steps of an operation have written so far; by default, of the newest one."""
        number = (await self.get(which)).operation_id if operation is None else operation
        answer = await self._tutti.transport.get(f"{_deployment(which)}/operations/{number}/log", {}, accept="text/plain")
        return answer.content.decode()


class Deployments:
    """The deployments of an orchestrator.

    >>> tutti.deployments.deploy(Path("shop.yaml"), files={"install.sh": Path("install.sh")})
    >>> print(tutti.deployments.get("shop").state, tutti.deployments.log("shop"))
    """

    def __init__(self, twin: AsyncDeployments, portal: Portal) -> None:
        self._async = twin
        self._portal = portal

    def deploy(
        self,
        blueprint: Union[str, bytes, Path],
        *,
        name: Optional[str] = None,
        inputs: Optional[Mapping[str, Any]] = None,
        files: Optional[Mapping[str, Content]] = None,
    ) -> Record:
        """Begins to bring an application up; see ``AsyncDeployments.deploy``."""
        return self._portal.run(self._async.deploy(blueprint, name=name, inputs=inputs, files=files))

    def update(
        self,
        which: str,
        blueprint: Union[str, bytes, Path],
        *,
        inputs: Optional[Mapping[str, Any]] = None,
        files: Optional[Mapping[str, Content]] = None,
    ) -> Record:
        """Changes it into what another blueprint says; see ``AsyncDeployments.update``."""
        return self._portal.run(self._async.update(which, blueprint, inputs=inputs, files=files))

    def diff(
        self,
        which: str,
        blueprint: Union[str, bytes, Path],
        *,
        inputs: Optional[Mapping[str, Any]] = None,
        files: Optional[Mapping[str, Content]] = None,
    ) -> Record:
        """What an update would do; see ``AsyncDeployments.diff``."""
        return self._portal.run(self._async.diff(which, blueprint, inputs=inputs, files=files))

    def get(self, which: str) -> Record:
        """With ``components`` and ``outputs``: see ``Deployment`` in ``/openapi.json``."""
        return self._portal.run(self._async.get(which))

    def list(self) -> Listing:
        """Records of deployments, the newest first."""
        return Listing(self._async.list(), self._portal)

    def go_on(self, which: str, *, clean: Optional[bool] = None) -> Record:
        """``continue``: goes on with a deployment that has failed; see ``AsyncDeployments.go_on``."""
        return self._portal.run(self._async.go_on(which, clean=clean))

    def undeploy(self, which: str) -> Record:
        """Takes it down."""
        return self._portal.run(self._async.undeploy(which))

    def cancel(self, which: str) -> None:
        """Stops the operation that is under way."""
        self._portal.run(self._async.cancel(which))

    def operations(self, which: str) -> Listing:
        """Records of its operations with their steps, the oldest first."""
        return Listing(self._async.operations(which), self._portal)

    def log(self, which: str, operation: Optional[int] = None) -> str:
        """What the steps of an operation have written so far; by default, of the newest one."""
        return self._portal.run(self._async.log(which, operation))


async def _sent(transport: Transport, blueprint: Union[str, bytes, Path]) -> Dict[str, str]:
    if isinstance(blueprint, Path):
        is_archive = blueprint.suffix.lower() in (".csar", ".zip")
        blueprint = blueprint.read_bytes() if is_archive else blueprint.read_text(encoding="utf-8")
    if isinstance(blueprint, bytes):
        return {"csar": await upload(transport, blueprint)}
    return {"blueprint": blueprint}


def _deployment(which: str) -> str:
    return f"/v1/deployments/{quote(which, safe='')}"
