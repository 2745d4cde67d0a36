"""`ENGINE = "workspaces.sqlite"`: WAL, FULL, IMMEDIATE, 20 s time-out, and writers in one fair line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base as sqlite3

from workspaces.sqlite.lock import WriteLock

TIMEOUT_SECONDS = 20


class DatabaseWrapper(sqlite3.DatabaseWrapper):
    """Django's wrapper; a transaction takes the write lock before BEGIN IMMEDIATE and keeps it to its end."""

    write_lock: WriteLock | None = None
    transaction_mode: str | None

    def get_connection_params(self) -> dict[str, Any]:
        """Django's parameters; what OPTIONS names wins over our defaults."""
        params = super().get_connection_params()
        params.setdefault("timeout", TIMEOUT_SECONDS)
        if self.transaction_mode is None:
            # A deferred transaction that reads first and writes later fails at once with "database is locked".
            self.transaction_mode = "IMMEDIATE"
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the file in WAL mode, with commits that survive a power cut (a webhook was answered 200)."""
        connection = super().get_new_connection(conn_params)
        file_name = connection.execute("PRAGMA database_list").fetchone()[2]
        self.write_lock = WriteLock(Path(file_name)) if file_name else None
        if self.write_lock and connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            self.write_lock.acquire()
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                self.write_lock.release()
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Transactions begun inside are DEFERRED, take no lock, and cannot write (OperationalError)."""
        mode, self.transaction_mode = self.transaction_mode, "DEFERRED"
        self.connection.execute("PRAGMA query_only = ON")
        try:
            yield
        finally:
            self.transaction_mode = mode
            if self.connection is not None:
                self.connection.execute("PRAGMA query_only = OFF")

    def _start_transaction_under_autocommit(self) -> None:
        if self.write_lock and self.transaction_mode == "IMMEDIATE":
            self.write_lock.acquire()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._release_when_over()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._release_when_over()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._release_when_over()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if self.write_lock:
                self.write_lock.close()

    def _release_when_over(self) -> None:
        # A COMMIT that fails on a deferred foreign key leaves the transaction open: the lock stays until ROLLBACK.
        if self.write_lock and not (self.connection is not None and self.connection.in_transaction):
            self.write_lock.release()
