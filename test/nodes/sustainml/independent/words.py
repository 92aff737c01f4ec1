"""A text as words, each with its sentence, its clause and whether it is taken back."""

import re

from data import without_accents

NEGATORS = set(
    "no not without never neither nor dont doesnt didnt isnt arent wasnt wont shouldnt neednt "
    "instead rather except".split()
)
HARMLESS = set("only sure idea matter longer know just clear more miss".split())
UNWANTED = set("needed required necessary wanted interesting relevant important asked".split())
WORD_OR_END = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+|[.;!?\n,:()]")


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
        word["taken_back"] = taken_back(words, at)
    return words


def taken_back(words, at):
    near = range(max(0, at - 4), min(len(words), at + 5))
    clause = [i for i in near if words[i]["clause"] == words[at]["clause"]]
    return any(negates(words, i) for i in clause if i < at) or any(unwanted_from(words, i) for i in clause if i > at)


def negates(words, i):
    before, after = words[i - 1]["text"] if i else "", [w["text"] for w in words[i + 1 : i + 4]] or [""]
    harmless = before == "or" or after[0] in HARMLESS or "miss" in after
    return words[i]["text"] in NEGATORS and not harmless and (words[i]["text"] != "rather" or after[0] == "than")


def unwanted_from(words, i):
    following = [w["text"] for w in words[i + 1 : i + 3] if w["clause"] == words[i]["clause"]]
    return words[i]["text"] == "unnecessary" or (
        words[i]["text"] in ("not", "isnt", "arent") and not UNWANTED.isdisjoint(following)
    )
