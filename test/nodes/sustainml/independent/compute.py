"""The results of the SustainML example, computed a second time.

Written from nodes/sustainml/README.md and the data files alone, to be compared with what the nodes' own functions give. Of
the phrases that requirements and places are read from, it knows those that the README names.

Reads {name: {"first": UserInput, "next": UserInput}} as JSON, and prints as JSON the results of a line of iterations for each:
the first with `first`, all further ones with `next`, each with the one before it as its parent, until one ends in an error.

    python3 compute.py nodes/sustainml < lines.json
"""

import base64
import json
import math
import re
import sys
import unicodedata
from collections import Counter, defaultdict
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


def as_written(value):
    return str(int(value) if value == int(value) else value)


# ---- ml_model_metadata ----

NEGATORS = set(
    "no not without never neither nor dont doesnt didnt isnt arent wasnt wont shouldnt neednt instead rather except".split()
)
HARMLESS = set("only sure idea matter longer know just clear more miss".split())
UNWANTED = set("needed required necessary wanted interesting relevant important asked".split())
WORD_OR_END = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+|[.;!?\n,:()]")
KEYWORD_FACTORS = {"problem_short_description": 3, "problem_definition": 1, "inputs": 2, "outputs": 2}
STAY = re.compile(r"(ss|us|is|ics|news|series|species|lens|gas|bias|canvas|atlas)$")


