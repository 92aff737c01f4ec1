"""From what the user wrote about the place to one row of the table of grid intensities.

Order, first hit wins:

1. the whole region text is a country's ISO code, name, alias, or a place within a country;
2. one of its parts ("Bilbao, Spain": the last part that names a country) is, or holds such a name ("the north of Spain");
3. the region text names a region of the table ("Scandinavia", "EU");
4. the continent text, by the same rules;
5. the table's default, the world.

A country without a figure stands for its region. Whatever was not used as it was written is said in ``notes``. The rules are those of
``../carbon_footprint/find-grid.ts``.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional

from grid_table import GridIndex, NamedPlace, Place, Row, place_key
from javascript import SPACE, cut_after, length, trim

_MAX_PLACE_CHARACTERS = 500
"""Longer texts are not names of places; the rest is ignored."""
_MAX_NAME_WORDS = 8
_MIN_NAME_WITHIN = 4
"""A name such as "Oman" has four letters; anything shorter inside a text is more likely a common word."""

_US_POSTAL_CODES = frozenset(
    (
        "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa "
        "ri sc sd tn tx ut vt va wa wv wi wy dc pr"
    ).split()
)
"""Two-letter codes that are also US postal codes: "San Francisco, CA" is not in Canada."""

_CONTINENT_CODES = {
    "af": "Africa",
    "as": "Asia",
    "eu": "Europe",
    "na": "North America",
    "oc": "Oceania",
    "sa": "South America",
}
"""In the continent's field two letters are a continent's (GeoNames), not a country's: NA is not Namibia there."""

_SEPARATOR = re.compile(f"[,;|()\n]|[{SPACE}][-–—][{SPACE}]")
_SPACES = re.compile(f"[{SPACE}]+")


class _Hit(NamedTuple):
    place: Place
    by: str
    text: str


def find_grid(index: GridIndex, region: str, given_continent: str) -> Dict[str, Any]:
    """Finds the row for a region and a continent as the user wrote them; either may be empty."""
    notes: List[str] = []
    continent = _CONTINENT_CODES.get(place_key(given_continent), given_continent)
    from_region = _hit_in(index, region, continent, notes)
    if from_region is not None:
        _note_other_continent(index, from_region.place, continent, notes)
        return _found(index, from_region, from_region.by, notes)
    notes.append(
        "No region was given." if trim(region) == "" else f'The region "{_cut(region)}" is not in the table.'
    )
    from_continent = _hit_in(index, continent, "", notes)
    if from_continent is not None:
        name = from_continent.place.row["name"]
        notes.append(f"The row of {name} is used, from the continent given.")
        return _found(index, from_continent, "continent", notes)
    notes.append(
        "No continent was given."
        if trim(continent) == ""
        else f'The continent "{_cut(continent)}" is not in the table.'
    )
    notes.append(f"The default, {index.world['name']}, is used.")
    return {
        **_figure(index.world),
        "kind": "world",
        "matched_by": "default",
        "matched_text": "",
        "notes": notes,
    }


def _found(index: GridIndex, hit: _Hit, by: str, notes: List[str]) -> Dict[str, Any]:
    kind, row = hit.place
    matched = {"matched_by": by, "matched_text": hit.text, "notes": notes}
    if kind == "country":
        if by == "place":
            notes.append(f"The figure is that of the whole of {row['name']}.")
        codes = {"kind": "country", "iso2": row["iso2"], "iso3": row["iso3"]}
        return {**_figure(row), **codes, **matched}
    if kind == "region":
        return {**_figure(row), "kind": row["kind"], **matched}
    region = index.region(row["region"])
    notes.append(f"The sources have no figure for {row['name']}; the row of {region['name']} is used.")
    return {**_figure(region), "kind": region["kind"], **matched, "matched_by": "region_of_country"}


def _figure(row: Row) -> Dict[str, Any]:
    return {name: row[name] for name in ("name", "g_per_kwh", "year", "source")}


def _hit_in(index: GridIndex, text: str, continent: str, notes: List[str]) -> Optional[_Hit]:
    """Rules 1 to 3 for one text; ``continent`` only decides whether a two-letter code within a list is a country's."""
    given = cut_after(text, _MAX_PLACE_CHARACTERS)
    whole = index.by_key.get(place_key(given))
    if whole is not None:
        return _Hit(whole.place, whole.by, trim(given))
    parts = [part for part in _SEPARATOR.split(given) if place_key(part) != ""]
    hits: List[_Hit] = []
    for part in parts:
        hits += _hits_of_part(index, part, len(parts) == 1, continent, notes)
    countries = _distinct([hit for hit in hits if hit.place.kind != "region"])
    if not countries:
        return hits[-1] if hits else None
    last = countries[-1]
    for other in countries[:-1]:
        name = other.place.row["name"]
        notes.append(f'"{other.text}" is also {name}; the last part, "{last.text}", is taken as the country.')
    return last


def _hits_of_part(index: GridIndex, part: str, is_only: bool, continent: str, notes: List[str]) -> List[_Hit]:
    exact = index.by_key.get(place_key(part))
    if exact is not None and (is_only or not _is_postal_code(part, exact, continent)):
        return [_Hit(exact.place, exact.by, trim(part))]
    within = _names_within(index, part)
    countries = _distinct([hit for hit in within if hit.place.kind != "region"])
    if len(countries) > 1:
        names = ", ".join(hit.place.row["name"] for hit in countries)
        notes.append(f'"{_cut(part)}" names more than one country: {names}.')
        return []
    return countries if countries else _distinct(within)[:1]


def _is_postal_code(part: str, hit: NamedPlace, continent: str) -> bool:
    if hit.by != "iso_code" or place_key(part) not in _US_POSTAL_CODES or hit.place.kind == "region":
        return False
    own = hit.place.row["continent"]
    return own == "North America" or place_key(continent) != place_key(own)


def _names_within(index: GridIndex, text: str) -> List[_Hit]:
    """Names of the table inside a text, longest first at each word, none overlapping. Codes do not count."""
    words = place_key(text).split(" ")
    hits: List[_Hit] = []
    start = 0
    while start < len(words):
        taken = 1
        for count in range(min(_MAX_NAME_WORDS, len(words) - start), 0, -1):
            key = " ".join(words[start : start + count])
            named = index.by_key.get(key)
            if named is None or named.by == "iso_code" or length(key) < _MIN_NAME_WITHIN:
                continue
            hits.append(_Hit(named.place, "within", key))
            taken = count
            break
        start += taken
    return hits


def _distinct(hits: List[_Hit]) -> List[_Hit]:
    """The last hit of each place, in order."""
    return [
        hit for at, hit in enumerate(hits) if not any(later.place is hit.place for later in hits[at + 1 :])
    ]


def _note_other_continent(index: GridIndex, place: Place, continent: str, notes: List[str]) -> None:
    if place.kind == "region":
        return
    said = index.by_key.get(place_key(continent))
    if said is None or said.place.kind != "region" or said.place.row["kind"] != "continent":
        return
    name = said.place.row["name"]
    if name not in (place.row["continent"], place.row["region"]):
        notes.append(f"{place.row['name']} is not in {name}, the continent given; the country decides.")


def _cut(text: str) -> str:
    one = _SPACES.sub(" ", trim(text))
    return f"{cut_after(one, 60)}…" if length(one) > 60 else one
