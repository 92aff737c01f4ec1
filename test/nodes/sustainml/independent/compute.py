"""The results of the SustainML example, computed a second time.

Written from nodes/sustainml/README.md and the data files alone, to be compared with what the nodes' own functions
give. Of the phrases that requirements and places are read from, it knows those that the README names.

Reads {name: {"first": UserInput, "next": UserInput}} as JSON, and prints as JSON the results of a line of iterations
for each: the first with `first`, all further ones with `next`, each with the one before it as its parent, until one
ends in an error.

    python3 compute.py nodes/sustainml < lines.json
"""

import json
import sys

from data import Failed
from footprint import carbon_footprint
from hardware import hw_resources
from metadata import ml_model_metadata
from model import ml_model
from requirements import app_requirements, hw_constraints


def iteration(user, parent):
    metadata, constraints = ml_model_metadata(user), hw_constraints(user)
    wanted = app_requirements(user)
    requirements = wanted["app_requirements"]
    model = ml_model(user, metadata["ml_model_metadata"], requirements, constraints, parent)
    hardware = hw_resources(requirements, constraints, model)
    return {
        "ml_model_metadata": metadata,
        "app_requirements": wanted,
        "hw_constraints": constraints,
        "ml_model": model,
        "hw_resources": hardware,
        "carbon_footprint": carbon_footprint(user, hardware),
    }


def line_of_iterations(first, next):
    done = []
    try:
        while True:
            done.append(iteration(next if done else first, done[-1] if done else None))
    except Failed as failed:
        return {"iterations": done, "ended_by": str(failed)}


if __name__ == "__main__":
    json.dump({name: line_of_iterations(**line) for name, line in json.load(sys.stdin).items()}, sys.stdout)
