"""One execution's way through the network process: its inputs are fetched before its handler starts, its outputs uploaded before
they are published.

1. Outputs keep the order in which they were given, also where one of them is uploaded first.
2. A partial output that cannot be published fails the run.
3. Whatever happens, the run ends with exactly one ``Returned`` event.
"""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence

from ..addresses import as_dialled
from ..errors import ReportedError, TuttiError, reported_error
from ..messages import Content, FetchedInput, Finished, Partial, Refuse, Spooled, Start
from ..protocol import Assign, BlobRef, Input
from ..spool import OwnedFile, new_path
from .blobs import Blobs, Transfer, cancel_all
from .events import Failed, Produced, Publish, Result, Returned, SessionEvent, Succeeded


class _Leaving:
    """An output on its way out; ``produced`` is there once its blob is."""

    def __init__(self, ticket: Optional[int], name: str) -> None:
        self.ticket = ticket
        self.name = name
        self.produced: Optional[Produced] = None


class NetworkRun:
    def __init__(
        self,
        assign: Assign,
        blobs: Blobs,
        spool: str,
        control: str,
        tell: Callable[[object], None],
        emit: Callable[[SessionEvent], None],
    ) -> None:
        """``tell``: to the author's process; ``emit``: to the session."""
        self.assign = assign
        self._blobs = blobs
        self._spool = spool
        self._control = control
        self._tell = tell
        self._emit = emit
        self._transfers: List[Transfer] = []
        self._files: List[OwnedFile] = []
        self._leaving: List[_Leaving] = []
        self._failure: Optional[ReportedError] = None
        self._missing = 0
        self._state = "waiting"
        """``waiting``, ``fetching`` (its inputs), ``running`` (its handler), ``ended``."""

    @property
    def is_waiting(self) -> bool:
        return self._state == "waiting"

    @property
    def has_ended(self) -> bool:
        return self._state == "ended"

    def fetch(self) -> None:
        """Fetches the inputs, then has the handler started."""
        self._state = "fetching"
        contents: List[Optional[Content]] = [each.payload for each in self.assign.inputs]
        blobs = [(at, each) for at, each in enumerate(self.assign.inputs) if each.blob is not None]
        self._missing = len(blobs)
        for at, each in blobs:
            if not self.has_ended:
                self._fetch_one(at, each, contents)
        if not blobs:
            self._start(contents)

    def abort(self) -> None:
        """The handler, where it runs, is told by others and comes back by itself."""
        cancel_all(self._transfers)
        if self._state in ("waiting", "fetching"):
            self._end(Failed(ReportedError("abandoned", "the task was aborted", True)))

    def partial(self, given: Partial) -> None:
        self._leave(_Leaving(given.ticket, given.name), given.type, given.content)

    def finished(self, given: Finished) -> None:
        if isinstance(given.result, ReportedError):
            self._end(Failed(given.result))
        else:
            output = given.result
            self._leave(_Leaving(None, output.name), output.type, output.content)

    def lost(self, error: ReportedError) -> None:
        """Nobody will ever come back with its result."""
        self._end(Failed(error))

    def _fetch_one(self, at: int, wanted: Input, contents: List[Optional[Content]]) -> None:
        if wanted.blob is None:
            return
        blob = wanted.blob
        try:
            file = OwnedFile(new_path(self._spool))
        except TuttiError as error:
            self._end(Failed(reported_error(error, "no_temp_folder")))
            return
        self._files.append(file)

        def done(error: Optional[ReportedError]) -> None:
            if self._state != "fetching":
                return
            if error is not None:
                self._end(Failed(error))
                return
            contents[at] = Spooled(file.path, blob.sha256, blob.size)
            self._missing -= 1
            if self._missing == 0:
                self._start(contents)

        url = as_dialled(wanted.url, self._control)
        self._transfers.append(self._blobs.get(blob, url, file.path, done))

    def _start(self, contents: Sequence[Optional[Content]]) -> None:
        self._state = "running"
        assign = self.assign
        inputs = [
            FetchedInput(each.name, each.type, each.previous, content if content is not None else b"")
            for each, content in zip(assign.inputs, contents)
        ]
        task_id = f"{assign.problem_id}/{assign.iteration_id}"
        rest = (assign.output_type, assign.descriptors, assign.traceparent, assign.outputs)
        start = (assign.execution_id, task_id, assign.module, assign.attempt, inputs)
        self._tell(Start(*start, *rest, assign.pass_, assign.item))

    def _leave(self, leaving: _Leaving, kind: str, content: Content) -> None:
        if self.has_ended:
            return
        self._leaving.append(leaving)
        if isinstance(content, bytes):
            leaving.produced = Produced(kind, content, name=leaving.name)
            self._pump()
            return
        blob = BlobRef(content.sha256, content.size)
        source = OwnedFile(content.path)

        def done(error: Optional[ReportedError]) -> None:
            if self.has_ended:
                return
            if error is None:
                leaving.produced = Produced(kind, None, blob, source, leaving.name)
            else:
                self._failure = self._failure or error
                if leaving.ticket is not None:
                    self._leaving.remove(leaving)
                    self._tell(Refuse(self.assign.execution_id, leaving.ticket, error))
            self._pump()

        self._transfers.append(self._blobs.put(blob, source, done))

    def _pump(self) -> None:
        while self._leaving:
            leaving = self._leaving[0]
            if leaving.ticket is None and self._failure is not None:
                self._end(Failed(self._failure))
                return
            if leaving.produced is None:
                return
            del self._leaving[0]
            if leaving.ticket is None:
                self._end(Succeeded(leaving.produced))
            else:
                self._emit(Publish(self.assign.execution_id, leaving.ticket, leaving.produced))

    def _end(self, result: Result) -> None:
        if self.has_ended:
            return
        self._state = "ended"
        cancel_all(self._transfers)
        self._files = []
        self._emit(Returned(self.assign.execution_id, result))
