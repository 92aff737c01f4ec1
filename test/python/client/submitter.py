"""Submits one problem once the file that is named exists, and prints its task."""

import os
import sys
import time

from tutti import Tutti

with Tutti() as tutti:
    tutti.request("GET", "/v1/stats")
    print("ready", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.02)
    print("task", tutti.submit("fit", {"points": [[0, 0], [1, 1]], "rate": 0.1, "epochs": 2}).task_id, flush=True)
