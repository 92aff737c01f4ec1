"""carbon_footprint: energy times the intensity of the grid that the user named."""

import re

from data import GRID, extra_data, without_accents


def plain_name(text):
    return re.sub(r"^the ", "", " ".join(re.sub(r"[\W_]", " ", without_accents(text).lower()).split()))


def names_of(row):
    names = [row["name"], row.get("iso2"), row.get("iso3"), *row["aliases"], *row.get("places", [])]
    return {plain_name(name) for name in names if name}


def find_grid(region, continent):
    """The row of the whole text, else of the last part that is a name, else of a name that a part holds."""
    rows = [(row, names_of(row)) for row in (*GRID["countries"], *GRID["without_figure"], *GRID["regions"])]
    for text in (region, continent):
        parts = [plain_name(part) for part in re.split(r"[,;|()\n]", text)]
        for wanted in (plain_name(text), *reversed(parts)):
            for row, names in rows:
                if wanted in names:
                    return with_figure(row)
        for part in reversed(parts):
            for row, names in rows:
                if any(len(name) > 3 and f" {name} " in f" {part} " for name in names):
                    return with_figure(row)
    return with_figure({"region": GRID["default"]})


def with_figure(row):
    return row if "g_per_kwh" in row else next(r for r in GRID["regions"] if r["name"] == row["region"])


def carbon_footprint(user, hardware):
    inferences = extra_data(user).get("inferences") or 1000000
    row = find_grid(user["geo_location_region"], user["geo_location_continent"])
    kwh = hardware["power_consumption"] * (hardware["latency"] / 1000) * inferences / 3.6e6
    return {
        "carbon_footprint": kwh * row["g_per_kwh"] / 1000,
        "energy_consumption": kwh,
        "carbon_intensity": row["g_per_kwh"],
        "grid": row["name"],
        "year": row["year"],
        "inferences": inferences,
    }
