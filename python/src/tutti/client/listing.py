"""Lists that are fetched page by page while they are read."""

from __future__ import annotations

from typing import Any, AsyncGenerator, Dict, Iterator, List, Mapping, Optional

from ..records import Record
from . import html
from .portal import Portal
from .transport import Transport

_PAGE = 1000
_SHOWN = 20
"""Rows that a notebook shows of a list."""


class AsyncListing:
    """Records, in the order of the list.

    >>> async for problem in tutti.problems(state="failed"):
    ...     print(problem.problem_id)
    >>> frame = await tutti.iterations(fields=["input.rate", "train.loss"]).to_pandas()
    """

    def __init__(
        self, transport: Transport, path: str, query: Mapping[str, Any], limit: Optional[int] = None
    ) -> None:
        self._transport = transport
        self._path = path
        self._query = query
        self._limit = limit

    async def __aiter__(self) -> AsyncGenerator[Record, None]:
        left = self._limit
        cursor: Optional[str] = None
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            answer = await self._transport.get(self._path, {**self._query, "limit": size, "cursor": cursor})
            page = answer.value
            for item in page["items"]:
                yield item
            left = None if left is None else left - len(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def first(self, count: int) -> AsyncListing:
        """The beginning of the list."""
        limit = count if self._limit is None else min(count, self._limit)
        return AsyncListing(self._transport, self._path, self._query, limit)

    async def to_list(self) -> List[Record]:
        return [item async for item in self]

    async def to_pandas(self) -> Any:
        """A ``DataFrame`` with a row for each record; what was asked for as ``fields`` are columns with these names."""
        return _frame(await self.to_list())


class Listing:
    """Records, in the order of the list; each iteration fetches it anew.

    >>> for problem in tutti.problems(state="failed"):
    ...     print(problem.problem_id)
    >>> tutti.iterations(fields=["input.rate", "train.loss"]).to_pandas()
    """

    def __init__(self, listing: AsyncListing, portal: Portal) -> None:
        self._listing = listing
        self._portal = portal

    def __iter__(self) -> Iterator[Record]:
        return self._portal.items(self._listing.__aiter__())

    def to_list(self) -> List[Record]:
        return self._portal.run(self._listing.to_list())

    def to_pandas(self) -> Any:
        """A ``DataFrame`` with a row for each record; what was asked for as ``fields`` are columns with these names."""
        return self._portal.run(self._listing.to_pandas())

    def _repr_html_(self) -> str:
        rows = self._portal.run(self._listing.first(_SHOWN + 1).to_list())
        return html.table(map(flat, rows[:_SHOWN]), "…" if len(rows) > _SHOWN else "")


def flat(record: Mapping[str, Any]) -> Dict[str, Any]:
    """A row of a table."""
    row = {name: value for name, value in record.items() if name != "fields"}
    return {**row, **(record.get("fields") or {})}


def _frame(records: List[Record]) -> Any:
    import pandas

    frame = pandas.DataFrame.from_records([flat(record) for record in records])
    for name in frame.columns:
        if name.endswith("_at"):
            frame[name] = pandas.to_datetime(frame[name], utc=True)
    return frame
