"""Services, which keep programs running on clusters: ``tutti.services`` of both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Optional
from urllib.parse import quote

from ..records import Record
from .listing import AsyncListing, Listing
from .portal import Portal
from .transport import given, json_text
from .upload import Content, upload_all

if TYPE_CHECKING:
    from .asynchronous import AsyncTutti


class AsyncServices:
    """The services of an orchestrator. ``Services`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti) -> None:
        self._tutti = tutti

    async def apply(self, name: str, *, files: Optional[Mapping[str, Content]] = None, **fields: Any) -> Record:
        """``await tutti.services.apply("detect", module="detect", count=2, command=["python3", "detect.py"], files={"detect.py":
        Path("detect.py")})``: the fields of ``PUT /v1/services/{name}`` in ``docs/api.md``. A change of what it runs renews its
        replicas one by one.

        :param files: by the path in the folder of the command, the content: a text, bytes, or the ``Path`` of a file
        """
        hashes = await upload_all(self._tutti.transport, files or {})
        if hashes:
            # A script is in the folder by its own name.
            beside = {path: path for path in hashes if path != fields.get("script")}
            fields = {**fields, "files": beside, "files_sha256": hashes}
        answer = await self._tutti.transport.request(
            "PUT", _service(name), None, json_text(fields), {"content-type": "application/json"}
        )
        return Record(answer.value)

    async def get(self, name: str) -> Record:
        """With ``health``, ``reasons`` and ``replicas``: see ``Service`` in ``/openapi.json``."""
        return Record((await self._tutti.transport.get(_service(name))).value)

    def list(self) -> AsyncListing:
        """Records of services, by their names."""
        return AsyncListing(self._tutti.transport, "/v1/services", {})

    async def scale(self, name: str, count: int) -> Record:
        return await self._command(name, "scale", count)

    async def restart(self, name: str) -> Record:
        """Replaces its replicas one by one."""
        return await self._command(name, "restart")

    async def stop(self, name: str) -> Record:
        """Stops its replicas; ``start`` starts them again."""
        return await self._command(name, "stop")

    async def start(self, name: str) -> Record:
        return await self._command(name, "start")

    async def remove(self, name: str) -> None:
        """Stops its replicas and removes the service."""
        await self._tutti.request("DELETE", _service(name))

    def placement(self, name: str) -> AsyncListing:
        """Each cluster with its ``score`` for one more replica, or with the ``reason`` why it is ruled out."""
        return AsyncListing(self._tutti.transport, f"{_service(name)}/placement", {})

    async def log(self, name: str, replica: Optional[str] = None) -> str:
        """The log of the newest run of a replica so far; by default, of the first replica."""
        answer = await self._tutti.transport.get(f"{_service(name)}/log", given(replica=replica), accept="text/plain")
        return answer.content.decode()

    async def _command(self, name: str, command: str, count: Optional[int] = None) -> Record:
        body = given(command=command, count=count)
        return Record(await self._tutti.transport.post(f"{_service(name)}/commands", body))


class Services:
    """The services of an orchestrator.

    >>> tutti.services.apply("detect", module="detect", count=2, command=["python3", "detect.py"], files={"detect.py": Path("detect.py")})
    >>> print(tutti.services.get("detect").health, tutti.services.log("detect"))
    """

    def __init__(self, twin: AsyncServices, portal: Portal) -> None:
        self._async = twin
        self._portal = portal

    def apply(self, name: str, *, files: Optional[Mapping[str, Content]] = None, **fields: Any) -> Record:
        """A new service, or the change of one; see ``AsyncServices.apply``."""
        return self._portal.run(self._async.apply(name, files=files, **fields))

    def get(self, name: str) -> Record:
        """With ``health``, ``reasons`` and ``replicas``: see ``Service`` in ``/openapi.json``."""
        return self._portal.run(self._async.get(name))

    def list(self) -> Listing:
        """Records of services, by their names."""
        return Listing(self._async.list(), self._portal)

    def scale(self, name: str, count: int) -> Record:
        return self._portal.run(self._async.scale(name, count))

    def restart(self, name: str) -> Record:
        """Replaces its replicas one by one."""
        return self._portal.run(self._async.restart(name))

    def stop(self, name: str) -> Record:
        """Stops its replicas; ``start`` starts them again."""
        return self._portal.run(self._async.stop(name))

    def start(self, name: str) -> Record:
        return self._portal.run(self._async.start(name))

    def remove(self, name: str) -> None:
        """Stops its replicas and removes the service."""
        self._portal.run(self._async.remove(name))

    def placement(self, name: str) -> Listing:
        """Each cluster with its ``score`` for one more replica, or with the ``reason`` why it is ruled out."""
        return Listing(self._async.placement(name), self._portal)

    def log(self, name: str, replica: Optional[str] = None) -> str:
        """The log of the newest run of a replica so far; by default, of the first replica."""
        return self._portal.run(self._async.log(name, replica))


def _service(name: str) -> str:
    return f"/v1/services/{quote(name, safe='')}"
