"""A small training: every kind of output that people look at."""

import math
import os

import matplotlib
import numpy
import tutti

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


def measure(task):
    xs = numpy.linspace(0, 1, 200)
    return tutti.Table([{"x": float(x), "y": float(3 * x + 1), "note": f"point, {at}"} for at, x in enumerate(xs)])


def fit(task):
    rate = task.inputs.settings["rate"]
    losses = []
    for step in range(30):
        losses.append(math.nan if rate > 1 and step > 10 else math.exp(-rate * step / 5) + 0.01 * (step % 3))
        task.metrics(step, loss=losses[-1], accuracy=1 - losses[-1] / 2)
    return {
        "loss": losses[-1],
        "losses": losses,
        "slope": 3.0000000000001,
        "weights": numpy.arange(12, dtype="float64").reshape(3, 4) / 7,
        "folds": [{"fold": at, "score": 0.9 + at / 100, "ok": at != 2} for at in range(5)],
        "tags": {"b", "a"},
        "summary": tutti.Markdown("All *went* well."),
        "picture": tutti.Image(numpy.eye(8)),
        "names": [f"name {at}" for at in range(100)],
    }


def model(task):
    grid = numpy.add.outer(numpy.arange(24.0), numpy.arange(32.0))
    grid[0, 0] = math.nan
    return grid.astype("float32")


def plot(task):
    figure, axes = pyplot.subplots(figsize=(5, 3))
    axes.plot(numpy.linspace(0, 1, 50) ** 2)
    axes.set_title("Fit")
    return figure


def report(task):
    return tutti.Markdown(
        "# Results\n\nThe slope is **3.0**.\n\n| fold | score |\n|---|---|\n| 1 | 0.91 |\n\n"
        "<script>document.title = 'taken'</script>\n\n[elsewhere](https://example.org/)\n"
    )


def page(task):
    return tutti.Html(
        "<!doctype html><h1>A page</h1><p id=here>As it came.</p>"
        "<script>parent.document.title = 'taken'; document.getElementById('here').textContent = 'Changed.'</script>"
    )


def pickled(task):
    return bytes(range(256)) * 40


def plain(task):
    return tutti.Image(numpy.zeros((16, 24), dtype="uint8"))


def summary(task):
    figure, axes = pyplot.subplots(figsize=(4, 2))
    axes.plot(task.inputs.fit["losses"])
    task.output("figure", figure)
    return {"text": tutti.Markdown("# Summary"), "score": {"accuracy": 0.9}}


MODULES = (measure, fit, model, plot, report, page, pickled, plain, summary)

if __name__ == "__main__":
    tutti.serve([tutti.node(each.__name__, instance=f"{each.__name__}-1")(each) for each in MODULES])
