"""Outputs as people mean them: figures, pictures, tables and texts become files, or what the page shows within JSON."""

from __future__ import annotations

import base64
import json
import math
import unittest
from typing import Any, List, Tuple

import support  # noqa: F401
import tutti
from tutti.values.types import Decoded, Encoded, Types, Unencodable

TYPES = Types(b"")
PNG = b"\x89PNG\r\n\x1a\n"


def content(kind: str, value: Any) -> bytes:
    result = TYPES.encode(kind, value)
    assert isinstance(result, Encoded), result
    return result.content


def form(value: Any) -> Any:
    return json.loads(content("json", value))


def faults(kind: str, value: Any) -> List[Tuple[str, str]]:
    result = TYPES.encode(kind, value)
    assert isinstance(result, Unencodable), result
    return [(code, message) for _, code, message in result.faults]


class Texts(unittest.TestCase):
    def test_a_text_is_a_file_where_the_graph_names_a_kind_of_text(self) -> None:
        for kind in ("bytes:text/markdown", "bytes:text/csv", "bytes:application/json", "bytes:image/svg+xml"):
            self.assertEqual(content(kind, "ä"), "ä".encode("utf-8"))
        for kind in ("bytes", "bytes:image/png", "bytes:application/x-npy"):
            self.assertEqual(faults(kind, "text")[0][0], "wrong_type")

    def test_markdown_and_html_say_what_they_are(self) -> None:
        self.assertEqual(content("bytes:text/markdown", tutti.Markdown("# Hi")), b"# Hi")
        self.assertEqual(content("bytes", tutti.Html("<p>")), b"<p>")
        self.assertEqual(form({"report": tutti.Markdown("# Hi")}), {"report": {"media_type": "text/markdown", "text": "# Hi"}})
        self.assertEqual(faults("bytes:text/html", tutti.Markdown("# Hi"))[0][0], "unencodable")

    def test_a_type_that_names_no_media_type_is_not_known(self) -> None:
        for kind in ("bytes:png", "bytes:", "bytes:image/", "bytes:Image/PNG", "bytes:image/png; q=1"):
            self.assertFalse(TYPES.has(kind))
        self.assertIn("bytes:image/png", faults("bytes:png", b"")[0][1])
        self.assertEqual(TYPES.decode("bytes:image/png", b"\x00"), Decoded(b"\x00"))


class Numbers(unittest.TestCase):
    def test_nan_and_the_infinities_come_back_as_the_floats_that_they_were(self) -> None:
        read = TYPES.decode("json", content("json", {"loss": math.nan, "all": [math.inf, -math.inf, 1.0]}))
        assert isinstance(read, Decoded)
        self.assertTrue(math.isnan(read.value.loss))
        self.assertEqual(read.value.all, [math.inf, -math.inf, 1.0])

    def test_a_text_is_never_taken_for_one_of_them(self) -> None:
        value = ["NaN", {"$number": "7"}, {"$number": "NaN", "unit": "s"}, {"$number": None}]
        read = TYPES.decode("json", content("json", value))
        self.assertEqual(read, Decoded(value))


