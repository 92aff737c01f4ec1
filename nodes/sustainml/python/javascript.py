"""Texts and numbers as ECMAScript has them, so that these modules give the very bytes that their TypeScript twins give.

There a text is a sequence of UTF-16 code units and every number a double.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Mapping

SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What ``trim`` takes away and ``\\s`` matches."""

_ESCAPED = re.compile('[\x00-\x1f"\\\\\ud800-\udfff]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def trim(text: str) -> str:
    return text.strip(SPACE)


def code_units(text: str) -> bytes:
    """A key that sorts texts by their code units, two bytes each."""
    return text.encode("utf-16-be", "surrogatepass")


def cut_after(text: str, units: int) -> str:
    """At most so many code units of it."""
    encoded = code_units(text)
    return text if len(encoded) <= 2 * units else encoded[: 2 * units].decode("utf-16-be", "surrogatepass")


def length(text: str) -> int:
    return len(code_units(text)) // 2


def number(value: float) -> str:
    """A number as ``String(value)`` writes it: the shortest digits that are still the same double."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    if 0 < point <= 21:
        shown = text.ljust(point, "0") if len(text) <= point else f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        shown = f"0.{'0' * -point}{text}"
    else:
        mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
        shown = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return "-" * sign + shown


def to_json(value: Any) -> str:
    """As ``JSON.stringify`` writes it."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        text = number(float(value))
        return "null" if text.endswith(("NaN", "Infinity")) else text
    if isinstance(value, str):
        return f'"{_ESCAPED.sub(_escape, value)}"'
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{to_json(key)}:{to_json(item)}" for key, item in value.items()) + "}"
    return "[" + ",".join(map(to_json, value)) + "]"


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    return _ESCAPES.get(letter) or f"\\u{ord(letter):04x}"
