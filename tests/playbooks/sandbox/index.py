"""A small package index for pip and a registry for npm, on this machine, with packages made on the spot."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

# name, version, requirements, module, code
WHEELS = (
    ("lanternlib", "1.3.0", (), "lanternlib", "BRIGHT = 1\n"),
    ("lanternlib", "1.4.0", (), "lanternlib", "BRIGHT = 1\n"),
    ("lanternlib", "2.0.0rc1", (), "lanternlib", "BRIGHT = 1\n"),
    ("PyYAML", "6.0.2", (), "yaml", "def safe_load(text):\n    return {}\n"),
    ("wicklib", "1.1.0", (), "wicklib", ""),
    ("wicklib", "1.2.0", (), "wicklib", ""),
    ("wicklib", "2.0.0", (), "wicklib", ""),
    ("shadelib", "3.0.0", ("wicklib>=1.2",), "shadelib", "import wicklib\n"),
)
NODE = {"left-lantern": ("3.0.1", "3.0.2")}


def wheel(name: str, version: str, requires: tuple[str, ...] = (), module: str = "", code: str = "") -> bytes:
    """A wheel of one module."""
    safe = name.replace("-", "_")
    about = f"{safe}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        f"{module or safe}.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, text)
    return out.getvalue()


def node_package(name: str, version: str) -> bytes:
    """An npm package of one file."""
    files = {
        "package.json": json.dumps({"name": name, "version": version, "main": "i.js"}),
        "i.js": "module.exports = 1\n",
    }
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def _pages(url: str) -> dict[str, tuple[str, bytes]]:
    """Path → content type and content."""
    pages: dict[str, tuple[str, bytes]] = {}
    links: dict[str, list[str]] = {}
    for name, version, requires, module, code in WHEELS:
        file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        pages[f"/files/{file}"] = ("application/octet-stream", wheel(name, version, requires, module, code))
        links.setdefault(name.lower(), []).append(f'<a href="/files/{file}">{file}</a>')
    for name, found in links.items():
        pages[f"/simple/{name}/"] = ("text/html", "<br>".join(found).encode())
    for name, versions in NODE.items():
        about: dict[str, Any] = {"name": name, "dist-tags": {"latest": versions[-1]}, "versions": {}}
        for version in versions:
            data = node_package(name, version)
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
            tarball = f"{url}/npm/{name}/-/{name}-{version}.tgz"
            about["versions"][version] = {
                "name": name,
                "version": version,
                "main": "i.js",
                "dist": {"tarball": tarball, "integrity": integrity, "shasum": hashlib.sha1(data).hexdigest()},  # noqa: S324 - npm's own field
            }
            pages[f"/npm/{name}/-/{name}-{version}.tgz"] = ("application/octet-stream", data)
        pages[f"/npm/{name}"] = ("application/json", json.dumps(about).encode())
    return pages


@contextmanager
def serving() -> Iterator[str]:
    """Serve both; yields the address."""
    pages: dict[str, tuple[str, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, data = pages.get(unquote(self.path), ("text/plain", b""))
            self.send_response(200 if unquote(self.path) in pages else 404)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    pages.update(_pages(url))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
