"""Jobs, which run a script on a cluster, and clusters: ``tutti.jobs`` and ``tutti.clusters`` of both clients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, Sequence, Union
from urllib.parse import quote

from ..records import Record
from .listing import AsyncListing, Listing
from .portal import Portal
from .transport import given

if TYPE_CHECKING:
    from .asynchronous import AsyncIteration, AsyncTutti
    from .synchronous import Iteration

ENDED = ("COMPLETED", "FAILED", "CANCELLED")


class AsyncJobs:
    """The jobs of an orchestrator. ``Jobs`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti) -> None:
        self._tutti = tutti

    async def run(
        self,
        name: str,
        script: Union[str, Path],
        *,
        cluster: Optional[str] = None,
        job_type: Optional[str] = None,
        args: Optional[Sequence[str]] = None,
        env: Optional[Mapping[str, str]] = None,
        resources: Optional[Mapping[str, Any]] = None,
        require: Optional[Mapping[str, str]] = None,
        key: Optional[str] = None,
    ) -> AsyncJob:
        """Runs a script on a cluster.

        :param script: its text, with the ``#!`` line that it runs by; a ``Path`` is read here
        :param cluster: by default the ranking decides
        :param job_type: the log parser in the orchestrator's configuration that finds the ``result``
        :param resources: ``{"cpus": 8, "memory": "16GiB", "gpus": 1, "walltime": "2h"}``
        :param require: labels that the cluster must have
        :param key: a name of your own for this request: for 24 hours the same key with the same job gives the same job
        """
        text = script.read_text() if isinstance(script, Path) else script
        body = given(
            name=name,
            script=text,
            cluster=cluster,
            job_type=job_type,
            args=args,
            env=env,
            resources=resources,
            require=require,
        )
        submitted = await self._tutti.transport.post("/v1/jobs", body, key)
        return await self.get(str(submitted["job_id"]))

    async def get(self, job_id: str) -> AsyncJob:
        return await AsyncJob(self._tutti, Record({"job_id": job_id})).refresh()

    def list(
        self,
        *,
        cluster: Optional[str] = None,
        state: Optional[str] = None,
        job_type: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> AsyncListing:
        """Records of jobs, newest first."""
        return AsyncListing(
            self._tutti.transport, "/v1/jobs", given(cluster=cluster, state=state, job_type=job_type), limit
        )


class JobView:
    """What both clients know of a job, as last fetched."""

    data: Record
    """Everything that the orchestrator knows about it: see ``Job`` in ``/openapi.json``."""

    @property
    def job_id(self) -> str:
        return str(self.data["job_id"])

    @property
    def task_id(self) -> str:
        return str(self.data["task_id"])

    @property
    def state(self) -> str:
        """``PENDING``, ``SUBMITTED``, ``RUNNING``; ended: ``COMPLETED``, ``FAILED``, ``CANCELLED``."""
        return str(self.data["state"])

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def exit_code(self) -> Optional[int]:
        code: Optional[int] = self.data["exit_code"]
        return code

    @property
    def result(self) -> Any:
        """The result of the log parser of its ``job_type``."""
        return self.data["result"]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.job_id} {self.state}>"


class AsyncJob(JobView):
    """One run of a script, whose methods are awaited. ``Job`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti, data: Record) -> None:
        self._tutti = tutti
        self.data = data

    async def refresh(self) -> AsyncJob:
        """Fetches its state again."""
        self.data = (await self._tutti.transport.get(self._path)).value
        return self

    async def iteration(self) -> AsyncIteration:
        """The task that it is, with all its events."""
        return await self._tutti.iteration(self.task_id)

    async def wait(self, timeout: Optional[float] = None, *, check: bool = True) -> AsyncJob:
        """Waits for its end.

        :param timeout: seconds after which ``TimeoutError`` is raised; the job continues
        :param check: whether an end without success raises ``ClientError`` (``task_failed``, ``task_cancelled``, ``task_aborted``)
        """
        iteration = await (await self.iteration()).wait(timeout, check=False)
        await self.refresh()
        if check:
            iteration.raise_unless_succeeded()
        return self

    async def log(self) -> str:
        """The log of its script so far."""
        answer = await self._tutti.transport.get(f"{self._path}/log", accept="text/plain")
        return answer.content.decode()

    async def cancel(self, reason: Optional[str] = None) -> None:
        """Stops every process of it: ``wait(check=False)`` returns once it is cancelled."""
        await self._tutti.transport.post(f"{self._path}/cancel", given(reason=reason))

    @property
    def _path(self) -> str:
        return f"/v1/jobs/{quote(self.job_id, safe='')}"


