"""The line of the log that the numbers of a step become."""

from __future__ import annotations

import math
import unittest

import support  # noqa: F401
from tutti.metrics import metrics_line


class Metrics(unittest.TestCase):
    def test_a_line_has_the_step_and_each_number(self) -> None:
        message, fields = metrics_line(3, {"loss": 0.25, "val/acc": 1.0, "big": 1e300})
        self.assertEqual(message, "step 3: loss 0.25, val/acc 1, big 1e+300")
        self.assertEqual(
            fields, {"stream": "metrics", "step": "3", "loss": "0.25", "val/acc": "1", "big": "1e+300"}
        )

    def test_nan_and_the_infinities_are_kept(self) -> None:
        _, fields = metrics_line(0, {"a": math.nan, "b": math.inf, "c": -math.inf})
        self.assertEqual([fields[name] for name in "abc"], ["NaN", "Infinity", "-Infinity"])

    def test_what_behaves_like_a_number_is_one(self) -> None:
        class Tensor:
            def __float__(self) -> float:
                return 0.5

        self.assertEqual(metrics_line(1, {"loss": Tensor()})[1]["loss"], "0.5")

    def test_what_is_no_number_is_refused_with_its_name(self) -> None:
        with self.assertRaisesRegex(TypeError, "the metric loss is a str"):
            metrics_line(1, {"loss": "low"})
        with self.assertRaisesRegex(TypeError, "the metric step is a NoneType"):
            metrics_line(None, {"loss": 1})
        for wrong in ({}, {"step": 1}, {"stream": 1}, {"": 1}, {f"m{at}": at for at in range(61)}):
            with self.assertRaises(ValueError):
                metrics_line(1, wrong)