def without_accents(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def read_words(text):
    """The words of a text, each with its sentence, its clause and whether it is taken back."""
    plain = re.sub(r"'s\b", "", without_accents(text).lower().replace("’", "'")).replace("'", "")
    words, sentence, clause = [], 0, 0
    for piece in WORD_OR_END.findall(plain):
        sentence += piece in ".;!?\n"
        clause += piece in ".;!?\n,:()" or piece == "but"
        if piece not in ".;!?\n,:()":
            words.append({"text": piece, "sentence": sentence, "clause": clause})
    for at, word in enumerate(words):
        near = [i for i in range(max(0, at - 4), at + 5) if i < len(words) and words[i]["clause"] == word["clause"]]
        before, after = (any(test(words, i) for i in near if cond(i)) for test, cond in (
            (negates, lambda i: i < at), (unwanted_from, lambda i: i > at)))
        word["taken_back"] = before or after
    return words


def negates(words, i):
    before, after = words[i - 1]["text"] if i else "", [w["text"] for w in words[i + 1 : i + 4]] or [""]
    harmless = before == "or" or after[0] in HARMLESS or "miss" in after
    return words[i]["text"] in NEGATORS and not harmless and (words[i]["text"] != "rather" or after[0] == "than")


def unwanted_from(words, i):
    following = [w["text"] for w in words[i + 1 : i + 3] if w["clause"] == words[i]["clause"]]
    return words[i]["text"] == "unnecessary" or (
        words[i]["text"] in ("not", "isnt", "arent") and not UNWANTED.isdisjoint(following)
    )


def match(term, words, at, sentence):
    """Where each word of the term stands from `at` on, or None."""
    if not term:
        return []
    if term[0] == "~":
        tails = (match(term[1:], words, at + gap, sentence) for gap in range(4))
        return next((tail for tail in tails if tail is not None), None)
    if at >= len(words) or words[at]["sentence"] != sentence:
        return None
    word = words[at]["text"]
    if not (word.startswith(term[0][:-1]) if term[0].endswith("*") else word == term[0]):
        return None
    tail = match(term[1:], words, at + 1, sentence)
    return None if tail is None else [at, *tail]


def terms_found(terms, words):
    """Of overlapping terms the one with more words, then the earlier, then the longer one; none that is taken back."""
    found = [
        (term, at)
        for term in terms
        for i, word in enumerate(words)
        if (at := match(term.split(), words, i, word["sentence"]))
    ]
    used = set()
    for term, at in sorted(found, key=lambda hit: (-len(hit[1]), hit[1][0], -len(hit[0]))):
        if used.isdisjoint(at):
            used.update(at)
            if not any(words[i]["taken_back"] for i in at):
                yield term


def best_factors(terms, factors, fields):
    """Each term found, with the factor of the field where it counts most."""
    best = {}
    for field, words in fields.items():
        for term in terms_found(terms, words):
            best[term] = max(best.get(term, 0), factors[field])
    return best


def shares_of_kinds(modality, fields):
    """The share of each kind of data; None when there is no evidence at all."""
    evidence = dict.fromkeys(LEXICON["kinds"], 0)
    for term, factor in best_factors(LEXICON["data_terms"], LEXICON["data_field_factors"], fields).items():
        for kind, weight in LEXICON["data_terms"][term].items():
            evidence[kind] += weight * factor
    said = " " + " ".join(word["text"] for word in read_words(modality)) + " "
    for kind, row in LEXICON["kinds"].items():
        named = any(f" {name} " in said for name in row["names"])
        evidence[kind] = min(LEXICON["data_cap"], evidence[kind]) + LEXICON["modality_weight"] * named
    most = max(evidence.values())
    return {kind: value / most for kind, value in evidence.items()} if most else None


def score_goals(shares, fields):
    tasks = dict.fromkeys(LEXICON["goals"], 0)
    for term, factor in best_factors(LEXICON["terms"], LEXICON["field_factors"], fields).items():
        weights = {}
        for name, weight in LEXICON["terms"][term].items():
            for goal, part in LEXICON["groups"].get(name, {name: 1}).items():
                weights[goal] = max(weights.get(goal, 0), weight * part)
        for goal, weight in weights.items():
            tasks[goal] += weight * factor
    for kind, row in LEXICON["kinds"].items():
        tasks[row["default_goal"]] += LEXICON["default_goal_weight"] * (shares[kind] if shares else 0)
    scores = {}
    for goal, affinity in LEXICON["goals"].items():
        fit = max(part * (shares[kind] if shares else 1) for kind, part in affinity.items())
        if tasks[goal] > 0:
            scores[goal] = rounded(tasks[goal] * max(LEXICON["fit_floor"], fit))
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def singular(word):
    if len(word) < 4 or not re.fullmatch("[a-z]+", word) or STAY.search(word):
        return word
    if len(word) > 4 and re.search("[^aeiou]ies$", word):
        return word[:-3] + "y"
    return word[:-2] if re.search("(sh|ch|x|ss|zz)es$", word) else word.removesuffix("s")


def is_keyword(word):
    passed_over = word in LEXICON["stop_words"] or word in LEXICON["generic_words"]
    return not passed_over and not word[0].isdigit() and len(word) > 1


def keywords(fields):
    counts = {}
    for field, words in fields.items():
        for word, following in zip(words, [*words[1:], None]):
            if is_keyword(word["text"]):
                counts.setdefault(singular(word["text"]), Counter())[field] += 1
                if following and following["clause"] == word["clause"] and is_keyword(following["text"]):
                    pair = f"{singular(word['text'])} {singular(following['text'])}"
                    counts.setdefault(pair, Counter())[field] += 1
    scores = {}
    for word, count in counts.items():
        score = sum(KEYWORD_FACTORS[field] * (1 + math.log(times)) for field, times in count.items())
        if " " not in word:
            scores[word] = rounded(score)
        elif sum(count.values()) >= 2:
            scores[word] = rounded(1.5 * score)
    return dict(sorted(scores.items(), key=lambda item: -item[1])[:15])


def ml_model_metadata(user):
    fields = {field: read_words("\n".join(texts(user, field))) for field in FIELDS}
    shares = shares_of_kinds(user["modality"], fields)
    scores = score_goals(shares, fields)
    least = max(LEXICON["min_score"], LEXICON["min_share_of_best"] * max(scores.values(), default=0))
    listed = [goal for goal, score in scores.items() if score >= least]
    if not listed:
        raise Failed("no_goal_found")
    return {
        "ml_model_metadata": listed,
        "scores": scores,
        "data": {kind: rounded(shares[kind] if shares else 1) for kind in LEXICON["kinds"]},
        "keywords": [{"keyword": word, "score": score} for word, score in keywords(fields).items()],
    }


# ---- app_requirements ----

NUMBER = r"\d[\d,]*(?:\.\d+)?|one|two|three|four|five|ten"
IN_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
MS = {"ms": 1, "milliseconds": 1, "second": 1000, "seconds": 1000, "minute": 60000, "minutes": 60000}
BOUND = rf"(?:under|within|up to|latency:) ({NUMBER}) (ms|milliseconds|seconds?|minutes?)\b"
RATE = rf"({NUMBER}) (?:frames|parts|images) per (second|minute)\b"
ANSWER = re.compile(r"\b(?:react|result|process|answer|recognis|take|subtitle)")
SAMPLES = r"(?:\w+ )?(?:examples|rows|images|recordings|tickets|samples)\b"
PHRASES = {
    "privacy": r"\bprivate\b|confidential|\bgdpr\b|personal data|must not leave|on premises",
    "on_device": r"on the device|offline|(?:no|without the) cloud|(?:no|without a) network|edge device|microcontroller"
    r"|(?:runs|stay) on (?:a|the) phone|must not leave the (?:phone|device)",
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
    between = re.search(rf"between ({NUMBER}) and ({NUMBER}) {SAMPLES}", text)
    if between:
        return number(between[1]), number(between[2])
    low = [number(hit) for hit in re.findall(rf"at least ({NUMBER}) {SAMPLES}", text)]
    high = [number(hit) for hit in re.findall(rf"up to ({NUMBER}) {SAMPLES}", text)]
    plain = [number(hit) for hit in re.findall(rf"(?<!at least )(?<!up to )\b(\d[\d,]*) {SAMPLES}", text)]
    return max(low or plain, default=0), max(high or plain, default=0)


def app_requirements(user):
    text = "\n".join(text for field in FIELDS for text in texts(user, field)).lower()
    asked = []
    if bounds := list(latencies(text)):
        asked.append(f"max_latency_ms={round(min(bounds), 3):g}")
    least, most = sample_bounds(text)
    if least := user["minimum_samples"] or least:
        asked.append(f"min_samples={int(least)}")
    if most := user["maximum_samples"] or most:
        asked.append(f"max_samples={int(most)}")
    return {"app_requirements": asked + [name for name, phrase in PHRASES.items() if re.search(phrase, text)]}


# ---- hw_constraints ----


def hw_constraints(user):
    extra = json.loads(base64.b64decode(user["extra_data"]) or "{}")
    names = {name.lower(): name for name in reversed(extra.get("hardware_required") or [])}
    memory = extra.get("max_memory_footprint") or 8192
    return {"max_memory_footprint": memory, "hardware_required": list(reversed(names.values()))}


# ---- the estimate, and hw_resources ----


def estimate(model, device):
    """Latency (ms), power (W) and energy (J) of one inference, or why the device is out."""
    peaks = device["peak_ops_per_second"]
    precisions = ("fp32", "fp16") if model["bytes_per_parameter"] == 4 else ("fp32", "fp16", "int8")
    peak = max((peaks.get(precision, 0) for precision in precisions))
    if not peak:
        return "precision"
    weights, activations = model["parameters"] * model["bytes_per_parameter"], model["activation_bytes"]
    flash = device.get("weight_memory_bytes")
    if activations + (0 if flash else weights) > device["memory_bytes"] or (flash and weights > flash):
        return "memory"
    read = model.get("parameters_read", model["parameters"])
    compute = 2 * model["macs"] / (peak * DEVICES["assumptions"]["efficiency"]) * 1000
    moved = read * model["bytes_per_parameter"] + 2 * activations
    busy = max(compute, moved / device["memory_bandwidth_bytes_per_second"] * 1000)
    latency = busy + device["overhead_ms"]
    active, idle = device["power_active_w"], device["power_idle_w"]
    power = (active * busy + (active if idle is None else idle) * device["overhead_ms"]) / latency
    return {"name": device["name"], "latency": latency, "power": power, "energy": power * (latency / 1000)}


def is_called(device, names):
    plain = [re.sub(r"[\W_]", "", name.lower()) for name in names]
    kinds = [re.sub(r"[\W_]", "", kind) for kind in device["kinds"]]
    kinds += [kind + "s" for kind in kinds]
    device_name = re.sub(r"[\W_]", "", device["name"].lower())
    return not names or any(name in kinds or name in device_name for name in plain)


def best_device(model, constraints, requirements, target):
    """The estimate on the device that takes the least energy, or what excludes all of them."""
    devices = [d for d in DEVICES["devices"] if is_called(d, constraints["hardware_required"])]
    if "on_device" in requirements:
        devices = [d for d in devices if d["on_device"]]
    able = [e for e in (estimate(model, d) for d in devices) if isinstance(e, dict)]
    fast = [e for e in able if not target or e["latency"] <= target]
    return min(fast, key=lambda e: (e["energy"], e["latency"], e["name"])) if fast else "latency" if able else "hardware"


def memory_bytes(model):
    return model["parameters"] * model["bytes_per_parameter"] + model["activation_bytes"]


def hw_resources(requirements, constraints, ml_model):
    model = ml_model["model_properties"]
    chosen = best_device(model, constraints, requirements, ml_model["target_latency"])
    device = next(d for d in DEVICES["devices"] if d["name"] == chosen["name"])
    return {
        "hw_description": chosen["name"],
        "power_consumption": chosen["power"],
        "latency": chosen["latency"],
        "memory_footprint_of_ml_model": memory_bytes(model) / MIB,
        "max_hw_memory_footprint": (device["memory_bytes"] + device.get("weight_memory_bytes", 0)) / MIB,
        "energy_per_inference_j": chosen["energy"],
    }


# ---- ml_model ----


def candidates(goals, modality):
    """Models of the first goal that has some for this kind of data; one metric and data set only."""
    kind = (kind_of(modality) or "").replace("_", " ")
    for goal in goals:
        rows = [m for m in MODELS["models"] if m["goal"] == goal and (not kind or kind in m["modalities"])]
        if rows:
            groups = defaultdict(list)
            for row in rows:
                groups[row["quality"]["metric"], row["quality"]["dataset"]].append(row)
            return max(groups.values(), key=len)
    raise Failed("no_model_fits")


def target_latency(model, requirements):
    bounds = [float(r.split("=")[1]) for r in requirements if r.startswith("max_latency_ms=")]
    if bounds:
        return min(bounds)
    return model.get("input_seconds", 0.1) * 1000 if "real_time" in requirements else 0


def best_quality(fitting, explainability):
    def sign(m):
        return -1 if m["quality"]["better"] == "higher" else 1

    ranked = sorted(
        fitting, key=lambda f: (sign(f[0]) * f[0]["quality"]["value"], f[1]["energy"], f[0]["parameters"], f[0]["name"])
    )
    if not explainability:
        return ranked[0]
    best = ranked[0][0]["quality"]["value"]
    close = [f for f in ranked if sign(f[0]) * (f[0]["quality"]["value"] - best) <= 0.05 * best]
    return min(close, key=lambda f: f[0]["parameters"])


def ml_model(user, goals, requirements, constraints, parent):
    proposed = parent["ml_model"]["proposed"] if parent else []
    desired = user["desired_carbon_footprint"]
    reached = parent and desired > 0 and per_million(parent) <= desired
    lower = parent and (
        user["optimize_carbon_footprint_manual"] or (user["optimize_carbon_footprint_auto"] and not reached)
    )
    parent_j = parent and parent["hw_resources"]["power_consumption"] * parent["hw_resources"]["latency"] / 1000
    fitting, excluded = [], Counter()
    for model in candidates(goals, user["modality"]):
        target = target_latency(model, requirements)
        on = best_device(model, constraints, requirements, target)
        limit = constraints["max_memory_footprint"] * MIB
        if model["name"] in proposed:
            excluded["already_proposed"] += 1
        elif limit and memory_bytes(model) > limit:
            excluded["memory"] += 1
        elif isinstance(on, str):
            excluded[on] += 1
        elif lower and on["energy"] > 0.99 * parent_j:
            excluded["footprint"] += 1
        else:
            fitting.append((model, on, target))
    if not fitting:
        raise Failed("no_model_fits")
    if lower and desired > 0:
        desired_j = desired / 1e6 * 1000 * 3.6e6 / parent["carbon_footprint"]["carbon_intensity"]
        fitting = [f for f in fitting if f[1]["energy"] <= desired_j] or [min(fitting, key=lambda f: f[1]["energy"])]
    model, on, target = best_quality(fitting, "explainability" in requirements)
    return {
        "model": model["name"],
        "model_path": model["model_path"],
        "model_properties": model,
        "input_batch": model["input"],
        "target_latency": target,
        "proposed": [*proposed, model["name"]],
        "excluded": dict(excluded),
        "expected_device": on["name"],
        "energy_per_inference_j": on["energy"],
    }


def per_million(iteration):
    hardware = iteration["hw_resources"]
    kwh = hardware["power_consumption"] * (hardware["latency"] / 1000) * 1e6 / 3.6e6
    return kwh * iteration["carbon_footprint"]["carbon_intensity"] / 1000


# ---- carbon_footprint ----


def plain_name(text):
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return re.sub(r"^the ", "", " ".join(re.sub(r"[\W_]", " ", letters).split()))


def names_of(row):
    names = [row["name"], row.get("iso2"), row.get("iso3"), *row["aliases"], *row.get("places", [])]
    return {plain_name(name) for name in names if name}


def find_grid(region, continent):
    """The row of the whole text, else of the last part that is a name, else of a name that a part holds."""
    rows = [(row, names_of(row)) for row in (*GRID["countries"], *GRID["without_figure"], *GRID["regions"])]
    for text in (region, continent):
        parts = [plain_name(part) for part in text.split(",")]
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
    inferences = json.loads(base64.b64decode(user["extra_data"]) or "{}").get("inferences") or 1000000
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


# ---- the graph ----


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


def line_of_iterations(user):
    done = []
    try:
        while True:
            done.append(iteration(user, done[-1] if done else None))
            user = {**user, "optimize_carbon_footprint_manual": True}
    except Failed as failed:
        return {"iterations": done, "ended_by": str(failed)}


if __name__ == "__main__":
    samples = sorted((FOLDER / "samples").glob("*.json"))
    json.dump({path.name: line_of_iterations(json.loads(path.read_text("utf-8"))) for path in samples}, sys.stdout)
