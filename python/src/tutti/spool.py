"""Large payloads as files, so that they cross no pipe and need not be in memory twice."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
import weakref
from pathlib import PurePath
from typing import Union

from .messages import Content, Spooled

_CHUNK_BYTES = 1 << 20


def spool(content: Union[bytes, PurePath], directory: str) -> Spooled:
    """Keeps bytes, or a copy of a file as it is now. Raises ``OSError``."""
    path = os.path.join(directory, uuid.uuid4().hex)
    digest = hashlib.sha256()
    size = 0
    with open(path, "wb") as target:
        if isinstance(content, bytes):
            digest.update(content)
            size = target.write(content)
        else:
            with open(content, "rb") as source:
                for chunk in iter(lambda: source.read(_CHUNK_BYTES), b""):
                    digest.update(chunk)
                    size += target.write(chunk)
    return Spooled(path, digest.hexdigest(), size)


def read(content: Content) -> bytes:
    """All of it."""
    if isinstance(content, bytes):
        return content
    with open(content.path, "rb") as file:
        return file.read()


class OwnedFile:
    """Deletes its file when nobody needs it any more."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._finalizer = weakref.finalize(self, _remove, path)


def remove_spool(directory: str) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
