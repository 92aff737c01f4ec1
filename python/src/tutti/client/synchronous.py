"""The client for programs and notebooks that do not use asyncio: ``AsyncTutti``, whose work is done in a thread of its own."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from ..nearest import did_you_mean
from ..records import Record
from .asynchronous import UNSET, AsyncIteration, AsyncTutti, Comparison, Fields
from .campaigns import Campaigns
from .iteration import IterationView
from .jobs import Clusters, Jobs
from .listing import AsyncListing, Listing
from .portal import Portal
from .progress import Bar
from .deployments import Deployments
from .services import Services
from .webhooks import Webhooks

_TICK_S = 1.0


class Tutti:
    """An orchestrator.

    >>> tutti = Tutti("http://127.0.0.1:7480")
    >>> iteration = tutti.submit("my_graph", {"rate": 0.1}).wait()
    >>> iteration.outputs["train"]
    {'loss': 0.25}

    :param url: by default ``TUTTI_URL``, else ``http://127.0.0.1:7480``; of several orchestrators of one store, with commas between
        them: the one that leads is found, and a takeover is waited for
    :param token: by default ``TUTTI_TOKEN``, else none
    :param timeout: seconds that one request may take
    :param progress: whether ``wait`` shows a bar; by default in terminals and notebooks

    Every method raises ``ClientError``. A request that could not be sent is sent again for 30 s, once the orchestrator has answered
    before; a POST takes effect once in any case.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        token: Optional[str] = None,
        *,
        timeout: float = 30.0,
        progress: Optional[bool] = None,
    ) -> None:
        self._async = AsyncTutti(url, token, timeout=timeout)
        self._portal = Portal()
        self._progress = progress
        self.jobs = Jobs(self._async.jobs, self._portal, self._iteration)
        """Scripts that run on clusters."""
        self.clusters = Clusters(self._async.clusters, self._portal)
        """The places where commands run."""
        self.campaigns = Campaigns(self._async.campaigns, self._portal)
        """Series of iterations that run themselves."""
        self.deployments = Deployments(self._async.deployments, self._portal)
        self.services = Services(self._async.services, self._portal)
        """What keeps programs running on clusters."""
        self.webhooks = Webhooks(self._async.webhooks, self._portal)
        """Addresses that events are posted to."""

    def submit(
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
    ) -> Iteration:
        """Submits a problem; its first iteration begins.

        :param input: what the graph's source takes: what a Python node may return, bytes and a ``Path`` for a source of ``bytes``
        :param notes: Markdown
        :param priority: 0 to 100, higher first, 50 by default
        :param require: by module, labels that its nodes must have for this task: ``{"fit": {"cluster": "hpc"}}``
        :param key: a name of your own for this request: for 24 hours the same key with the same input gives the same iteration
        """
        said: Dict[str, Any] = {"title": title, "tags": tags, "notes": notes, "starred": starred}
        begun = self._async.submit(graph, input, **said, priority=priority, require=require, key=key)
        return self._iteration(self._portal.run(begun))

    def iterate(
        self,
        problem_id: str,
        input: Any = UNSET,
        *,
        parent: Optional[int] = None,
        reuse: Optional[Sequence[str]] = None,
        overrides: Optional[Mapping[str, Mapping[str, Any]]] = None,
        require: Optional[Mapping[str, Mapping[str, str]]] = None,
        key: Optional[str] = None,
    ) -> Iteration:
        """Begins the next iteration of a problem.

        :param input: by default the parent's
        :param parent: by default the newest iteration that succeeded
        :param reuse: modules whose outputs in the parent are reused
        :param overrides: by module and input, what this module gets instead: ``{"explain": {"train": {…}}}``
        :param require: by module, labels that its nodes must have for this task: ``{"fit": {"cluster": "hpc"}}``
        """
        begun = self._async.iterate(
            problem_id, input, parent=parent, reuse=reuse, overrides=overrides, require=require, key=key
        )
        return self._iteration(self._portal.run(begun))

    def iteration(self, task_id: str, iteration_id: Optional[int] = None) -> Iteration:
        """One iteration, by its task id (``<problem_id>/<iteration_id>``), or by its problem's id and its number."""
        return self._iteration(self._portal.run(self._async.iteration(task_id, iteration_id)))

    def problem(self, problem_id: str) -> Record:
        """A problem with its title, tags, notes and star, its ``revision``, and its newest iterations."""
        return self._portal.run(self._async.problem(problem_id))

    def change_problem(
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
        said: Dict[str, Any] = {"title": title, "tags": tags, "notes": notes, "starred": starred, "archived": archived}
        return self._portal.run(self._async.change_problem(problem_id, **said, revision=revision))

    def tags(self) -> Listing:
        """Every tag in use, in order: records with a ``tag``."""
        return self._listing(self._async.tags())

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
    ) -> Listing:
        """Problems, newest first. See *Searching* in ``docs/api.md`` for ``filter``, ``order_by`` and ``fields``.

        :param q: a part of the title, of a tag, of the notes or of the newest input
        :param archived: only those that are archived, or are not; by default both
        :param limit: how many at most; by default all
        """
        said: Dict[str, Any] = {"starred": starred, "archived": archived, "tag": tag}
        found = self._async.problems(
            graph=graph, state=state, q=q, **said, filter=filter, order_by=order_by, fields=fields, limit=limit
        )
        return self._listing(found)

    def iterations(
        self,
        problem_id: Optional[str] = None,
        *,
        filter: Optional[str] = None,
        order_by: Optional[str] = None,
        fields: Fields = None,
        limit: Optional[int] = None,
    ) -> Listing:
        """Iterations of one problem, or of all.

        :param fields: values that each record has under ``fields``, and a table as columns: ``["input.rate", "train.loss"]``
        """
        found = self._async.iterations(
            problem_id, filter=filter, order_by=order_by, fields=fields, limit=limit
        )
        return self._listing(found)

    def approvals(self, *, role: Optional[str] = None) -> Listing:
        """
        Modules that wait for a person's decision: records with ``task_id``, ``module``, ``message`` and ``inputs``. ``role``: only
        those that ask this role, ``operator`` or ``author``.
        """
        return self._listing(self._async.approvals(role=role))

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
    ) -> Listing:
        """Who did what, from where and with what result, newest first: for administrators.

        :param by: the name of a grant; ``token`` is the configured one
        :param action: like ``submit``, ``manage_access``, ``sign_in`` or ``join``
        :param result: ``done`` or ``refused``
        :param after: RFC 3339
        :param before: RFC 3339
        :param limit: how many at most; by default all
        """
        found = self._async.audit(
            by=by,
            address=address,
            action=action,
            result=result,
            project=project,
            after=after,
            before=before,
            limit=limit,
        )
        return self._listing(found)

    def nodes(self) -> Listing:
        return self._listing(self._async.nodes())

    def graphs(self) -> Listing:
        return self._listing(self._async.graphs())

    def peers(self) -> List[Record]:
        """The orchestrators of the store: the leader, then its standbys. Records with ``http``, ``control``, ``role`` and ``seen_at``."""
        return self._portal.run(self._async.peers())

    def compare(self, problem_id: str, a: int, b: int) -> Comparison:
        """The differences between two iterations of a problem."""
        return self._portal.run(self._async.compare(problem_id, a, b))

    def follow(self, problem_id: Optional[str] = None, *, cursor: Optional[int] = None) -> Iterator[Record]:
        """Events as they happen, in order and without repeats, also when the connection is lost in between.

        An event of the type ``gap`` says that those ``from`` … ``to`` are no longer stored.

        :param problem_id: only this problem's
        :param cursor: the ``seq`` after which it begins; by default from now
        """
        return self._portal.items(self._async.follow(problem_id, cursor=cursor))

    def request(self, method: str, path: str, query: Any = None, body: Any = UNSET) -> Any:
        """Any route of ``/openapi.json``: the decoded answer."""
        return self._portal.run(self._async.request(method, path, query, body))

    def close(self) -> None:
        self._portal.run(self._async.close())
        self._portal.close()

    def __enter__(self) -> Tutti:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _iteration(self, twin: AsyncIteration) -> Iteration:
        return Iteration(twin, self._portal, self._progress)

    def _listing(self, listing: AsyncListing) -> Listing:
        return Listing(listing, self._portal)


