"""``Timestamp`` and ``Duration`` as their JSON strings."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Optional, Tuple

from .faults import FaultList, Place, show

_EARLIEST_S = -62_135_596_800
_LATEST_S = 253_402_300_799
_LONGEST_S = 315_576_000_000
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z", re.ASCII | re.IGNORECASE
)
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s\Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1)


def read_timestamp(message: Any) -> str:
    """Raises ``ValueError`` for what RFC 3339 cannot say."""
    seconds, nanos = message.seconds, message.nanos
    if not (_EARLIEST_S <= seconds <= _LATEST_S and 0 <= nanos < 10**9):
        raise ValueError(f"{seconds} s {nanos} ns is not a Timestamp: it must be in the years 1 to 9999")
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.isoformat(timespec='seconds')}{_fraction(nanos)}Z"


def read_duration(message: Any) -> str:
    """Raises ``ValueError`` for a duration that is too long, or of two signs."""
    seconds, nanos = message.seconds, message.nanos
    if abs(seconds) > _LONGEST_S or abs(nanos) >= 10**9 or seconds * nanos < 0:
        raise ValueError(f"{seconds} s {nanos} ns is not a Duration: at most {_LONGEST_S} s, both of one sign")
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"


def write_timestamp(value: Any, at: Optional[Place], faults: FaultList) -> Any:
    """RFC 3339, or a ``datetime`` with a time zone: to seconds and nanoseconds."""
    parsed = _parse(value)
    if parsed is None:
        expected = "give RFC 3339 in the years 1 to 9999, like 2025-01-31T12:00:00Z"
        return faults.add(at, "bad_timestamp", f"{show(value)} is not a Timestamp: {expected}")
    return parsed


def write_duration(value: Any, at: Optional[Place], faults: FaultList) -> Any:
    """Seconds with up to nine decimals, as in ``1.5s``, or a ``timedelta``: to seconds and nanoseconds."""
    if isinstance(value, timedelta):
        micros = value // timedelta(microseconds=1)
        sign = -1 if micros < 0 else 1
        return sign * (abs(micros) // 10**6), sign * (abs(micros) % 10**6) * 1000
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None or int(match[2]) > _LONGEST_S:
        expected = "give seconds with an s, like 1.5s"
        return faults.add(at, "bad_duration", f"{show(value)} is not a Duration: {expected}")
    sign = -1 if match[1] else 1
    return sign * int(match[2]), sign * int((match[3] or "").ljust(9, "0"))


def _parse(value: Any) -> Optional[Tuple[int, int]]:
    if isinstance(value, datetime) and value.tzinfo is not None:
        since = value.astimezone(timezone.utc).replace(tzinfo=None) - _EPOCH
        return since.days * 86_400 + since.seconds, since.microseconds * 1000
    match = _TIMESTAMP.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        date.fromisoformat(match[1])
        since = datetime.fromisoformat(f"{match[1]}T{match[2]}") - _EPOCH
    except ValueError:
        return None
    seconds = since.days * 86_400 + since.seconds
    if match[4].upper() != "Z":
        sign = -1 if match[4][0] == "-" else 1
        seconds -= sign * (int(match[4][1:3]) * 3600 + int(match[4][4:6]) * 60)
    if not _EARLIEST_S <= seconds <= _LATEST_S:
        return None
    return seconds, int((match[3] or "").ljust(9, "0"))


def _fraction(nanos: int) -> str:
    """Nanoseconds as the decimals of a second: none, three, six or nine."""
    if nanos == 0:
        return ""
    return "." + re.sub(r"(000){1,2}\Z", "", str(nanos).zfill(9))
