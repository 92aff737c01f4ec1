"""Large payloads over HTTPS, against a server of this process."""

from __future__ import annotations

import hashlib
import http.server
import ssl
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from select import select
from typing import List, Optional

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from tutti.errors import ReportedError  # noqa: E402
from tutti.network.blobs import Blobs  # noqa: E402
from tutti.protocol import BlobRef  # noqa: E402

CERTIFICATES = ROOT.parent / "test/support/tls"


class Tokens(unittest.TestCase):
    def test_that_of_the_registration_is_shown_first_and_after_a_refusal_the_next_one(self) -> None:
        shown: List[Optional[str]] = []
        content = b"a large payload"

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shown.append(self.headers.get("Authorization"))
                is_first = len(shown) == 1
                blobs.set_token("second")
                self.send_response(401 if is_first else 200)
                self.end_headers()
                self.wfile.write(b"" if is_first else content)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        told: List[Optional[ReportedError]] = []
        blobs = Blobs("configured")
        base = f"http://127.0.0.1:{server.server_address[1]}/v1/blobs"
        blobs.set_base(base)
        blobs.set_token("first")
        blob = BlobRef(hashlib.sha256(content).hexdigest(), len(content))
        with tempfile.TemporaryDirectory() as folder:
            blobs.get(blob, f"{base}/{blob.sha256}", f"{folder}/blob", told.append)
            select([blobs], [], [], 20)
            blobs.collect()
            self.assertEqual(Path(folder, "blob").read_bytes(), content)
        self.assertEqual((told, shown), ([None], ["Bearer first", "Bearer second"]))


class Certificates(unittest.TestCase):
    def test_one_that_is_not_trusted_here_is_an_error_that_says_what_helps(self) -> None:
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / "first.cert.pem", CERTIFICATES / "first.key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

        told: List[Optional[ReportedError]] = []
        blobs = Blobs("")
        url = f"https://127.0.0.1:{server.server_address[1]}/v1/blobs/{'0' * 64}"
        with tempfile.TemporaryDirectory() as folder:
            blobs.get(BlobRef("0" * 64, 1), url, f"{folder}/blob", told.append)
            select([blobs], [], [], 20)
            blobs.collect()
        [error] = told
        assert error is not None
        self.assertEqual((error.code, error.retryable), ("blob_refused", False))
        self.assertRegex(error.message, "is not trusted here .*SSL_CERT_FILE")


if __name__ == "__main__":
    unittest.main()