class Iteration(IterationView):
    """One attempt at a problem."""

    def __init__(self, twin: AsyncIteration, portal: Portal, progress: Optional[bool]) -> None:
        self._async = twin
        self._portal = portal
        self._progress = progress
        self.outputs = Outputs(twin, portal)
        """What its modules have put out, by module: fetched when it is asked for. ``Content`` where a type is ``bytes``."""

    @property
    def data(self) -> Record:  # type: ignore[override]
        """Everything that the orchestrator knows about it, as last fetched: see ``Iteration`` in ``/openapi.json``."""
        return self._async.data

    def refresh(self) -> Iteration:
        """Fetches its state again."""
        self._portal.run(self._async.refresh())
        return self

    def wait(
        self, timeout: Optional[float] = None, *, check: bool = True, progress: Optional[bool] = None
    ) -> Iteration:
        """Waits for its end.

        :param timeout: seconds after which ``TimeoutError`` is raised; the iteration continues
        :param check: whether an end without success raises ``ClientError`` (``task_failed``, ``task_cancelled``, ``task_aborted``)
        :param progress: whether a bar is shown; by default as the ``Tutti`` says
        """
        end = None if timeout is None else time.monotonic() + timeout
        with Bar(self._progress if progress is None else progress) as bar:
            for event in self._portal.iterate(self._async.until_ended(), lambda: _left(end)):
                if event is not None:
                    bar.take(event, self.data)
                elif end is not None and time.monotonic() >= end:
                    raise TimeoutError(f"task {self.task_id} has not ended within {timeout} s")
                else:
                    bar.tick()
            bar.show(self.data)
        if check:
            self.raise_unless_succeeded()
        return self

    def follow(self) -> Iterator[Record]:
        """Its events from its beginning to its end, in order and without repeats."""
        return self._portal.items(self._async.follow())

    def iterate(
        self,
        input: Any = UNSET,
        *,
        reuse: Optional[Sequence[str]] = None,
        overrides: Optional[Mapping[str, Mapping[str, Any]]] = None,
        require: Optional[Mapping[str, Mapping[str, str]]] = None,
        key: Optional[str] = None,
    ) -> Iteration:
        """Begins another iteration with this one as its parent; see ``Tutti.iterate``."""
        twin = self._portal.run(self._async.iterate(input, reuse=reuse, overrides=overrides, require=require, key=key))
        return Iteration(twin, self._portal, self._progress)

    def compare(self, other: Union[int, IterationView]) -> Comparison:
        """The differences between this iteration (``a``) and another one of its problem (``b``)."""
        return self._portal.run(self._async.compare(other))

    def cancel(self, reason: Optional[str] = None) -> Record:
        """Stops it: ``wait(check=False)`` returns once it is cancelled."""
        return self._portal.run(self._async.cancel(reason))

    def command(self, command: str, *, module: Optional[str] = None, reason: Optional[str] = None) -> Record:
        """``stop``, ``reset``, ``preempt`` or ``terminate``, for the task or one of its modules."""
        return self._portal.run(self._async.command(command, module=module, reason=reason))

    def approve(self, module: str, reason: Optional[str] = None) -> Record:
        """Approves the request of a module; returns the decision, which is its output. Raises ``ClientError`` ``approval_decided``
        the second time."""
        return self._portal.run(self._async.approve(module, reason))

    def deny(self, module: str, reason: Optional[str] = None) -> Record:
        """Denies the request of a module, which fails with ``denied``."""
        return self._portal.run(self._async.deny(module, reason))

    def save_crate(self, path: Any, *, license: Optional[str] = None) -> None:
        """Writes it as an RO-Crate, a zip file that a paper can cite: its input, its outputs as files, the graph, versions, times
        and attempts.

        :param license: the address of the licence under which it is published, such as ``https://spdx.org/licenses/CC-BY-4.0``

        Raises ``ClientError`` ``not_ended`` while it runs.
        """
        self._portal.run(self._async.save_crate(path, license=license))

    def events(self) -> Listing:
        """All its events so far."""
        return Listing(self._async.events(), self._portal)

    def items(self, module: str, *, state: Optional[str] = None, first: int = 0) -> Listing:
        """
        The items of a module with ``map`` in their order: all of them, those in a ``state``, those from the number ``first`` on.

        >>> failed = [each.item for each in iteration.items("train", state="failed")]
        """
        return Listing(self._async.items(module, state=state, first=first), self._portal)

    def item_states(self, module: str) -> Record:
        """How all items of a module with ``map`` stand: ``total``, ``counts`` by state, and ``runs`` in their order."""
        return self._portal.run(self._async.item_states(module))

    def item(self, module: str, item: int) -> Record:
        """One item, by its number from 0, with its ``value``, its ``result`` and its attempts as ``executions``."""
        return self._portal.run(self._async.item(module, item))

    def log(self, module: str) -> List[Record]:
        """The log lines of a module's newest execution."""
        return self._portal.run(self._async.log(module))


