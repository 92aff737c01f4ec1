"""``extra_data`` of the SustainML messages: always UTF-8 JSON. The rules are those of ``../extra-data.ts``."""

from __future__ import annotations

import json
import math
from typing import Any, Dict, List, NamedTuple, Optional

from javascript import code_units, cut_after, length, to_json, trim
from tutti import NonRetryableError

_MAX_UINT32 = 2**32 - 1
_SHOWN = 80


class UserExtraData(NamedTuple):
    """What the user said in ``extra_data``; a field that was not given is ``None``."""

    max_memory_footprint: Optional[int]
    hardware_required: Optional[List[str]]
    inferences: Optional[float]
    unknown: List[str]
    """Names of fields that no module reads, so that a slip of the pen shows."""


def encode_extra_data(value: Any) -> bytes:
    """JSON as the bytes of an ``extra_data`` field."""
    return to_json(value).encode("utf-8")


def read_user_extra_data(content: bytes) -> UserExtraData:
    """Reads ``UserInput.extra_data``. No bytes, or only white space, count as ``{}``; a field that is ``null``, 0 or empty as not given.

    Raises ``NonRetryableError`` ``bad_extra_data``, naming the field, when it is not UTF-8, not JSON, not an object, or when a field has
    the wrong type or is out of range.
    """
    fields = _parse_object(content)
    memory = _memory(fields.pop("max_memory_footprint", None))
    hardware = _names("hardware_required", fields.pop("hardware_required", None))
    inferences = _count(fields.pop("inferences", None))
    for name in ("goal", "metric", "type", "model_selected"):
        _check_text(name, fields.pop(name, None))
    _names("model_restrains", fields.pop("model_restrains", None))
    return UserExtraData(memory, hardware, inferences, sorted(fields, key=code_units))


def _parse_object(content: bytes) -> Dict[str, Any]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("extra_data", "is not UTF-8") from None
    if trim(text) == "":
        return {}
    try:
        value = json.loads(text[text.startswith("\ufeff") :], parse_int=float, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _bad("extra_data", f"is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise _bad("extra_data", f"must be a JSON object, but is {_shown(value)}")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"Unexpected token {name}")


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _memory(value: Any) -> Optional[int]:
    if value is None or (_is_number(value) and value == 0):
        return None
    if _is_number(value) and value.is_integer() and 1 <= value <= _MAX_UINT32:
        return int(value)
    raise _bad(
        "extra_data.max_memory_footprint",
        f"must be a whole number of MiB (0: not given), but is {_shown(value)}",
    )


def _names(field: str, value: Any) -> Optional[List[str]]:
    """Without the empty ones."""
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        told = f'must be a name or a list of names, such as ["edge"], but is {_shown(value)}'
        raise _bad(f"extra_data.{field}", told)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise _bad(f"extra_data.{field}[{index}]", f"must be a name, but is {_shown(name)}")
    named = [trim(name) for name in names if trim(name) != ""]
    return named if named or not names else None


def _check_text(field: str, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise _bad(f"extra_data.{field}", f"must be text, but is {_shown(value)}")


def _count(value: Any) -> Optional[float]:
    if value is None or (_is_number(value) and value == 0):
        return None
    if _is_number(value) and value > 0:
        return float(value)
    raise _bad("extra_data.inferences", f"must be a number over 0, but is {_shown(value)}")


def _shown(value: Any) -> str:
    text = to_json(value)
    return f"{cut_after(text, _SHOWN)}…" if length(text) > _SHOWN else text


def _bad(field: str, problem: str) -> NonRetryableError:
    return NonRetryableError("bad_extra_data", f"{field} {problem}.")
