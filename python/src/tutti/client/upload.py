"""Files that a request names: each is uploaded as a blob first."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Dict, Mapping, Union

from .transport import Transport

Content = Union[str, bytes, Path]
"""A text, bytes, or the ``Path`` of a file."""


async def upload_all(transport: Transport, files: Mapping[str, Content]) -> Dict[str, str]:
    """By path, the SHA-256."""
    return {path: await upload(transport, content) for path, content in files.items()}


async def upload(transport: Transport, content: Content) -> str:
    """Its SHA-256."""
    data = content.read_bytes() if isinstance(content, Path) else content.encode() if isinstance(content, str) else content
    sha256 = hashlib.sha256(data).hexdigest()
    await transport.request("PUT", f"/v1/blobs/{sha256}", None, data, {"content-type": "application/octet-stream"})
    return sha256
