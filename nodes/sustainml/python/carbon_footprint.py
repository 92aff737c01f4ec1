"""The ``carbon_footprint`` module node in Python: energy times the carbon intensity of the grid that the user named.

    energy_kWh = power_W * (latency_ms / 1000) * inferences / 3.6e6        (1 kWh = 3.6e6 J)
    carbon_kg  = energy_kWh * intensity_g_per_kWh / 1000

Operation only: neither training nor the making of the device. Nothing is rounded. It gives what
``../carbon_footprint/estimate-footprint.ts`` gives, to the byte.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping

from extra_data import encode_extra_data, read_user_extra_data
from find_grid import find_grid
from grid_table import GridIndex, read_grid_table
from javascript import number
from tutti import NonRetryableError, Task, node

DEFAULT_INFERENCES = 1_000_000.0
"""Inferences that the footprint is for when the user's ``extra_data`` does not say."""
_DESIRED_PER_INFERENCES = 1_000_000.0
"""``UserInput.desired_carbon_footprint`` is in kg CO2e for this many inferences."""
_JOULES_PER_KWH = 3.6e6
_MS_PER_S = 1000.0
_G_PER_KG = 1000.0


def energy_kwh(power_w: float, latency_ms: float, inferences: float) -> float:
    """Energy of ``inferences`` inferences, one after the other, in kWh."""
    return (power_w * (latency_ms / _MS_PER_S) * inferences) / _JOULES_PER_KWH


def carbon_kg(energy: float, intensity_g_per_kwh: float) -> float:
    """Emissions of that energy, in kg CO2e."""
    return (energy * intensity_g_per_kwh) / _G_PER_KG


def estimate_footprint(inputs: Mapping[str, Any], grids: GridIndex) -> Dict[str, Any]:
    """The footprint of running the proposed model on the proposed hardware, on the grid of the place that the user named.

    Raises ``NonRetryableError``: ``bad_extra_data``, naming the field, for the user's ``extra_data``; ``no_hardware_figures`` when power
    or latency is not a number over 0: a footprint of zero would be a lie.
    """
    user, model, hardware = inputs["user_input"], inputs["ml_model"], inputs["hw_resources"]
    given = read_user_extra_data(user["extra_data"])
    inferences = DEFAULT_INFERENCES if given.inferences is None else given.inferences
    power_w = _positive("power_consumption", hardware["power_consumption"])
    latency_ms = _positive("latency", hardware["latency"])

    grid = find_grid(grids, user["geo_location_region"], user["geo_location_continent"])
    energy = energy_kwh(power_w, latency_ms, inferences)
    carbon = carbon_kg(energy, grid["g_per_kwh"])
    explained: Dict[str, Any] = {
        "inferences": {"value": inferences, "from": "default" if given.inferences is None else "user"},
        "power_w": power_w,
        "latency_ms": latency_ms,
        "model": model["model"],
        "hardware": hardware["hw_description"],
        "asked": {"region": user["geo_location_region"], "continent": user["geo_location_continent"]},
        "grid": grid,
    }
    asked = user["desired_carbon_footprint"]
    if asked > 0:
        per_million = (carbon / inferences) * _DESIRED_PER_INFERENCES
        explained["desired"] = {
            "kg_per_million": asked,
            "reached_kg_per_million": per_million,
            "met": per_million <= asked,
        }
    return {
        "carbon_footprint": carbon,
        "energy_consumption": energy,
        "carbon_intensity": grid["g_per_kwh"],
        "extra_data": encode_extra_data(explained),
    }


def _positive(field: str, value: float) -> float:
    if math.isfinite(value) and value > 0:
        return value
    raise NonRetryableError(
        "no_hardware_figures",
        f"hw_resources.{field} must be a number over 0, but is {number(value)}; "
        "without it there is no footprint to give.",
    )


_grids = GridIndex(read_grid_table())


@node("carbon_footprint")
def run(task: Task[Any, Any]) -> Dict[str, Any]:
    footprint = estimate_footprint(task.inputs, _grids)
    fields = {
        "carbon_kg": number(footprint["carbon_footprint"]),
        "energy_kwh": number(footprint["energy_consumption"]),
        "intensity_g_per_kwh": number(footprint["carbon_intensity"]),
    }
    task.log.info("footprint estimated", fields)
    return footprint
