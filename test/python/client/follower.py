"""Prints the ``seq`` of every event after the cursor, as they come."""

import sys

from tutti import Tutti

with Tutti() as tutti:
    print("following", flush=True)
    for event in tutti.follow(cursor=int(sys.argv[1])):
        print(event["type"] if event["type"] == "gap" else event["seq"], flush=True)
