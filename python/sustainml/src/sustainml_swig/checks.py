"""What a field takes: anything else is a ``TypeError`` that names the field."""

from __future__ import annotations

import reprlib
from numbers import Integral, Real
from typing import Any, Callable

Check = Callable[[Any, str], Any]
"""Takes a value and the field's name; gives what is kept."""


def text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise wrong(value, where, "a text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise wrong(value, where, "a text in Unicode: it has half of a surrogate pair") from None
    # A plain one, whatever class the author has derived from it.
    return str.__str__(value)


def real(value: Any, where: str) -> float:
    """numpy's numbers are ``Real``, too."""
    if not isinstance(value, Real):
        raise wrong(value, where, "a number")
    try:
        return float(value)
    except OverflowError:
        raise wrong(value, where, "a number that a double can hold") from None


def truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise wrong(value, where, "True or False")
    return value


def whole(least: int, most: int) -> Check:
    def check(value: Any, where: str) -> int:
        # numpy's numbers are Integral, too.
        number = int(value) if isinstance(value, Integral) else None
        if number is None or not least <= number <= most:
            raise wrong(value, where, f"a whole number from {least} to {most}")
        return number

    return check


octet = whole(0, 2**8 - 1)
uint32 = whole(0, 2**32 - 1)
int32 = whole(-(2**31), 2**31 - 1)
size = whole(0, 2**63 - 1)


def wrong(value: Any, where: str, right: str) -> TypeError:
    return TypeError(f"{where}: {reprlib.repr(value)} ({type(value).__name__}) is not {right}")
