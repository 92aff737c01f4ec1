"""Exceptions as text: class and message, the place where it was raised, and its causes.

1. Nothing here raises, whatever the exception: its text, its attributes and its class may do anything, also raise.
2. The author's own frames are shown, those of this package are not.
3. Everything is bounded: the frames of one exception, the exceptions of one chain, the bytes in all.
"""

from __future__ import annotations

import os
import traceback
from typing import Any, Callable, List, Optional, Set, Tuple, TypeVar

MAX_STACK_BYTES = 16_384
"""Of a stack as UTF-8: some 150 lines, and small enough for an event."""

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MAX_FRAMES = 200
_MAX_CHAIN = 8
_MAX_MEMBERS = 8
_MAX_DEPTH = 4
_MAX_TEXT_CHARS = MAX_STACK_BYTES
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"

T = TypeVar("T")


def attempt(read: Callable[[], T], otherwise: T) -> T:
    """The result of ``read``, or ``otherwise`` where it raises: an author's property or ``__str__`` may raise anything."""
    try:
        return read()
    except BaseException:
        return otherwise


def class_of(raised: BaseException) -> str:
    """The name that its class was given, whatever a metaclass returns for it."""

    def own() -> str:
        name: str = str.__str__(type.__getattribute__(type(raised), "__name__"))
        return name

    return attempt(own, "") or "Exception"


def text_of(raised: BaseException) -> str:
    """Its own text; a bare ``assert`` says which one it is. Empty where there is none."""

    def own() -> str:
        text: str = str.__str__(str(raised))
        return text

    text = attempt(own, "(its text cannot be read)")[:_MAX_TEXT_CHARS]
    if not text and issubclass(type(raised), AssertionError):
        frames = attempt(lambda: traceback.extract_tb(raised.__traceback__, limit=-1), None)
        line = (frames[0].line or "") if frames else ""
        text = line if line.startswith("assert") else ""
    return text


def head_of(raised: BaseException) -> str:
    """Its class and its text: ``KeyError: 'epochs'``."""
    text = text_of(raised)
    return f"{class_of(raised)}: {text}" if text else class_of(raised)


def stack_of(raised: BaseException) -> str:
    """As Python prints it: the causes first, then where it was raised; empty where no frame or cause says more than its text."""

    def rendered() -> str:
        lines, says_more = _render(raised, set(), 0)
        return cut_middle("".join(lines).rstrip("\n"), MAX_STACK_BYTES) if says_more else ""

    return attempt(rendered, "")


def cut_middle(text: str, max_bytes: int) -> str:
    """``text`` as valid Unicode; where it is longer, its beginning and its end, with a mark that says how many bytes are missing."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= max_bytes:
        return encoded.decode("utf-8")
    room = max(0, max_bytes - len(_mark(len(encoded)).encode("utf-8")))
    head = encoded[: room - room // 2].decode("utf-8", "ignore")
    tail = encoded[len(encoded) - room // 2 :].decode("utf-8", "ignore")
    missing = len(encoded) - len(head.encode("utf-8")) - len(tail.encode("utf-8"))
    return head + _mark(missing) + tail


def _mark(missing: int) -> str:
    return f"\n… {missing} bytes are left out …\n"


def _attempt_lines(read: Callable[[], List[str]]) -> List[str]:
    return attempt(read, [])


def _render(raised: BaseException, seen: Set[int], depth: int) -> Tuple[List[str], bool]:
    """The lines of an exception, its causes and its members; whether they say more than its class and text."""
    chain, is_whole = _chain(raised, seen)
    lines: List[str] = [] if is_whole else ["(it has more causes, which are left out)\n\n"]
    says_more = len(chain) > 1
    for each, link in reversed(chain):
        frames = _frames(each)
        if frames:
            lines += ["Traceback (most recent call last):\n", *frames]
        lines += _only(each)
        members = _attempt_lines(lambda: _members(each, seen, depth))
        lines += members
        says_more = says_more or bool(frames) or bool(members) or issubclass(type(each), SyntaxError)
        if link:
            lines.append(link)
    return lines, says_more


def _chain(raised: BaseException, seen: Set[int]) -> Tuple[List[Tuple[BaseException, str]], bool]:
    """The exception and its causes, the newest first, each with the words that lead from it to the one before."""
    chain: List[Tuple[BaseException, str]] = []
    link = ""
    following: Optional[BaseException] = raised
    while following is not None:
        if id(following) in seen or len(chain) == _MAX_CHAIN:
            return chain, id(following) in seen and bool(chain)
        seen.add(id(following))
        chain.append((following, link))
        following, link = _before(chain[-1][0])
    return chain, True


def _before(raised: BaseException) -> Tuple[Optional[BaseException], str]:
    cause = attempt(lambda: raised.__cause__, None)
    if cause is not None and issubclass(type(cause), BaseException):
        return cause, _CAUSE
    context = attempt(lambda: None if raised.__suppress_context__ else raised.__context__, None)
    if context is not None and issubclass(type(context), BaseException):
        return context, _CONTEXT
    return None, ""


def _frames(raised: BaseException) -> List[str]:
    def formatted() -> List[str]:
        kept: List[Any] = []
        following = raised.__traceback__
        while following is not None:
            if not following.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
                kept.append(following)
            following = following.tb_next
        half = _MAX_FRAMES // 2
        first, last = (kept, []) if len(kept) <= _MAX_FRAMES else (kept[:half], kept[-half:])
        lines = [line for each in first for line in _frame(each)]
        if last:
            lines.append(f"  … {len(kept) - _MAX_FRAMES} frames are left out …\n")
        return lines + [line for each in last for line in _frame(each)]

    return _attempt_lines(formatted)


def _frame(at: Any) -> List[str]:
    """One frame; without its source where that cannot be read."""

    def with_source() -> List[str]:
        return traceback.format_tb(at, limit=1)

    code = at.tb_frame.f_code
    return attempt(with_source, [f'  File "{code.co_filename}", line {at.tb_lineno}, in {code.co_name}\n'])


def _only(raised: BaseException) -> List[str]:
    """The last lines of a traceback: class, text and notes; for a ``SyntaxError`` also the place."""
    if issubclass(type(raised), SyntaxError):
        placed = _attempt_lines(lambda: traceback.format_exception_only(type(raised), raised))
        if placed:
            return placed
    lines = [head_of(raised) + "\n"]
    notes: Any = attempt(lambda: getattr(raised, "__notes__", None), None)
    if isinstance(notes, list):
        lines += [note[:_MAX_TEXT_CHARS] + "\n" for note in notes[:_MAX_MEMBERS] if isinstance(note, str)]
    return lines


def _members(raised: BaseException, seen: Set[int], depth: int) -> List[str]:
    """The exceptions of a group, also of one of the package ``exceptiongroup`` for Python before 3.11."""
    if not any(cls.__name__ == "BaseExceptionGroup" for cls in type(raised).__mro__):
        return []
    members = [each for each in getattr(raised, "exceptions", ()) if isinstance(each, BaseException)]
    if depth == _MAX_DEPTH:
        return [f"  ({len(members)} exceptions, which are left out)\n"]
    lines: List[str] = []
    for number, member in enumerate(members[:_MAX_MEMBERS], 1):
        rendered, _ = _render(member, seen, depth + 1)
        lines.append(f"  {number} of {len(members)}:\n")
        lines += ["    " + line + "\n" for line in "".join(rendered).splitlines()]
    if len(members) > _MAX_MEMBERS:
        lines.append(f"  ({len(members) - _MAX_MEMBERS} more are left out)\n")
    return lines
