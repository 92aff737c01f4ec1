"""ml_model: the model for the goal."""

import re

from data import MIB, MODELS, Failed
from hardware import choose_device, memory_bytes

MODALITIES = {
    "image": "image photo photograph picture frame camera visual vision imagery scan",
    "video": "video clip footage",
    "audio": "audio sound speech voice acoustic recording microphone music noise",
    "text": "text textual document language nlp sentence word",
    "tabular": "tabular table csv row spreadsheet structured database",
    "time series": "time.series signal sensor telemetry series temporal",
}


def candidates(goals, modality):
    """Models of the first goal that has some for this kind of data; one metric and data set only."""
    named = {
        kind
        for kind, words in MODALITIES.items()
        if re.search(rf"\b(?:{words.replace(' ', '|')})s?\b", modality.lower())
    }
    for goal in goals:
        groups = {}
        for row in MODELS["models"]:
            if row["goal"] == goal and (not named or named.intersection(row["modalities"])):
                groups.setdefault((row["quality"]["metric"], row["quality"]["dataset"]), []).append(row)
        if groups:
            return max(groups.values(), key=len)
    raise Failed("no_model_fits")


def target_latency(model, requirements):
    bounds = [float(r.split("=")[1]) for r in requirements if r.startswith("max_latency_ms=")]
    if bounds:
        return min(bounds)
    return model.get("input_seconds", 0.1) * 1000 if "real_time" in requirements else 0


def best(fitting, explainability):
    """Of (model, estimate, target latency): the best quality, or the smallest model within 5 % of it."""

    def merit(m):
        better = -1 if m["quality"]["better"] == "higher" else 1
        return better * m["quality"]["value"]

    ranked = sorted(fitting, key=lambda f: (merit(f[0]), f[1]["energy"], f[0]["parameters"], f[0]["name"]))
    if not explainability:
        return ranked[0]
    best = ranked[0][0]["quality"]["value"]
    close = [f for f in ranked if abs(f[0]["quality"]["value"] - best) / best <= 0.05]
    return min(close, key=lambda f: (f[0]["parameters"], f[0]["name"]))


def asks_lower(user, parent, desired_j):
    """Whether the iteration has to go below its parent's footprint."""
    if user["optimize_carbon_footprint_manual"] or not user["optimize_carbon_footprint_auto"]:
        return user["optimize_carbon_footprint_manual"]
    return not desired_j or parent_energy(parent) > desired_j


def parent_energy(parent):
    hardware = parent["hw_resources"]
    return hardware["power_consumption"] * hardware["latency"] / 1000


def ml_model(user, goals, requirements, constraints, parent):
    proposed, desired_j, lower = [], None, False
    if parent:
        proposed = parent["ml_model"]["proposed"]
        if user["desired_carbon_footprint"] > 0:
            grams = user["desired_carbon_footprint"] / 1e6 * 1000
            desired_j = grams * 3.6e6 / parent["carbon_footprint"]["carbon_intensity"]
        lower = asks_lower(user, parent, desired_j)
    considered, fitting = {}, []
    for model in candidates(goals, user["modality"]):
        target = target_latency(model, requirements)
        devices, name = choose_device(model, requirements, constraints, target)
        limit = constraints["max_memory_footprint"] * MIB
        if model["name"] in proposed:
            reason = "already_proposed"
        elif limit and memory_bytes(model) > limit:
            reason = "memory"
        elif not name:
            reason = "latency" if any(e["excluded_by"] == "latency" for e in devices.values()) else "hardware"
        elif lower and devices[name]["energy"] > 0.99 * parent_energy(parent):
            reason = "footprint"
        else:
            reason = None
            fitting.append((model, {"device": name, **devices[name]}, target))
        considered[model["name"]] = [reason, name, devices[name]["energy"] if name else None]
    if not fitting:
        raise Failed("no_model_fits")
    explainability = "explainability" in requirements
    if lower and desired_j:
        reaching = [f for f in fitting if f[1]["energy"] <= desired_j]
        explainability = explainability and bool(reaching)
        fitting = reaching or [min(fitting, key=lambda f: (f[1]["energy"], f[0]["parameters"], f[0]["name"]))]
    model, on, target = best(fitting, explainability)
    source = model["sources"][0]
    return {
        "model": model["name"],
        "model_path": model["model_path"],
        "model_properties": {name: value for name, value in model.items() if name not in ("name", "model_path")},
        "model_properties_path": source.get("url")
        or "https://github.com/{repository}/blob/{commit}/{file}".format(**source),
        "input_batch": model["input"],
        "target_latency": target,
        "proposed": [*proposed, model["name"]],
        "considered": considered,
        "expected_device": on["device"],
        "energy_per_inference_j": on["energy"],
    }