class Outputs(Mapping[str, Any]):
    """The outputs of the modules of an iteration. Each is fetched once; ``KeyError`` where there is none (yet)."""

    def __init__(self, twin: AsyncIteration, portal: Portal) -> None:
        self._async = twin
        self._portal = portal
        self._fetched: Dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._fetched:
            self._look(lambda: name in self._async.outputs_there())
            if name not in self._async.outputs_there():
                raise KeyError(self._missing(name))
            value = self._portal.run(self._async.output(name))
            if not self._async.has_ended:
                return value
            self._fetched[name] = value
        return self._fetched[name]

    def __iter__(self) -> Iterator[str]:
        self._look(lambda: False)
        return iter(self._async.outputs_there())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<Outputs {', '.join(self._async.outputs_there()) or 'none'}>"

    def _look(self, is_found: Callable[[], bool]) -> None:
        if not self._async.has_ended and not is_found():
            self._portal.run(self._async.refresh())

    def _missing(self, name: str) -> str:
        module_name, _, output = name.partition(".")
        module = self._async.modules.get(module_name)
        if module is None:
            return f"{name}: there is no such module{did_you_mean(module_name, self._async.modules)}"
        named = [str(each) for each in module.get("output_names") or ()]
        if named and output not in named:
            known = ", ".join(f"{module_name}.{each}" for each in named)
            return f"{name}: {module_name} has several outputs{did_you_mean(output, named)}: {known}"
        error = module.get("error")
        return f"{name}: the module is {module['state']}" + (f": {error['message']}" if error else "")


def _left(end: Optional[float]) -> float:
    return _TICK_S if end is None else max(0.0, min(_TICK_S, end - time.monotonic()))
