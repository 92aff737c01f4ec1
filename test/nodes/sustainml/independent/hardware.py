"""The estimate, and hw_resources."""

import re

from data import DEVICES, MIB


def memory_bytes(model):
    return model["parameters"] * model["bytes_per_parameter"] + model["activation_bytes"]


def has_room(device, model):
    weights = model["parameters"] * model["bytes_per_parameter"]
    if "weight_memory_bytes" in device:
        return weights <= device["weight_memory_bytes"] and model["activation_bytes"] <= device["memory_bytes"]
    return memory_bytes(model) <= device["memory_bytes"]


def plain_device(name):
    return re.sub(r"[\W_]", "", name.lower())


def is_called(device, required):
    kinds = [plain_device(kind) for kind in device["kinds"]]
    return any(
        plain_device(name) in kinds
        or plain_device(name) in [kind + "s" for kind in kinds]
        or plain_device(name) in plain_device(device["name"])
        for name in required
    )


def estimate(model, device, peak):
    read = model.get("parameters_read", model["parameters"])
    compute = 2 * model["macs"] / (peak * DEVICES["assumptions"]["efficiency"]) * 1000
    moved = read * model["bytes_per_parameter"] + 2 * model["activation_bytes"]
    busy = max(compute, moved / device["memory_bandwidth_bytes_per_second"] * 1000)
    latency = busy + device["overhead_ms"]
    active, idle = device["power_active_w"], device["power_idle_w"]
    power = (active * busy + (active if idle is None else idle) * device["overhead_ms"]) / latency
    return {"latency": latency, "power": power, "energy": power * (latency / 1000)}


def consider(device, model, requirements, constraints, target):
    """Why a device is out (None: it is not), with the estimate where it comes so far."""
    required = constraints["hardware_required"]
    if not is_called(device, required) and (required or device.get("only_if_required")):
        return {"excluded_by": "hardware_required"}
    if "on_device" in requirements and not device["on_device"]:
        return {"excluded_by": "on_device"}
    precisions = ("fp32", "fp16") if model["bytes_per_parameter"] == 4 else ("fp32", "fp16", "int8")
    peaks = [peak for precision, peak in device["peak_ops_per_second"].items() if precision in precisions]
    if not peaks:
        return {"excluded_by": "precision"}
    figures = estimate(model, device, max(peaks))
    if not has_room(device, model):
        return {"excluded_by": "memory", **figures}
    return {"excluded_by": "latency" if 0 < target < figures["latency"] else None, **figures}


def choose_device(model, requirements, constraints, target):
    """What was considered by device, and the one that takes the least energy, or None."""
    considered = {d["name"]: consider(d, model, requirements, constraints, target) for d in DEVICES["devices"]}
    fitting = [(e["energy"], e["latency"], name) for name, e in considered.items() if not e["excluded_by"]]
    return considered, min(fitting)[2] if fitting else None


def hw_resources(requirements, constraints, ml_model):
    model = ml_model["model_properties"]
    considered, name = choose_device(model, requirements, constraints, ml_model["target_latency"])
    device = next(d for d in DEVICES["devices"] if d["name"] == name)
    return {
        "hw_description": name,
        "power_consumption": considered[name]["power"],
        "latency": considered[name]["latency"],
        "memory_footprint_of_ml_model": memory_bytes(model) / MIB,
        "max_hw_memory_footprint": (device["memory_bytes"] + device.get("weight_memory_bytes", 0)) / MIB,
        "energy_per_inference_j": considered[name]["energy"],
        "considered": {name: [e["excluded_by"], e.get("energy")] for name, e in considered.items()},
    }
