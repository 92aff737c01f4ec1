"""Both modules of graph.yaml: ``python nodes.py`` serves them. They need numpy."""

import logging
import math

import numpy as np

from tutti import Image, node, serve

EPOCH_S = 0.005
"""So that there is something to watch."""
WIDTH, HEIGHT = 320, 200


@node("train", capacity=4)
def train(task):
    request = task.inputs.request
    x, y = np.array(request["points"], dtype=float).T
    slope = offset = 0.0
    curve = []
    epochs = request.get("epochs", 40)
    for epoch in range(epochs):
        error = slope * x + offset - y
        loss = float(np.mean(error**2))
        if not math.isfinite(loss) or loss > 1e12:
            raise ArithmeticError(f"the loss is {loss:.3g} at epoch {epoch}: use a smaller rate than {request['rate']}")
        curve.append(loss)
        slope -= request["rate"] * 2 * float(np.mean(error * x))
        offset -= request["rate"] * 2 * float(np.mean(error))
        task.progress((epoch + 1) / epochs, f"epoch {epoch + 1} of {epochs}")
        task.sleep(EPOCH_S)
    logging.info("trained to a loss of %.4f", curve[-1])
    return {"slope": slope, "offset": offset, "loss": curve[-1], "curve": curve}


@node("plot", capacity=4)
def plot(task):
    """The points and the line, as a picture."""
    x, y = np.array(task.inputs.request["points"], dtype=float).T
    line = task.inputs.train
    pixels = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    columns = np.arange(WIDTH)
    along = np.interp(columns, (0, WIDTH - 1), (x.min(), x.max()))
    rows = row_of(line["slope"] * along + line["offset"], y)
    pixels[rows, columns] = (9, 105, 218)
    for column, row in zip(np.interp(x, (x.min(), x.max()), (0, WIDTH - 1)).astype(int), row_of(y, y)):
        pixels[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3] = (207, 34, 46)
    return Image(pixels)


def row_of(value, y):
    share = (value - y.min()) / max(float(np.ptp(y)), 1e-9)
    return np.clip(HEIGHT - 10 - share * (HEIGHT - 20), 0, HEIGHT - 1).astype(int)


if __name__ == "__main__":
    serve([train, plot])
