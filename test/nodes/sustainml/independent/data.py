"""The data files, the input's texts and the rounding that the modules share."""

import base64
import json
import math
import sys
import unicodedata
from pathlib import Path

FOLDER = Path(sys.argv[1])
LEXICON, MODELS, DEVICES, GRID = (
    json.loads((FOLDER / "data" / f"{name}.json").read_text("utf-8"))
    for name in ("lexicon", "models", "devices", "grid_intensity")
)
FIELDS = ("problem_short_description", "problem_definition", "inputs", "outputs")
MIB = 2**20


class Failed(Exception):
    """A module's error; its text is the error's code."""


def texts(user, field):
    return [user[field]] if isinstance(user[field], str) else user[field]


def rounded(value):
    """Three decimals, half up."""
    return math.floor(value * 1000 + 0.5) / 1000


def without_accents(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def extra_data(user):
    return json.loads(base64.b64decode(user["extra_data"]) or "{}")
