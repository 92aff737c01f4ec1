"""Large payloads as files, so that they cross no pipe and need not be in memory twice.

1. A spool is a folder of one process, which holds a lock in it from before the folder has its name until it ends, however it ends.
2. So a spool whose lock can be had no longer belongs to a process, and the next process removes it.
3. A node without a temporary folder that can be written works: only what has to go into a file fails, with ``no_temp_folder``. A folder
   that was removed meanwhile (by a handler, or by what cleans the system's folder) is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import uuid
import weakref
from glob import escape, glob
from pathlib import PurePath
from typing import Optional, Union

from .errors import TuttiError
from .messages import Content, Spooled

_CHUNK_BYTES = 1 << 20
_PREFIX = "tutti-node-"
_LOCK = "lock"


def spool(content: Union[bytes, PurePath], directory: str) -> Spooled:
    """Keeps bytes, or a copy of a file as it is now. Raises ``TuttiError`` ``no_temp_folder``."""
    digest = hashlib.sha256()
    size = 0
    try:
        path = new_path(directory)
        with open(path, "wb") as target:
            if isinstance(content, bytes):
                digest.update(content)
                size = target.write(content)
            else:
                with open(content, "rb") as source:
                    for chunk in iter(lambda: source.read(_CHUNK_BYTES), b""):
                        digest.update(chunk)
                        size += target.write(chunk)
    except OSError as error:
        raise no_temp_folder(str(error)) from error
    return Spooled(path, digest.hexdigest(), size)


def new_path(directory: str) -> str:
    """For a file in the spool. Raises ``TuttiError`` ``no_temp_folder``."""
    if not directory:
        raise no_temp_folder("no folder is writable")
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
    except OSError as error:
        raise no_temp_folder(str(error)) from error
    return os.path.join(directory, uuid.uuid4().hex)


def no_temp_folder(why: str) -> TuttiError:
    told = f"a payload that is too large to go inline cannot be kept in the temporary folder: {why}"
    return TuttiError("no_temp_folder", told, "set TMPDIR to a writable folder with free space")


def read(content: Content) -> bytes:
    """All of it."""
    if isinstance(content, bytes):
        return content
    with open(content.path, "rb") as file:
        return file.read()


class OwnedFile:
    """Deletes its file when it is no longer needed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._finalizer = weakref.finalize(self, _remove, path)


class Spool:
    """A folder for payloads, in the system's temporary folder."""

    def __init__(self) -> None:
        self.directory = ""
        """Empty: no folder is writable."""
        self.problem = ""
        self._lock: Optional[int] = None
        try:
            self._make()
        except OSError as error:
            self.problem = str(error)

    def _make(self) -> None:
        hidden = tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=os.path.abspath(tempfile.gettempdir()))
        self.directory = hidden
        self._lock = _locked(os.path.join(hidden, _LOCK), os.O_CREAT | os.O_EXCL)
        # Where there are no locks, nobody could tell later whether it is still needed.
        if self._lock is not None:
            parent, name = os.path.split(hidden)
            os.rename(hidden, os.path.join(parent, name[1:]))
            self.directory = os.path.join(parent, name[1:])

    def remove(self) -> None:
        if not self.directory:
            return
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)


def remove_abandoned() -> None:
    """The spools of this user's processes that were killed."""
    for directory in glob(os.path.join(escape(tempfile.gettempdir()), f"{_PREFIX}*")):
        lock = _locked(os.path.join(directory, _LOCK)) if _is_own(directory) else None
        if lock is not None:
            shutil.rmtree(directory, ignore_errors=True)
            os.close(lock)


def _is_own(directory: str) -> bool:
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _locked(path: str, flags: int = 0) -> Optional[int]:
    """The file's descriptor with its lock, which ends with the process; nothing where it cannot be had."""
    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | flags, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
