"""A Python node that does next to nothing: module and capacity are its arguments. On stdout: ``ready``, once it may be given work."""

import sys

from tutti import node

MODULE, CAPACITY = sys.argv[1], int(sys.argv[2])
OUTPUT = bytes(200)


@node(MODULE, capacity=CAPACITY, instance="python", on_start=lambda: print("ready", flush=True))
async def work(task):
    return OUTPUT