class Tables(unittest.TestCase):
    ROWS = [{"a": 1, "b": "x,y"}, {"a": 2.5, "b": None}]

    def test_a_table_is_a_file_or_a_list_of_rows(self) -> None:
        table = tutti.Table(self.ROWS)
        self.assertEqual(content("bytes:text/csv", table), b'a,b\n1,"x,y"\n2.5,\n')
        self.assertEqual(content("bytes:text/csv", self.ROWS), content("bytes", table))
        self.assertEqual(content("bytes:text/tab-separated-values", table), b"a\tb\n1\tx,y\n2.5\t\n")
        self.assertEqual(form(table), self.ROWS)
        self.assertEqual(form(tutti.Table([[1, 2], [3, 4]], columns=["a", "b"])), [{"a": 1, "b": 2}, {"a": 3, "b": 4}])

    def test_rows_that_do_not_fit_are_refused_where_they_are_given(self) -> None:
        with self.assertRaisesRegex(ValueError, "row 1 has 1 values for 2 columns"):
            tutti.Table([[1, 2], [3]], columns=["a", "b"])
        with self.assertRaisesRegex(ValueError, "names of their columns"):
            tutti.Table([[1, 2]])

    def test_a_data_frame_is_a_table(self) -> None:
        try:
            import pandas
        except ImportError:
            self.skipTest("needs pandas")
        frame = pandas.DataFrame({"loss": [0.5, math.nan], "at": pandas.to_datetime(["2025-01-01", None])})
        self.assertEqual(content("bytes:text/csv", frame), b"loss,at\n0.5,2025-01-01\n,\n")
        expected = [{"loss": 0.5, "at": "2025-01-01T00:00:00"}, {"loss": {"$number": "NaN"}, "at": None}]
        self.assertEqual(form({"all": frame}), {"all": expected})
        named = pandas.DataFrame({"n": [1]}, index=pandas.Index(["x"], name="key"))
        self.assertEqual(form(named), [{"key": "x", "n": 1}])
        self.assertEqual(content("bytes:text/csv", named), b"key,n\nx,1\n")
        self.assertEqual(form(pandas.Series([1, 2])), [1, 2])
        twice = pandas.DataFrame([[1, 2]], columns=["a", "a"])
        self.assertIn("two columns are called 'a'", faults("json", twice)[0][1])


class Pictures(unittest.TestCase):
    def test_the_content_of_a_file_is_a_picture_of_its_kind(self) -> None:
        self.assertEqual(content("bytes:image/png", tutti.Image(PNG + b"rest")), PNG + b"rest")
        self.assertEqual(tutti.Image(b"\xff\xd8\xff\xe0").media_type, "image/jpeg")
        self.assertIn("image/png", faults("bytes:image/png", tutti.Image(b"GIF89a"))[0][1])
        shown = form([tutti.Image(PNG)])
        self.assertEqual(shown, [{"media_type": "image/png", "base64": base64.b64encode(PNG).decode()}])
        for other in (b"text", "path.png", 7):
            with self.assertRaises(ValueError):
                tutti.Image(other)

    def test_an_array_is_a_picture(self) -> None:
        try:
            import numpy
            from PIL import Image
        except ImportError:
            self.skipTest("needs numpy and Pillow")
        import io

        for array in (
            numpy.arange(12, dtype="uint8").reshape(3, 4),
            numpy.arange(36, dtype="uint8").reshape(3, 4, 3),
            numpy.arange(48, dtype="uint8").reshape(3, 4, 4),
        ):
            seen = numpy.asarray(Image.open(io.BytesIO(content("bytes:image/png", array))))
            self.assertTrue((seen == array).all())
        halves = numpy.asarray(Image.open(io.BytesIO(content("bytes:image/png", numpy.array([[0.0, 0.5, 1.0]])))))
        self.assertEqual(halves.tolist(), [[0, 128, 255]])
        self.assertTrue(content("bytes", numpy.zeros(3)).startswith(b"\x93NUMPY"))
        for wrong in (numpy.array([[256]]), numpy.array([[1.5]]), numpy.zeros(3), numpy.zeros((2, 2, 5)), numpy.array([["a"]])):
            self.assertEqual(faults("bytes:image/png", wrong)[0][0], "unencodable")

    def test_an_image_and_a_figure_are_pictures(self) -> None:
        try:
            import matplotlib
            from PIL import Image
        except ImportError:
            self.skipTest("needs matplotlib and Pillow")
        matplotlib.use("Agg")
        from matplotlib import pyplot

        image = Image.new("RGB", (4, 3), "red")
        self.assertTrue(content("bytes:image/png", image).startswith(PNG))
        self.assertTrue(content("bytes:image/jpeg", image).startswith(b"\xff\xd8\xff"))
        figure, axes = pyplot.subplots()
        axes.plot([1, 2])
        for drawn in (figure, axes, tutti.Image(figure)):
            self.assertTrue(content("bytes:image/png", drawn).startswith(PNG))
        self.assertIn(b"<svg", content("bytes:image/svg+xml", figure))
        self.assertTrue(content("bytes", figure).startswith(PNG))
        self.assertEqual(form({"plot": figure})["plot"]["media_type"], "image/png")
        self.assertEqual(faults("bytes:text/csv", figure)[0][0], "unencodable")
        pyplot.close(figure)
