"""The emulator's own SQLite file: records, messages, the journal, and webhooks not yet taken.

Writes are collected and committed once a turn of the loop, before any answer of that turn leaves the machine's buffers;
a killed process loses at most that turn. Only the records are held in memory.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from messaging.emulator.records import Message, as_row

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, data TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    wamid TEXT PRIMARY KEY, number_id TEXT, customer INTEGER, outbound INTEGER, status TEXT, at REAL, data TEXT);
CREATE INDEX IF NOT EXISTS message_chat ON message (number_id, customer, at);
CREATE INDEX IF NOT EXISTS message_in_flight ON message (status) WHERE outbound AND status IN ('accepted', 'sent');
CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, kind TEXT, data TEXT);
CREATE TABLE IF NOT EXISTS pending (id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT);
"""


def dumps(data: Any) -> str:
    """Compact JSON, in ASCII: what came may hold half a surrogate pair, which no file takes as UTF-8."""
    return json.dumps(data, separators=(",", ":"))


class Store:
    """One connection, used from one thread. `later` schedules the commit of this turn (the loop's call_soon)."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        name = ":memory:" if folder is None else str(folder / "emulator.sqlite3")
        self.database = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
        self.database.execute("PRAGMA journal_mode=WAL")
        # The machine's crash may cost the last moments of a demo; a killed process costs none.
        self.database.execute("PRAGMA synchronous=OFF")
        self.database.executescript(SCHEMA)
        self.later: Callable[[Callable[[], None]], Any] = lambda commit: commit()
        self._open = False

    def write(self, sql: str, *values: Any) -> int:
        """Execute one change; the id of an inserted row."""
        if not self._open:
            self.database.execute("BEGIN")
            self._open = True
            self.later(self.commit)
        return self.database.execute(sql, values).lastrowid or 0

    def commit(self) -> None:
        """Make this turn's changes last."""
        if self._open:
            self._open = False
            self.database.execute("COMMIT")

    def close(self) -> None:
        """Commit and let the file go."""
        self.commit()
        self.database.close()

    def save(self, kind: str, key: str, data: dict[str, Any]) -> None:
        """Insert or replace a record."""
        self.write("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", kind, key, dumps(data))

    def delete(self, kind: str, key: str) -> None:
        """Remove a record."""
        self.write("DELETE FROM record WHERE kind = ? AND key = ?", kind, key)

    def records(self, kind: str) -> Iterator[dict[str, Any]]:
        """All records of a kind."""
        for (data,) in self.database.execute("SELECT data FROM record WHERE kind = ?", (kind,)):
            yield json.loads(data)

    def save_message(self, message: Message) -> None:
        """Insert or replace a message."""
        self.write(
            "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)",
            message.wamid,
            message.number_id,
            message.customer,
            message.outbound,
            message.status,
            message.at,
            dumps(as_row(message)),
        )

    def message(self, wamid: str) -> Message | None:
        """The message with this id."""
        return next(self._messages("wamid = ?", wamid), None)

    def chat(self, number_id: str | None, customer: int) -> list[Message]:
        """A customer's messages, oldest first, with one number or with all."""
        if number_id is None:
            return list(self._messages("customer = ? ORDER BY at, rowid", customer))
        return list(self._messages("number_id = ? AND customer = ? ORDER BY at, rowid", number_id, customer))

    def in_flight(self) -> list[Message]:
        """Business messages that were accepted and have not reached a phone."""
        return list(self._messages("outbound AND status IN ('accepted', 'sent') ORDER BY at, rowid"))

    def _messages(self, where: str, *values: Any) -> Iterator[Message]:
        # S608: `where` is one of the four texts above, never a value.
        rows = self.database.execute(f"SELECT status, data FROM message WHERE {where}", values)  # noqa: S608
        for status, data in rows.fetchall():
            message = Message(**json.loads(data))
            message.status = status
            yield message

    def set_status(self, wamid: str, status: str) -> None:
        """Write a message's new status."""
        self.write("UPDATE message SET status = ? WHERE wamid = ?", status, wamid)

    def log(self, at: float, kind: str, data: dict[str, Any]) -> None:
        """Append to the journal."""
        self.write("INSERT INTO journal (at, kind, data) VALUES (?, ?, ?)", at, kind, dumps(data))

    def journal(self, since: int, limit: int | None) -> list[dict[str, Any]]:
        """Journal entries after the one with id `since`, in order."""
        rows = self.database.execute(
            "SELECT id, at, kind, data FROM journal WHERE id > ? ORDER BY id LIMIT ?",
            (since, -1 if limit is None else limit),
        )
        return [{"id": row[0], "at": row[1], "kind": row[2], **json.loads(row[3])} for row in rows]

    def first_entry_at(self, at: float) -> int:
        """The `since` that gives the entries from a moment on (shown times are rounded to microseconds)."""
        row = self.database.execute("SELECT max(id) FROM journal WHERE at < ?", (at - 1e-6,)).fetchone()
        return row[0] or 0

    def keep_pending(self, data: dict[str, Any]) -> int:
        """Remember a webhook until it was taken; its id."""
        return self.write("INSERT INTO pending (data) VALUES (?)", dumps(data))

    def drop_pending(self, number: int) -> None:
        """A webhook was taken."""
        self.write("DELETE FROM pending WHERE id = ?", number)

    def pending(self) -> list[tuple[int, dict[str, Any]]]:
        """Webhooks not yet taken, oldest first."""
        return [(row[0], json.loads(row[1])) for row in self.database.execute("SELECT * FROM pending ORDER BY id")]

    def clear(self) -> None:
        """Forget all; journal ids go on counting, so that an old `since` never hides new entries."""
        for table in ("record", "message", "journal", "pending"):
            self.write(f"DELETE FROM {table}")  # noqa: S608 (four fixed names)
