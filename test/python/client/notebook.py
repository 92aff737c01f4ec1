"""Executes a notebook and prints, as JSON, the media types of what its cells show, and what they print."""

import json
import sys

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
types = [sorted(output["data"]) for output in shown if "data" in output]
print(json.dumps({"types": types, "text": "".join(output.get("text", "") for output in shown)}))
