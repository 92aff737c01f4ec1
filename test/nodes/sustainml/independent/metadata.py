"""ml_model_metadata: goals by the lexicon, and keywords."""

import math
import re
from collections import Counter

from data import FIELDS, LEXICON, Failed, rounded, texts
from words import read_words

KEYWORD_FACTORS = {"problem_short_description": 3, "problem_definition": 1, "inputs": 2, "outputs": 2}
STAY = re.compile(r"(ss|us|is|ics|news|series|species|lens|gas|bias|canvas|atlas)$")


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
    """Of overlapping terms the one with more words, then the earlier, the longer, the more exact; none taken back."""
    found = [
        (term, at)
        for term in terms
        for i, word in enumerate(words)
        if (at := match(term.split(), words, i, word["sentence"]))
    ]
    used = set()
    for term, at in sorted(found, key=lambda hit: (-len(hit[1]), hit[1][0], -len(hit[0]), "*" in hit[0].split()[0])):
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
    words = keywords(fields)
    return {
        "ml_model_metadata": listed,
        "scores": scores,
        "data": {kind: rounded(shares[kind] if shares else 1) for kind in LEXICON["kinds"]},
        "keywords": list(words),
        "keyword_scores": list(words.values()),
    }
