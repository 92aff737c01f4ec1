"""A node with several outputs: one leaves before the others, and `forget` says which one does not come."""

from tutti import node


@node("train")
def train(task):
    request = task.inputs.request
    task.output("plot", b"\x89PNG\r\n\x1a\nlines")
    outputs = {"score": {"loss": request["loss"]}, "report": "# Results"}
    outputs.pop(request.get("forget", ""), None)
    return outputs
