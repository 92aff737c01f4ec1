"""JSON texts to values, without loss."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Dict, Union

from ..records import Record
from .json_form import MAX_DEPTH
from .numbers import NAME, number_in

_ODD_NUMBER = re.compile(rb"[eE][-+]?[0-9]{3}|[0-9]{300}|-0(?![0-9.eE])")
"""Present only if Python by itself would read a number as another one: too large, too small, minus zero."""


_NUMBER_NAME = f'"{NAME}"'.encode()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _exact_real(text: str) -> float:
    value = float(text)
    if math.isinf(value) or (value == 0 and re.search("[1-9]", text.lower().partition("e")[0])):
        raise ValueError(f"{text[:60]} does not fit a 64-bit float")
    return value


def _exact_integer(text: str) -> Union[int, float]:
    return -0.0 if text == "-0" else int(text)


def read_json(content: bytes) -> Any:
    """Objects are records, and numbers that JSON has no form for are numbers (``numbers.py``). Raises ``ValueError`` for text that is not JSON, and for a number that would become another one."""
    text = content.decode("utf-8")
    odd: Dict[str, Any] = {"object_hook": Record}
    if _ODD_NUMBER.search(content):
        odd.update(parse_float=_exact_real, parse_int=_exact_integer)
    if _NUMBER_NAME in content:
        odd["object_hook"] = lambda form: number_in(Record(form))
    try:
        return json.loads(text, parse_constant=_no_constant, **odd)
    except RecursionError:
        raise ValueError(f"lists and objects are nested more than {MAX_DEPTH} levels deep") from None
