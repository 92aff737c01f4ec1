"""A clock on which pauses do not count."""

from __future__ import annotations

import unittest
from typing import Tuple

import support  # noqa: F401
from tutti.network.clock import PauseFreeClock


class Time:
    def __init__(self) -> None:
        self.s = 5.0

    def __call__(self) -> float:
        return self.s


def clock() -> Tuple[PauseFreeClock, Time]:
    time = Time()
    return PauseFreeClock(time), time


class Pauses(unittest.TestCase):
    def test_do_not_count(self) -> None:
        it, time = clock()
        time.s += 60
        self.assertEqual(it.now_ms(), 5_000)
        time.s += 0.4
        self.assertAlmostEqual(it.now_ms(), 5_400)

    def test_do_not_count_within_a_wait_beyond_what_was_waited_for(self) -> None:
        it, time = clock()
        it.waits(1_000)
        time.s += 22
        self.assertAlmostEqual(it.now_ms(), 6_000)

    def test_are_not_seen_where_a_wait_took_as_long_as_it_should(self) -> None:
        it, time = clock()
        for _ in range(100):
            it.waits(1_000)
            time.s += 1.4
            it.now_ms()
        self.assertAlmostEqual(it.now_ms(), 145_000)

    def test_never_turn_the_clock_back(self) -> None:
        it, time = clock()
        last = it.now_ms()
        for waited, passed in ((0, 0.0), (1_000, 0.01), (0, 9.0), (1_000, 1.6), (5, 0.499), (0, 3_600.0)):
            it.waits(waited)
            time.s += passed
            now = it.now_ms()
            self.assertGreaterEqual(now, last)
            last = now


if __name__ == "__main__":
    unittest.main()
