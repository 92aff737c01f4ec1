"""The table of grid intensities, ``../data/grid_intensity.json``, and its index of names. The rules are those of
``../carbon_footprint/grid-table.ts``."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple

Row = Mapping[str, Any]


class Place(NamedTuple):
    kind: str
    """``country``, ``without_figure`` (a country that is known by name only) or ``region``."""
    row: Row


class NamedPlace(NamedTuple):
    place: Place
    by: str
    """How a text named it: ``iso_code``, ``name``, ``alias`` or ``place``."""


class GridIndex:
    """Raises ``ValueError`` when a name is claimed twice or a region is missing: the file is wrong."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        countries = [Place("country", row) for row in table["countries"]]
        countries += [Place("without_figure", row) for row in table["without_figure"]]
        regions = [Place("region", row) for row in table["regions"]]
        self.by_key: Dict[str, NamedPlace] = {}
        self._regions: List[Row] = table["regions"]
        for country in countries:
            self._add(country.row["name"], country, "name")
            self._add(country.row["iso2"], country, "iso_code")
            self._add(country.row["iso3"], country, "iso_code")
        for region in regions:
            self._add(region.row["name"], region, "name")
        for place in [*regions, *countries]:
            for alias in place.row["aliases"]:
                self._add(alias, place, "alias")
        for country in countries:
            for name in country.row["places"]:
                self._add(name, country, "place")
            self.region(country.row["region"])
        self.world = self.region(table["default"])

    def region(self, name: str) -> Row:
        for row in self._regions:
            if row["name"] == name:
                return row
        raise ValueError(f"the table has no region {name}")

    def _add(self, text: str, place: Place, by: str) -> None:
        owner = self.by_key.setdefault(place_key(text), NamedPlace(place, by))
        if owner.place is not place:
            raise ValueError(f"{text} names {owner.place.row['name']} and {place.row['name']}")


def read_grid_table() -> Mapping[str, Any]:
    """Reads the table that comes with the module."""
    path = Path(__file__).parent.parent / "data" / "grid_intensity.json"
    table: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return table


def place_key(text: str) -> str:
    """The form in which names are compared: no case, no accents, no punctuation, ``&`` as "and", "St." as "saint", no leading "the"."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in decomposed if not unicodedata.category(letter).startswith("M"))
    spoken = re.sub(r"['’.]", "", bare.lower().replace("&", " and "))
    words = "".join(letter if unicodedata.category(letter)[0] in "LN" else " " for letter in spoken).split(
        " "
    )
    key = " ".join(word for word in words if word)
    return re.sub(r"^the ", "", re.sub(r"\bst\b", "saint", key, flags=re.ASCII))
