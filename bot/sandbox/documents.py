"""JSON documents by kind and key: read from memory, kept in one SQLite file, so that a restart keeps everything."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Documents:
    """The stand-ins' memory.

    A document that was read is the stored one: whoever changes it does so under `lock` and calls `put` afterwards.
    """

    def __init__(self, path: Path) -> None:
        """Open (or create) the file at `path` and read all of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._kinds: dict[str, dict[str, Json]] = {}
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # A sandbox survives the end of its process; it need not survive a power cut.
        self._database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
            "CREATE TABLE IF NOT EXISTS documents"
            " (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS counters (kind TEXT PRIMARY KEY, last INTEGER NOT NULL);"
        )
        for kind, key, body in self._database.execute("SELECT kind, key, body FROM documents"):
            self._kinds.setdefault(kind, {})[key] = json.loads(body)
        self._counters: dict[str, int] = dict(self._database.execute("SELECT kind, last FROM counters"))

    def put(self, kind: str, key: object, document: Json) -> Json:
        """Store `document` and return it."""
        with self.lock:
            self._kinds.setdefault(kind, {})[str(key)] = document
            self._database.execute(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, str(key), json.dumps(document))
            )
        return document

    def get(self, kind: str, key: object) -> Json | None:
        """Return one document, or None."""
        with self.lock:
            return self._kinds.get(kind, {}).get(str(key))

    def all(self, kind: str) -> list[Json]:
        """Return all documents of a kind, in no particular order."""
        with self.lock:
            return list(self._kinds.get(kind, {}).values())

    def delete(self, kind: str, key: object) -> None:
        """Remove one document, if it is there."""
        with self.lock:
            self._kinds.get(kind, {}).pop(str(key), None)
            self._database.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, str(key)))

    def next_id(self, kind: str) -> int:
        """Return the next number of a series; numbers are never given twice."""
        with self.lock:
            number = self._counters.get(kind, 0) + 1
            self._counters[kind] = number
            self._database.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (kind, number))
        return number

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write many documents at once (the first filling of the company)."""
        with self.lock:
            self._database.execute("BEGIN")
            try:
                yield
            finally:
                self._database.execute("COMMIT")

    def close(self) -> None:
        """Close the file; nothing may be written afterwards."""
        with self.lock:
            self._database.close()
