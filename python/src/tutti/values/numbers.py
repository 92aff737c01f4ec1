"""The numbers that JSON has no form for, ``NaN`` and the infinities, as the objects that stand for them: ``{"$number": "NaN"}``.

Such an object is a number for every part of Tutti; a reader that knows nothing of it sees what it is, and no text is mistaken for it.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping

NAME = "$number"
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def number_form(number: float) -> Dict[str, str]:
    """Of a number that is not finite."""
    return {NAME: "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"}


def number_in(form: Mapping[str, Any]) -> Any:
    """The number that an object stands for; the object itself where it stands for none."""
    if len(form) == 1:
        text = form.get(NAME)
        if isinstance(text, str):
            return _NUMBERS.get(text, form)
    return form
