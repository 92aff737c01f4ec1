"""app_requirements, by the phrases that the README names, and hw_constraints."""

import re

from data import FIELDS, extra_data, rounded, texts

NUMBER = r"\d[\d,]*(?:\.\d+)?|one|two|three|four|five|ten"
IN_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
MS = {"ms": 1, "milliseconds": 1, "second": 1000, "seconds": 1000, "minute": 60000, "minutes": 60000}
BOUND = rf"(?:under|within|up to|latency:) ({NUMBER}) (ms|milliseconds|seconds?|minutes?)\b"
RATE = rf"({NUMBER}) (?:frames|parts|images) per (second|minute)\b"
ANSWER = re.compile(r"\b(?:react|result|process|answer|recognis|take|subtitle)")
SAMPLES = r"(?:\w+ )?(?:examples|rows|images|recordings|tickets|samples)\b"
AT_HAND = re.compile(r"\b(?:have|there are|label\w*|collected|archive\w*|samples|examples)\b")
PHRASES = {
    "privacy": r"\bprivate\b|confidential|\bgdpr\b|personal data|must not leave|on premises",
    "on_device": r"on the device|offline|(?:no|without the) cloud|(?:no|without a) network|edge device|microcontroller"
    r"|(?:runs|stays?) on (?:a|the) phone|must not leave the (?:phone|device)",
    "explainability": r"explain|interpret|see why|reasons for the decision|not a black box",
    "real_time": r"real time(?! is not required)|instantly|on the fly|live video",
}


def number(text):
    return IN_WORDS[text] if text in IN_WORDS else float(text.replace(",", ""))


def latencies(text):
    for hit in re.finditer(BOUND, text):
        if MS[hit[2]] == 1 or ANSWER.search(re.split(r"[.!?]\s", text[: hit.start()])[-1]):
            yield number(hit[1]) * MS[hit[2]]
    for hit in re.finditer(RATE, text):
        yield MS[hit[2]] / number(hit[1])


def sample_bounds(text):
    """The least and the most samples that the text names."""
    low, high, plain = [], [], []
    for sentence in filter(AT_HAND.search, re.split(r"(?<=[.!?;])\s+|\n", text)):
        for hit in re.finditer(rf"(?:(between|at least|up to) )?\b({NUMBER}) (?:and ({NUMBER}) )?{SAMPLES}", sentence):
            if hit[1] == "between" and hit[3]:
                low.append(number(hit[2]))
                high.append(number(hit[3]))
            else:
                {"at least": low, "up to": high}.get(hit[1], plain).append(number(hit[2]))
    return max(low or plain, default=0), max(high or plain, default=0)


def as_written(value):
    return str(int(value) if value == int(value) else value)


def app_requirements(user):
    text = "\n".join(text for field in FIELDS for text in texts(user, field)).lower()
    asked = []
    if bounds := list(latencies(text)):
        asked.append(f"max_latency_ms={as_written(rounded(min(bounds)))}")
    least, most = sample_bounds(text)
    given = user if (user["minimum_samples"], user["maximum_samples"]) != (1, 1) else {}
    if least := given.get("minimum_samples") or least:
        asked.append(f"min_samples={int(least)}")
    if most := given.get("maximum_samples") or most:
        asked.append(f"max_samples={int(most)}")
    return {"app_requirements": asked + [name for name, phrase in PHRASES.items() if re.search(phrase, text)]}


def hw_constraints(user):
    extra = extra_data(user)
    names = {}
    for name in extra.get("hardware_required") or []:
        names.setdefault(name.lower(), name)
    return {
        "max_memory_footprint": extra.get("max_memory_footprint") or 8192,
        "hardware_required": list(names.values()),
    }
