"""Runs the SustainML modules on inputs that come as lines of JSON, and gives their outputs, encoded, as lines of JSON.

A line is `{"module", "descriptors", "type", "inputs": {name: [type, payload]}}`, where bytes are base64.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT.parent / "nodes" / "sustainml" / "python")]

import carbon_footprint  # noqa: E402
import hw_constraints  # noqa: E402
from tutti import NonRetryableError  # noqa: E402
from tutti.values.types import Decoded, Encoded, Types  # noqa: E402

grids = carbon_footprint.GridIndex(carbon_footprint.read_grid_table())
modules = {
    "hw_constraints": lambda inputs: hw_constraints.read_constraints(inputs["user_input"]),
    "carbon_footprint": lambda inputs: carbon_footprint.estimate_footprint(inputs, grids),
}
types = Types(b"")
for line in sys.stdin:
    case = json.loads(line)
    if "descriptors" in case:
        types = Types(base64.b64decode(case["descriptors"]))
        continue
    inputs = {}
    for name, (kind, payload) in case["inputs"].items():
        decoded = types.decode(kind, base64.b64decode(payload))
        assert isinstance(decoded, Decoded), decoded
        inputs[name] = decoded.value
    try:
        encoded = types.encode(case["type"], modules[case["module"]](inputs))
        if isinstance(encoded, Encoded):
            answer = {"output": base64.b64encode(encoded.content).decode()}
        else:
            answer = {"faults": [[path, code] for path, code, _ in encoded.faults]}
    except NonRetryableError as error:
        answer = {"code": error.code, "message": error.message}
    print(json.dumps(answer))
