"""What the plugin stored, read the way anybody may: with SQLite, beside the running broker."""

import dataclasses
import sqlite3

from tests.support.broker import wait_until


@dataclasses.dataclass(frozen=True)
class Row:
    seq: int
    topic: str
    event_id: str
    payload: bytes
    received_us: int


class Store:
    """Reads of a broker's `events.db`. The plugin writes it from a thread of its own, so wait rather than look once."""

    def __init__(self, broker):
        self._path = broker.data_dir / "events.db"

    def _query(self, sql, *parameters):
        # A fresh connection each time: none is left open over a restart or a kill of the broker.
        database = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)
        try:
            return database.execute(sql, parameters).fetchall()
        finally:
            database.close()

    def rows(self, topic_prefix=""):
        """The rows of the topics that begin so, in order of acceptance."""
        found = self._query("SELECT seq, topic, event_id, payload, received_us FROM events JOIN topics USING(topic_id)"
                            " WHERE substr(topic, 1, ?) = ? ORDER BY seq", len(topic_prefix), topic_prefix)
        return [Row(*row) for row in found]

    def count(self):
        return self._query("SELECT count(*) FROM events")[0][0]

    def ids(self, topic_prefix=""):
        return [row.event_id for row in self.rows(topic_prefix)]

    def wait_ids(self, expected, topic_prefix=""):
        wait_until(lambda: self.ids(topic_prefix) == expected, f"the ids {expected} are stored")

    def wait_count(self, expected):
        wait_until(lambda: self.count() == expected, f"{expected} rows are stored")
