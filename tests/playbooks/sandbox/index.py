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
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

UNSTEADY = "/unsteady/"
"""Below this, with a name of one's own behind it, the first request for each file is answered with 502."""

_TIMEOUT = """\
import signal
import pytest

def pytest_addoption(parser):
    parser.addini("timeout", "seconds a test may take", default="0")

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    limit = float(item.config.getini("timeout"))
    def late(*_):
        pytest.fail(f"Timeout (>{limit}s) from pytest-timeout.")
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
"""


@dataclass(frozen=True)
class Wheel:
    """A Python package of one module; the module is named like it where nothing else is said."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    module: str = ""
    code: str = ""
    entry_points: str = ""


@dataclass(frozen=True)
class NodePackage:
    """An npm package of one file."""

    name: str
    version: str
    peers: dict[str, str] = field(default_factory=dict)
    program: str = ""
    """The code of the program that it brings under its own name; none where it is empty."""


WHEELS = (
    Wheel("lanternlib", "1.3.0", code="BRIGHT = 1\n"),
    Wheel("lanternlib", "1.4.0", code="BRIGHT = 1\n"),
    Wheel("lanternlib", "2.0.0rc1", code="BRIGHT = 1\n"),
    Wheel("PyYAML", "6.0.2", module="yaml", code="def safe_load(text):\n    return {}\n"),
    Wheel("wicklib", "1.1.0"),
    Wheel("wicklib", "1.2.0"),
    Wheel("wicklib", "2.0.0"),
    Wheel("shadelib", "3.0.0", ("wicklib>=1.2",), code="import wicklib\n"),
    Wheel("bandit", "1.8.0", code="print('No issues identified.')\n"),
    Wheel("PyJWT", "2.9.0", module="jwt"),
    Wheel(
        "pytest-timeout",
        "2.3.1",
        module="pytest_timeout",
        code=_TIMEOUT,
        entry_points="[pytest11]\ntimeout = pytest_timeout\n",
    ),
)
NODE = (
    NodePackage("left-lantern", "3.0.1"),
    NodePackage("left-lantern", "3.0.2"),
    NodePackage("right-lantern", "1.0.0", peers={"left-lantern": "^3.0.0"}),
    NodePackage("right-lantern", "2.0.0", peers={"left-lantern": "^4.0.0"}),
    NodePackage("@shop/lamp", "0.4.0"),
    NodePackage("rimraf", "6.0.1", program="console.log('gone')\n"),
)


def wheel(package: Wheel) -> bytes:
    """A wheel's content."""
    safe = package.name.replace("-", "_")
    about = f"{safe}-{package.version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in package.requires)
    files = {
        f"{package.module or safe}.py": package.code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.version}\n{needs}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if package.entry_points:
        files[f"{about}/entry_points.txt"] = package.entry_points
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, content)
    return out.getvalue()


def _manifest(package: NodePackage) -> dict[str, Any]:
    told: dict[str, Any] = {"name": package.name, "version": package.version, "main": "i.js"}
    if package.peers:
        told["peerDependencies"] = package.peers
    if package.program:
        told["bin"] = {package.name: "run.js"}
    return told


def _tarball(package: NodePackage) -> bytes:
    files = {"package.json": json.dumps(_manifest(package)), "i.js": "module.exports = 1\n"}
    if package.program:
        files["run.js"] = f"#!/usr/bin/env node\n{package.program}"
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content.encode()))
    return out.getvalue()


def _pages(url: str) -> dict[str, tuple[str, bytes]]:
    """Path → content type and content."""
    pages: dict[str, tuple[str, bytes]] = {}
    links: dict[str, list[str]] = {}
    for each in WHEELS:
        file = f"{each.name.replace('-', '_')}-{each.version}-py3-none-any.whl"
        pages[f"/files/{file}"] = ("application/octet-stream", wheel(each))
        links.setdefault(each.name.lower(), []).append(f'<a href="../../files/{file}">{file}</a>')
    for name, found in links.items():
        pages[f"/simple/{name}/"] = ("text/html", "<br>".join(found).encode())
    told: dict[str, dict[str, Any]] = {}
    for package in NODE:
        data = _tarball(package)
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
        path = f"/npm/{package.name}/-/{package.name.rpartition('/')[2]}-{package.version}.tgz"
        pages[path] = ("application/octet-stream", data)
        about = told.setdefault(package.name, {"name": package.name, "dist-tags": {}, "versions": {}})
        about["dist-tags"]["latest"] = package.version
        shasum = hashlib.sha1(data).hexdigest()  # noqa: S324 - npm's own field
        dist = {"tarball": f"{url}{path}", "integrity": integrity, "shasum": shasum}
        about["versions"][package.version] = {**_manifest(package), "dist": dist}
    for name, about in told.items():
        pages[f"/npm/{name}"] = ("application/json", json.dumps(about).encode())
    return pages


@contextmanager
def serving() -> Iterator[str]:
    """Serve both, and be a proxy to both for hosts of any name; yields the address."""
    pages: dict[str, tuple[str, bytes]] = {}
    asked: set[str] = set()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            with lock:
                first = path.startswith(UNSTEADY) and path not in asked
                asked.add(path)
            if path.startswith(UNSTEADY):
                path = "/" + path.removeprefix(UNSTEADY).partition("/")[2]
            kind, data = pages.get(path, ("text/plain", b""))
            # Of an unsteady index the lists of versions are there, and the packages are not, as when a store behind it is away.
            away = first and not path.startswith("/simple/")
            self.send_response(502 if away else 200 if path in pages else 404)
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
