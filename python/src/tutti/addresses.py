"""Addresses of the orchestrator as this node reaches them."""

from __future__ import annotations

import re


def as_dialled(address: str, control: str) -> str:
    """A host of ``*`` stands for the host that the node dialled.

    >>> as_dialled("tcp://*:7401", "tcp://10.0.0.2:7400")
    'tcp://10.0.0.2:7401'
    """
    dialled = re.match(r"[a-z]+://(\[[^\]]*\]|[^:/]*)", control)
    if dialled is None or not dialled[1]:
        return address
    host = dialled[1]
    return re.sub(r"^([a-z]+://)\*(?=[:/]|$)", lambda found: found[1] + host, address)
