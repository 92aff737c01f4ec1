"""The asynchronous client."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncGenerator, Dict, List, Mapping, Optional, Sequence, Union
from urllib.parse import quote

from ..records import Record
from ..values.json_text import read_json
from . import html, stream
from .campaigns import AsyncCampaigns
from .content import Content
from .iteration import IterationView, task_of
from .jobs import AsyncClusters, AsyncJobs
from .listing import AsyncListing
from .progress import Bar
from .deployments import AsyncDeployments
from .services import AsyncServices
from .transport import Transport, given, input_form, json_text
from .webhooks import AsyncWebhooks

UNSET: Any = object()
"""An input that is not given; ``None`` is one."""

Fields = Union[None, str, Sequence[str]]


class AsyncTutti:
    """An orchestrator, for programs that use asyncio. ``Tutti`` is the same without ``await``.

    >>> async with AsyncTutti("http://127.0.0.1:7480") as tutti:
    ...     iteration = await (await tutti.submit("my_graph", {"rate": 0.1})).wait()
    ...     print(await iteration.output("train"))

    :param url: by default ``TUTTI_URL``, else ``http://127.0.0.1:7480``; of several orchestrators of one store, with commas between
        them: the one that leads is found, and a takeover is waited for
    :param token: by default ``TUTTI_TOKEN``, else none
    :param timeout: seconds that one request may take

    Every method raises ``ClientError``. A request that could not be sent is sent again for 30 s, once the orchestrator has answered
    before; a POST takes effect once in any case.
    """

    def __init__(self, url: Optional[str] = None, token: Optional[str] = None, *, timeout: float = 30.0) -> None:
        self.transport = Transport(url, token, timeout)
        self.jobs = AsyncJobs(self)
        """Scripts that run on clusters."""
        self.clusters = AsyncClusters(self)
        """The places where commands run."""
        self.campaigns = AsyncCampaigns(self)
        """Series of iterations that run themselves."""
        self.deployments = AsyncDeployments(self)
        self.services = AsyncServices(self)
        """What keeps programs running on clusters."""
        self.webhooks = AsyncWebhooks(self)
        """Addresses that events are posted to."""

    async def submit(
        self,
        graph: str,
        input: Any,
        *,
        title: Optional[str] = None,
        tags: Optional[Sequence[str]] = None,
        notes: Optional[str] = None,
        starred: Optional[bool] = None,
        priority: Optional[int] = None,
        require: Optional[Mapping[str, Mapping[str, str]]] = None,
        key: Optional[str] = None,
    ) -> AsyncIteration:
        """Submits a problem; its first iteration begins.

        :param input: what the graph's source takes: what a Python node may return, bytes and a ``Path`` for a source of ``bytes``
        :param notes: Markdown
        :param priority: 0 to 100, higher first, 50 by default
        :param require: by module, labels that its nodes must have for this task: ``{"fit": {"cluster": "hpc"}}``
        :param key: a name of your own for this request: for 24 hours the same key with the same input gives the same iteration
        """
        said = given(title=title, tags=tags, notes=notes, starred=starred)
        body = {**given(graph=graph, input=input_form(input), priority=priority, require=require), **said}
        body.setdefault("input", None)
        return await self._begun(await self.transport.post("/v1/problems", body, key))

    async def iterate(
        self,
        problem_id: str,
        input: Any = UNSET,
        *,
        parent: Optional[int] = None,
        reuse: Optional[Sequence[str]] = None,
        overrides: Optional[Mapping[str, Mapping[str, Any]]] = None,
        require: Optional[Mapping[str, Mapping[str, str]]] = None,
        key: Optional[str] = None,
    ) -> AsyncIteration:
        """Begins the next iteration of a problem.

        :param input: by default the parent's
        :param parent: by default the newest iteration that succeeded
        :param reuse: modules whose outputs in the parent are reused
        :param overrides: by module and input, what this module gets instead: ``{"explain": {"train": {…}}}``
        :param require: by module, labels that its nodes must have for this task: ``{"fit": {"cluster": "hpc"}}``
        """
        replaced = {
            module: {name: input_form(value) for name, value in inputs.items()}
            for module, inputs in (overrides or {}).items()
        }
        body = given(parent_iteration_id=parent, reuse=reuse, overrides=replaced or None, require=require)
        if input is not UNSET:
            body["input"] = input_form(input)
        return await self._begun(await self.transport.post(f"{_problem(problem_id)}/iterations", body, key))

    async def iteration(self, task_id: str, iteration_id: Optional[int] = None) -> AsyncIteration:
        """One iteration, by its task id (``<problem_id>/<iteration_id>``), or by its problem's id and its number."""
        problem_id, number = task_of(task_id, iteration_id)
        iteration = AsyncIteration(self, Record({"problem_id": problem_id, "iteration_id": number}))
        return await iteration.refresh()

    async def problem(self, problem_id: str) -> Record:
        """A problem with its title, tags, notes and star, its ``revision``, and its newest iterations."""
        return Record((await self.transport.get(_problem(problem_id))).value)

    async def change_problem(
        self,
        problem_id: str,
        *,
        title: Optional[str] = UNSET,
        tags: Optional[Sequence[str]] = UNSET,
        notes: Optional[str] = UNSET,
        starred: Optional[bool] = UNSET,
        archived: Optional[bool] = UNSET,
        revision: Optional[int] = None,
    ) -> Record:
        """Changes the title, tags, notes or star of a problem: a field that is not given stays, ``None`` removes it.

        :param tags: the complete new list
        :param notes: Markdown
        :param revision: the one that the change is made to; with another one, ``ClientError`` ``revision_outdated``
        """
        said = {"title": title, "tags": tags, "notes": notes, "starred": starred, "archived": archived}
        change = {name: value for name, value in said.items() if value is not UNSET}
        return Record(await self.transport.patch(_problem(problem_id), change, revision))

    def tags(self) -> AsyncListing:
        """Every tag in use, in order: records with a ``tag``."""
        return AsyncListing(self.transport, "/v1/tags", {})

    def problems(
        self,
        *,
        graph: Optional[str] = None,
        state: Optional[str] = None,
        q: Optional[str] = None,
        starred: Optional[bool] = None,
        archived: Optional[bool] = None,
        tag: Optional[str] = None,
        filter: Optional[str] = None,
        order_by: Optional[str] = None,
        fields: Fields = None,
        limit: Optional[int] = None,
    ) -> AsyncListing:
        """Problems, newest first. See *Searching* in ``docs/api.md`` for ``filter``, ``order_by`` and ``fields``.

        :param q: a part of the title, of a tag, of the notes or of the newest input
        :param archived: only those that are archived, or are not; by default both
        :param limit: how many at most; by default all
        """
        said = given(starred=starred, archived=archived, tag=tag)
        query = {**given(graph=graph, state=state, q=q, filter=filter, order_by=order_by, fields=fields), **said}
        return AsyncListing(self.transport, "/v1/problems", query, limit)

    def iterations(
        self,
        problem_id: Optional[str] = None,
        *,
        filter: Optional[str] = None,
        order_by: Optional[str] = None,
        fields: Fields = None,
        limit: Optional[int] = None,
    ) -> AsyncListing:
        """Iterations of one problem, or of all.

        :param fields: values that each record has under ``fields``, and a table as columns: ``["input.rate", "train.loss"]``
        """
        path = "/v1/iterations" if problem_id is None else f"{_problem(problem_id)}/iterations"
        return AsyncListing(self.transport, path, given(filter=filter, order_by=order_by, fields=fields), limit)

    def approvals(self, *, role: Optional[str] = None) -> AsyncListing:
        """
        Modules that wait for a person's decision: records with ``task_id``, ``module``, ``message`` and ``inputs``. ``role``: only
        those that ask this role, ``operator`` or ``author``.
        """
        return AsyncListing(self.transport, "/v1/approvals", {"role": role})

    def audit(
        self,
        *,
        by: Optional[str] = None,
        address: Optional[str] = None,
        action: Optional[str] = None,
        result: Optional[str] = None,
        project: Optional[str] = None,
        after: Optional[str] = None,
        before: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> AsyncListing:
        """Who did what, from where and with what result, newest first: for administrators.

        :param by: the name of a grant; ``token`` is the configured one
        :param action: like ``submit``, ``manage_access``, ``sign_in`` or ``join``
        :param result: ``done`` or ``refused``
        :param after: RFC 3339
        :param before: RFC 3339
        :param limit: how many at most; by default all
        """
        what = given(by=by, address=address, action=action, result=result, project=project)
        return AsyncListing(self.transport, "/v1/audit", {**what, **given(after=after, before=before)}, limit)

    def nodes(self) -> AsyncListing:
        return AsyncListing(self.transport, "/v1/nodes", {})

    def graphs(self) -> AsyncListing:
        return AsyncListing(self.transport, "/v1/graphs", {})

    async def peers(self) -> List[Record]:
        """The orchestrators of the store: the leader, then its standbys. Records with ``http``, ``control``, ``role`` and ``seen_at``."""
        return [Record(each) for each in (await self.transport.get("/v1/peers")).value["items"]]

    async def compare(self, problem_id: str, a: int, b: int) -> Comparison:
        """The differences between two iterations of a problem."""
        answer = await self.transport.get(f"{_problem(problem_id)}/diff", {"a": a, "b": b})
        return Comparison(answer.value)

    def follow(
        self, problem_id: Optional[str] = None, *, cursor: Optional[int] = None
    ) -> AsyncGenerator[Record, None]:
        """Events as they happen, in order and without repeats, also when the connection is lost in between.

        An event of the type ``gap`` says that those ``from`` … ``to`` are no longer stored.

        :param problem_id: only this problem's
        :param cursor: the ``seq`` after which it begins; by default from now
        """
        return stream.follow(self.transport, cursor, problem_id)

    async def request(self, method: str, path: str, query: Any = None, body: Any = UNSET) -> Any:
        """Any route of ``/openapi.json``: the decoded answer."""
        if method == "POST":
            return await self.transport.post(path, None if body is UNSET else body)
        content = None if body is UNSET else json_text(body)
        headers = {} if content is None else {"content-type": "application/json"}
        answer = await self.transport.request(method, path, query, content, headers)
        return answer.value if answer.content else None

    async def close(self) -> None:
        await self.transport.close()

    async def __aenter__(self) -> AsyncTutti:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def _begun(self, submitted: Mapping[str, Any]) -> AsyncIteration:
        return await self.iteration(str(submitted["task_id"]))


class AsyncIteration(IterationView):
    """One attempt at a problem, whose methods are awaited. ``Iteration`` is the same without ``await``."""

    def __init__(self, tutti: AsyncTutti, data: Record) -> None:
        self._tutti = tutti
        self._cursor = 0
        self.data = data

    async def refresh(self) -> AsyncIteration:
        """Fetches its state again."""
        answer = await self._tutti.transport.get(self._path)
        self.data, self._cursor = answer.value, answer.cursor
        return self

    async def wait(
        self, timeout: Optional[float] = None, *, check: bool = True, progress: bool = False
    ) -> AsyncIteration:
        """Waits for its end.

        :param timeout: seconds after which ``TimeoutError`` is raised; the iteration continues
        :param check: whether an end without success raises ``ClientError`` (``task_failed``, ``task_cancelled``, ``task_aborted``)
        :param progress: shows a bar
        """
        with Bar(progress) as bar:
            try:
                await asyncio.wait_for(self._show_until_ended(bar), timeout)
            except asyncio.TimeoutError:
                raise TimeoutError(f"task {self.task_id} has not ended within {timeout} s") from None
        if check:
            self.raise_unless_succeeded()
        return self

    async def until_ended(self) -> AsyncGenerator[Record, None]:
        """Its events until it has ended; ``data`` is fresh before the first one, after a ``gap``, and at the end."""
        while True:
            await self.refresh()
            if self.has_ended:
                return
            yield Record({"type": "refreshed"})
            events = self._tutti.follow(self.problem_id, cursor=self._cursor)
            try:
                async for event in events:
                    if event["type"] == "gap":
                        break
                    if event.get("iteration_id") == self.iteration_id:
                        yield event
                        if self.has_ended_with(event):
                            break
            finally:
                await events.aclose()

    async def follow(self) -> AsyncGenerator[Record, None]:
        """Its events from its beginning to its end, in order and without repeats."""
        seq = 0
        async for event in self.events():
            seq = int(event["seq"])
            yield event
            if self.has_ended_with(event):
                return
        events = self._tutti.follow(self.problem_id, cursor=seq)
        try:
            async for event in events:
                if event["type"] != "gap" and event.get("iteration_id") != self.iteration_id:
                    continue
                yield event
                if self.has_ended_with(event):
                    return
        finally:
            await events.aclose()

    async def output(self, name: str) -> Any:
        """What a module has put out: its decoded value, or ``Content`` where its type is ``bytes``. Raises ``ClientError``."""
        path = f"{self._path}/outputs/{quote(name, safe='')}"
        answer = await self._tutti.transport.get(path, accept="application/octet-stream")
        kind, _, detail = answer.headers.get("tutti-type", "json").partition(":")
        if kind == "bytes":
            return Content(answer.content, detail or None)
        # Of a message only the orchestrator knows the fields.
        return read_json(answer.content) if kind == "json" else (await self._tutti.transport.get(path)).value

    async def outputs(self) -> Dict[str, Any]:
        """All that there are, by module."""
        await self.refresh()
        return {name: await self.output(name) for name in self.outputs_there()}

    async def iterate(
        self,
        input: Any = UNSET,
        *,
        reuse: Optional[Sequence[str]] = None,
        overrides: Optional[Mapping[str, Mapping[str, Any]]] = None,
        require: Optional[Mapping[str, Mapping[str, str]]] = None,
        key: Optional[str] = None,
    ) -> AsyncIteration:
        """Begins another iteration with this one as its parent; see ``AsyncTutti.iterate``."""
        return await self._tutti.iterate(
            self.problem_id, input, parent=self.iteration_id, reuse=reuse, overrides=overrides, require=require, key=key
        )

    async def compare(self, other: Union[int, IterationView]) -> Comparison:
        """The differences between this iteration (``a``) and another one of its problem (``b``)."""
        number = other if isinstance(other, int) else other.iteration_id
        return await self._tutti.compare(self.problem_id, self.iteration_id, number)

    async def cancel(self, reason: Optional[str] = None) -> Record:
        """Stops it: ``wait(check=False)`` returns once it is cancelled."""
        return await self.command("stop", reason=reason)

    async def command(self, command: str, *, module: Optional[str] = None, reason: Optional[str] = None) -> Record:
        """``stop``, ``reset``, ``preempt`` or ``terminate``, for the task or one of its modules."""
        body = given(command=command, module=module, reason=reason)
        return Record(await self._tutti.transport.post(f"{self._path}/commands", body))

    async def approve(self, module: str, reason: Optional[str] = None) -> Record:
        """Approves the request of a module; returns the decision, which is its output. Raises ``ClientError`` ``approval_decided``
        the second time."""
        return await self._decide(module, "approve", reason)

    async def deny(self, module: str, reason: Optional[str] = None) -> Record:
        """Denies the request of a module, which fails with ``denied``."""
        return await self._decide(module, "deny", reason)

    async def _decide(self, module: str, decision: str, reason: Optional[str]) -> Record:
        body = given(decision=decision, reason=reason)
        return Record(await self._tutti.transport.post(f"{self._path}/approvals/{quote(module, safe='')}", body))

    async def save_crate(self, path: Any, *, license: Optional[str] = None) -> None:
        """Writes it as an RO-Crate, a zip file that a paper can cite: its input, its outputs as files, the graph, versions, times
        and attempts.

        :param license: the address of the licence under which it is published, such as ``https://spdx.org/licenses/CC-BY-4.0``

        Raises ``ClientError`` ``not_ended`` while it runs.
        """
        await self._tutti.transport.download(f"{self._path}/crate", path, {"license": license})

    def events(self) -> AsyncListing:
        """All its events so far."""
        return AsyncListing(self._tutti.transport, f"{self._path}/events", {})

    def items(self, module: str, *, state: Optional[str] = None, first: int = 0) -> AsyncListing:
        """
        The items of a module with ``map`` in their order: all of them, those in a ``state``, those from the number ``first`` on.

        >>> failed = [each.item async for each in iteration.items("train", state="failed")]
        """
        return AsyncListing(self._tutti.transport, self._items(module), {"state": state, "from": first})

    async def item_states(self, module: str) -> Record:
        """How all items of a module with ``map`` stand: ``total``, ``counts`` by state, and ``runs`` in their order."""
        return Record((await self._tutti.transport.get(f"{self._items(module)}/states")).value)

    async def item(self, module: str, item: int) -> Record:
        """One item, by its number from 0, with its ``value``, its ``result`` and its attempts as ``executions``."""
        return Record((await self._tutti.transport.get(f"{self._items(module)}/{item}")).value)

    def _items(self, module: str) -> str:
        return f"{self._path}/items/{quote(module, safe='')}"

    async def log(self, module: str) -> List[Record]:
        """The log lines of a module's newest execution."""
        await self.refresh()
        execution = self.modules[module].get("execution_id")
        if execution is None:
            return []
        path = f"{self._path}/executions/{execution}/log"
        return await AsyncListing(self._tutti.transport, path, {}).to_list()

    @property
    def _path(self) -> str:
        return f"{_problem(self.problem_id)}/iterations/{self.iteration_id}"

    async def _show_until_ended(self, bar: Bar) -> None:
        async for event in self.until_ended():
            bar.take(event, self.data)
        bar.show(self.data)


class Comparison(Record):
    """What differs between two iterations: ``{"input": [{path, a, b}], "modules": {module: [{path, a, b}]}}``."""

    def _repr_html_(self) -> str:
        return html.comparison(self)


def _problem(problem_id: str) -> str:
    return f"/v1/problems/{quote(problem_id, safe='')}"
