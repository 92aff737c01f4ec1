"""The key pair of a node, in a file that only its user can read, and the keys of the orchestrators that it has joined.

A join token contains the orchestrator's key. It is kept with the addresses of the node, so that from then on an address is enough; a
connection to an address that was never joined is not encrypted. Orchestrators at several addresses have one store, and its key.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import zmq
from zmq.utils import z85 as _z85

from ..errors import TuttiError

# It has no types in every version that is supported.
z85: Any = _z85

_PREFIX = "tutti-join-"
_KEY_BYTES = 32


class Curve(NamedTuple):
    """Keys as Z85."""

    server_key: bytes
    public_key: bytes
    secret_key: bytes


def curves_of(module: str, controls: Sequence[str], join: str, folder: str) -> List[Optional[Curve]]:
    """For each address how to encrypt; nothing where no orchestrator at these addresses was ever joined. Raises ``TuttiError`` ``bad_keys``."""
    path = os.path.join(folder, f"{module}.json")
    try:
        own = _read(path)
        if join:
            own = _remember(path, own, controls, _server_of(join))
        known = [own["servers"].get(control) if own else None for control in controls]
        shared = next((server for server in known if server is not None), None)
        if own is None or shared is None:
            return [None for _ in controls]
        public, secret = own["public_key"].encode(), own["secret_key"].encode()
        return [Curve((server or shared).encode(), public, secret) for server in known]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "TUTTI_KEYS names the folder; without the file, the node joins again with TUTTI_JOIN"
        message = f"the node's keys in {path} cannot be used: {error}"
        raise TuttiError("bad_keys", message, hint) from error


def _server_of(join: str) -> str:
    text = join[len(_PREFIX) :]
    secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return str(z85.encode(secret[:_KEY_BYTES]), "ascii")


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            own: Dict[str, Any] = json.load(file)
            return own
    except FileNotFoundError:
        return None


def _remember(path: str, before: Optional[Dict[str, Any]], controls: Sequence[str], server: str) -> Dict[str, Any]:
    if before is not None and all(before["servers"].get(control) == server for control in controls):
        return before
    if before is None:
        public, secret = zmq.curve_keypair()
        own: Dict[str, Any] = {"public_key": public.decode(), "secret_key": secret.decode(), "servers": {}}
    else:
        own = before
    own = {**own, "servers": {**own["servers"], **{control: server for control in controls}}}
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.{secrets.token_hex(6)}.part"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(own, file)
    try:
        if before is not None:
            os.replace(temporary, path)
            return own
        # Of several processes that start at once, the first one's key is everybody's.
        os.link(temporary, path)
        return own
    except FileExistsError:
        return _remember(path, _read(path), controls, server)
    finally:
        try:
            os.unlink(temporary)
        except FileNotFoundError:
            pass
