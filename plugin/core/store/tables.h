// The SQL that makes the tables of events.db, version by version.
#pragma once

namespace dedup {

inline constexpr char kFixedTables[] = R"sql(
CREATE TABLE topics(
  topic_id INTEGER PRIMARY KEY,
  topic    TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE in_doubt(                         -- accepted before a stop, perhaps not handed on
  seq        INTEGER PRIMARY KEY,
  qos        INTEGER NOT NULL,
  retain     INTEGER NOT NULL,
  properties BLOB NOT NULL
) STRICT;
)sql";

inline constexpr char kStateTable[] = R"sql(
CREATE TABLE state(
  one           INTEGER PRIMARY KEY CHECK(one = 1),
  stored_seq    INTEGER NOT NULL,
  forgotten_seq INTEGER NOT NULL,
  skipped_seqs  INTEGER NOT NULL,
  duplicates    INTEGER NOT NULL,
  passed        INTEGER NOT NULL,
  refused       INTEGER NOT NULL,
  invalid_ids   INTEGER NOT NULL,
  unstored      INTEGER NOT NULL,
  synced        INTEGER NOT NULL               -- how many synced transactions there were
) STRICT;
INSERT INTO state VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
)sql";

// What version 2 changed: these, kIndexes with them.
inline constexpr char kEventTables[] = R"sql(
CREATE TABLE events(
  seq         INTEGER PRIMARY KEY,             -- 1, 2, 3 ... in order of acceptance
  topic_id    INTEGER NOT NULL REFERENCES topics(topic_id),
  event_id    TEXT NOT NULL,
  expired     INTEGER NOT NULL DEFAULT 0,      -- 0 within the window, then the seq
  received_us INTEGER NOT NULL,                -- UTC, microseconds since 1970
  accepted_ms INTEGER NOT NULL,                -- on the age clock, which the window is measured by
  source      TEXT,                            -- the payload's, where that is a JSON object with a string so called
  payload     BLOB NOT NULL                    -- byte for byte as published
) STRICT;
CREATE TABLE times(                            -- of the events with seq / 1024 = block
  block       INTEGER PRIMARY KEY,
  earliest_us INTEGER NOT NULL,                -- the least received_us among them, or less
  latest_us   INTEGER NOT NULL                 -- the greatest, or more
) STRICT;
)sql";

// Each index ends with the seq, as every index of SQLite does, so one value's events come out of it in order.
inline constexpr char kIndexes[] = R"sql(
CREATE INDEX events_by_topic ON events(topic_id);
CREATE INDEX events_by_source ON events(source) WHERE source IS NOT NULL;
CREATE VIEW readable_events AS                 -- for people with the sqlite3 shell
  SELECT seq, topic, event_id, strftime('%Y-%m-%dT%H:%M:%fZ', received_us / 1000000.0, 'unixepoch') AS received_at,
         CAST(payload AS TEXT) AS payload
  FROM events JOIN topics USING(topic_id);
)sql";

// What version 3 added.
inline constexpr char kKeyTable[] = R"sql(
CREATE TABLE key_file(
  one      INTEGER PRIMARY KEY CHECK(one = 1),
  keys_seq INTEGER NOT NULL                      -- the keys of all rows up to it are in events.keys, durably
) STRICT;
INSERT INTO key_file VALUES(1, 0);
)sql";

// What version 4 changed. Random ids land all over an index: with the seq in front they land within the last part of
// it, which stays in memory however long the whole gets. To find an id, SQLite looks into one part after the other by
// itself ("skip-scan"), in any query that asks for an event_id, as long as sqlite_stat1 tells it that there are far
// fewer parts than rows. ANALYZE would write the same there, slowly; it may be run.
inline constexpr char kIdIndex[] = R"sql(
CREATE UNIQUE INDEX events_by_id ON events(seq / 131072, event_id, topic_id, expired);
ANALYZE sqlite_schema;                         -- makes sqlite_stat1
INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES
  ('events', 'events_by_id', '100000000 131072 1 1 1'),
  ('events', 'events_by_topic', '100000000 100000'),
  ('events', 'events_by_source', '100000000 100000');
ANALYZE sqlite_schema;                         -- reads it
)sql";

// What version 6 added. events.rule_id is the rule that made the key, NULL where the plugin's options did;
// in_doubt.payload is there where the event's row keeps none. key_file.secret is the journal's, for the keys are of no
// use without it. The key of an event with a rule cannot be made of its
// row again, and has a window of its own: so the keys stand in a table, window by window, in order of seq and of age.
// Unlike events_by_id nothing here is unique: two rules may give one text to what they tell apart.
inline constexpr char kRuleTables[] = R"sql(
CREATE TABLE rules(
  rule_id       INTEGER PRIMARY KEY,
  name          TEXT NOT NULL,
  keeps_payload INTEGER NOT NULL,              -- 0: its rows have an empty one
  UNIQUE(name, keeps_payload)
) STRICT;
CREATE TABLE rule_keys(
  window_ms   INTEGER NOT NULL,                -- 0: as the plugin's option says; 2^63 - 1: for ever
  seq         INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL,
  key         BLOB NOT NULL,                   -- 16 bytes
  PRIMARY KEY(window_ms, seq)
) STRICT, WITHOUT ROWID;
ALTER TABLE events ADD COLUMN rule_id INTEGER REFERENCES rules(rule_id);
ALTER TABLE in_doubt ADD COLUMN payload BLOB;
ALTER TABLE key_file ADD COLUMN secret BLOB;
ALTER TABLE state ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_by_rule ON events(rule_id) WHERE rule_id IS NOT NULL;
INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES('events', 'events_by_rule', '100000000 100000');
ANALYZE sqlite_schema;
)sql";

}  // namespace dedup