class AsyncClusters:
    """The places where commands run. ``Clusters`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti) -> None:
        self._tutti = tutti

    def list(self) -> AsyncListing:
        return AsyncListing(self._tutti.transport, "/v1/clusters", {})

    async def get(self, name: str) -> Record:
        return Record((await self._tutti.transport.get(_cluster(name))).value)

    async def add(self, name: str, type: str, **fields: Any) -> Record:
        """``await tutti.clusters.add("hpc", "slurm", host="login", user="me", slots=50, labels={"gpu": "true"})``: the fields of
        ``POST /v1/clusters`` in ``docs/api.md``."""
        return Record(await self._tutti.transport.post("/v1/clusters", {"name": name, "type": type, **fields}))

    async def change(
        self,
        name: str,
        *,
        status: Optional[str] = None,
        slots: Optional[int] = None,
        labels: Optional[Mapping[str, str]] = None,
    ) -> Record:
        """
        :param status: ``active``, ``draining`` (what runs there ends by itself) or ``inactive``
        :param labels: the complete new labels
        """
        change = given(status=status, slots=slots, labels=labels)
        return Record(await self._tutti.transport.patch(_cluster(name), change))

    async def remove(self, name: str) -> None:
        """Raises ``ClientError`` ``cluster_in_use`` while something runs there."""
        await self._tutti.request("DELETE", _cluster(name))


class Jobs:
    """The jobs of an orchestrator.

    >>> job = tutti.jobs.run("fit", Path("fit.sh"), cluster="hpc").wait()
    >>> print(job.exit_code, job.result, job.log())
    """

    def __init__(self, twin: AsyncJobs, portal: Portal, follow: Callable[[AsyncIteration], Iteration]) -> None:
        self._async = twin
        self._portal = portal
        self._follow = follow

    def run(
        self,
        name: str,
        script: Union[str, Path],
        *,
        cluster: Optional[str] = None,
        job_type: Optional[str] = None,
        args: Optional[Sequence[str]] = None,
        env: Optional[Mapping[str, str]] = None,
        resources: Optional[Mapping[str, Any]] = None,
        require: Optional[Mapping[str, str]] = None,
        key: Optional[str] = None,
    ) -> Job:
        """Runs a script on a cluster; see ``AsyncJobs.run``."""
        begun = self._async.run(
            name,
            script,
            cluster=cluster,
            job_type=job_type,
            args=args,
            env=env,
            resources=resources,
            require=require,
            key=key,
        )
        return Job(self._portal.run(begun), self._portal, self._follow)

    def get(self, job_id: str) -> Job:
        return Job(self._portal.run(self._async.get(job_id)), self._portal, self._follow)

    def list(
        self,
        *,
        cluster: Optional[str] = None,
        state: Optional[str] = None,
        job_type: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> Listing:
        """Records of jobs, newest first."""
        return Listing(self._async.list(cluster=cluster, state=state, job_type=job_type, limit=limit), self._portal)


class Job(JobView):
    """One run of a script."""

    def __init__(self, twin: AsyncJob, portal: Portal, follow: Callable[[AsyncIteration], Iteration]) -> None:
        self._async = twin
        self._portal = portal
        self._follow = follow

    @property
    def data(self) -> Record:  # type: ignore[override]
        """Everything that the orchestrator knows about it: see ``Job`` in ``/openapi.json``."""
        return self._async.data

    def refresh(self) -> Job:
        """Fetches its state again."""
        self._portal.run(self._async.refresh())
        return self

    def iteration(self) -> Iteration:
        """The task that it is, with all its events."""
        return self._follow(self._portal.run(self._async.iteration()))

    def wait(self, timeout: Optional[float] = None, *, check: bool = True) -> Job:
        """Waits for its end, with a bar in terminals and notebooks; see ``AsyncJob.wait``."""
        iteration = self.iteration().wait(timeout, check=False)
        self.refresh()
        if check:
            iteration.raise_unless_succeeded()
        return self

    def log(self) -> str:
        """The log of its script so far."""
        return self._portal.run(self._async.log())

    def cancel(self, reason: Optional[str] = None) -> None:
        """Stops every process of it: ``wait(check=False)`` returns once it is cancelled."""
        self._portal.run(self._async.cancel(reason))


class Clusters:
    """The places where commands run."""

    def __init__(self, twin: AsyncClusters, portal: Portal) -> None:
        self._async = twin
        self._portal = portal

    def list(self) -> Listing:
        return Listing(self._async.list(), self._portal)

    def get(self, name: str) -> Record:
        return self._portal.run(self._async.get(name))

    def add(self, name: str, type: str, **fields: Any) -> Record:
        """``tutti.clusters.add("hpc", "slurm", host="login", user="me", slots=50)``; see ``AsyncClusters.add``."""
        return self._portal.run(self._async.add(name, type, **fields))

    def change(
        self,
        name: str,
        *,
        status: Optional[str] = None,
        slots: Optional[int] = None,
        labels: Optional[Mapping[str, str]] = None,
    ) -> Record:
        """``status``: ``active``, ``draining`` or ``inactive``; see ``AsyncClusters.change``."""
        return self._portal.run(self._async.change(name, status=status, slots=slots, labels=labels))

    def remove(self, name: str) -> None:
        """Raises ``ClientError`` ``cluster_in_use`` while something runs there."""
        self._portal.run(self._async.remove(name))


def _cluster(name: str) -> str:
    return f"/v1/clusters/{quote(name, safe='')}"
