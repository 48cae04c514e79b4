-- What orch keeps in an SQLite target (docs/architecture.md), as far as it is said otherwise in MySQL; the rest is in
-- both.sql. {table} is a quoted name.

-- name: begin
BEGIN IMMEDIATE;

-- name: begin_snapshot
BEGIN;

-- name: has_ledger
SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('orch_fence', 'orch_load');

-- name: setup
-- Keys compare as bytes: by their sha256. A decision on a whole partition has the key '' and the sha256 of
-- NUL + partition.
CREATE TABLE IF NOT EXISTS orch_fence (
  pipeline TEXT NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL,                  -- raised by every attempt that writes
  seq INTEGER NOT NULL                     -- written by every transaction
) STRICT;
CREATE TABLE IF NOT EXISTS orch_load (
  load_id INTEGER NOT NULL,                -- _orch_load_id of the rows
  chunk INTEGER NOT NULL DEFAULT 0,        -- 0: the whole object, or its plan
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,                      -- partition: 2022-06-05T12
  object_key BLOB NOT NULL,                -- any byte but NUL
  key_sha256 BLOB NOT NULL,
  generation INTEGER NOT NULL,             -- counts per pipeline and key
  etag TEXT NOT NULL DEFAULT '',
  size INTEGER NOT NULL DEFAULT 0,
  mtime_ns INTEGER NOT NULL DEFAULT 0,     -- file:// only
  sha256 TEXT NOT NULL DEFAULT '',         -- of the bytes
  table_name TEXT NOT NULL DEFAULT '',
  byte_from INTEGER,
  byte_to INTEGER,
  line_from INTEGER,
  line_to INTEGER,
  last INTEGER NOT NULL DEFAULT 1,         -- 1: no chunk follows
  state TEXT NOT NULL CHECK (state IN ('PLAN', 'LOADED', 'REVOKING', 'SUPERSEDED', 'ADOPTED', 'SKIPPED', 'EMPTY')),
  rows_read INTEGER NOT NULL DEFAULT 0,
  rows_loaded INTEGER NOT NULL DEFAULT 0,
  rows_rejected INTEGER NOT NULL DEFAULT 0,
  columns_json TEXT,                       -- NULLs and sums per column
  job TEXT NOT NULL DEFAULT '',
  reason TEXT,
  at_ms INTEGER NOT NULL,                  -- ms since 1970, UTC
  PRIMARY KEY (load_id, chunk),
  UNIQUE (pipeline, key_sha256, generation, chunk)
) STRICT;
CREATE INDEX IF NOT EXISTS orch_load_in_order ON orch_load (pipeline, at_ms, load_id, chunk);
CREATE TABLE IF NOT EXISTS orch_reject (
  pipeline TEXT NOT NULL,
  load_id INTEGER NOT NULL,
  line INTEGER NOT NULL,                   -- of the record in its file
  verdict TEXT NOT NULL CHECK (verdict IN ('REPLAYED', 'DISCARDED')),
  who TEXT NOT NULL DEFAULT '',
  reason TEXT,
  at_ms INTEGER NOT NULL,                  -- ms since 1970, UTC
  PRIMARY KEY (pipeline, load_id, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orch_intake (
  tbl TEXT NOT NULL,                       -- of the data dictionary
  key_hash BLOB NOT NULL,                  -- sha256 of request_key
  request_key TEXT NOT NULL,               -- Idempotency-Key, or the file
  body_sha256 BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('OPEN', 'STORED', 'REFUSED')),
  rows_read INTEGER NOT NULL DEFAULT 0,
  rows_stored INTEGER NOT NULL DEFAULT 0,
  rows_rejected INTEGER NOT NULL DEFAULT 0,
  answer TEXT,                             -- given again when the key comes again
  source TEXT NOT NULL,
  who TEXT NOT NULL DEFAULT '',
  at_ms INTEGER NOT NULL,                  -- ms since 1970, UTC
  PRIMARY KEY (tbl, key_hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orch_intake_reject (
  id INTEGER PRIMARY KEY,
  tbl TEXT NOT NULL,                       -- of the data dictionary
  source TEXT NOT NULL,                    -- the request, or the file
  record INTEGER NOT NULL,                 -- of the source, the first is 1
  line INTEGER NOT NULL,
  column_name TEXT NOT NULL,               -- empty: the record as a whole
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  hint TEXT NOT NULL,
  raw BLOB NOT NULL,                       -- the record as it stood, at most 64 KiB of it
  raw_total INTEGER NOT NULL,              -- its whole length
  who TEXT NOT NULL DEFAULT '',
  at_ms INTEGER NOT NULL                   -- ms since 1970, UTC
) STRICT;
CREATE INDEX IF NOT EXISTS orch_intake_reject_of_table ON orch_intake_reject (tbl, id);

-- name: copy_setup
CREATE TABLE IF NOT EXISTS {table} (
  load_id INTEGER NOT NULL,                -- _orch_load_id of the rows of its file
  line INTEGER NOT NULL,
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,                      -- partition: 2022-06-05T12
  object_key BLOB NOT NULL,
  byte_offset INTEGER NOT NULL,            -- in the decompressed file
  column_name TEXT NOT NULL,               -- empty: the record as a whole
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  raw BLOB NOT NULL,                       -- the record as it stood, at most 64 KiB of it
  raw_bytes INTEGER NOT NULL,              -- its whole length
  at TEXT NOT NULL,                        -- UTC
  PRIMARY KEY (load_id, line)
);

-- name: fence_first
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 1, 0) ON CONFLICT (pipeline) DO UPDATE SET epoch = epoch + 1;

-- name: fence_touch
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 0, 1) ON CONFLICT (pipeline) DO UPDATE SET seq = seq + 1;

-- name: lineage_columns
ALTER TABLE {table} ADD COLUMN _orch_load_id INTEGER;
ALTER TABLE {table} ADD COLUMN _orch_line INTEGER;
CREATE UNIQUE INDEX {index} ON {table} (_orch_load_id, _orch_line);

-- name: lineage_index
CREATE UNIQUE INDEX {index} ON {table} (_orch_load_id, _orch_line);

-- name: schema_table
SELECT type, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view');

-- name: schema_columns
SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid;

-- name: schema_keys
SELECT i.name, i.origin, c.name, i.partial, c.coll FROM pragma_index_list(?) i, pragma_index_xinfo(i.name) c
 WHERE i."unique" = 1 AND c.key = 1 ORDER BY i.seq, c.seqno;

-- name: schema_triggers
SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE;

-- name: intake_foreign_keys
-- The message of a broken one names nothing here, so that each reference is looked up by ourselves.
SELECT NULL, NULL, NULL, NULL, NULL WHERE ?1 IS NOT ?1 AND ?2 IS NOT ?2;

-- name: intake_lock
-- Nobody else writes while we do.
