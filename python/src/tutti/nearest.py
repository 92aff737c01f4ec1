"""The name that was probably meant."""

from __future__ import annotations

from typing import Iterable, List, Optional


def nearest(word: str, candidates: Iterable[str]) -> Optional[str]:
    """The candidate of which at most a third of the letters differ, if there is one."""
    wanted = word.lower()
    best: Optional[str] = None
    best_distance = max(len(word), 3) // 3 + 1
    for candidate in candidates:
        if abs(len(candidate) - len(word)) >= best_distance:
            continue
        distance = _edit_distance(wanted, candidate.lower())
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`` (did you mean x?)``, or nothing where no candidate is near."""
    near = nearest(word, candidates)
    return "" if near is None else f" (did you mean {near}?)"


def _edit_distance(a: str, b: str) -> int:
    """Insertions, deletions, replacements, and neighbours that changed places (optimal string alignment)."""
    before: List[int] = []
    row = list(range(len(b) + 1))
    for i in range(1, len(a) + 1):
        following = [i]
        for j in range(1, len(b) + 1):
            replaced = row[j - 1] + (a[i - 1] != b[j - 1])
            distance = min(replaced, row[j] + 1, following[j - 1] + 1)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                distance = min(distance, before[j - 2] + 1)
            following.append(distance)
        before, row = row, following
    return row[-1]
