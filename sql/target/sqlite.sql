-- What orch keeps in an SQLite target (LOADING.md). The names are those of mysql.sql: io/target_fence.c, target_ledger.c
-- and target_load.c speak to both. {table} is a quoted name.

-- name: begin
BEGIN IMMEDIATE;

-- name: begin_snapshot
BEGIN;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

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

-- name: fence_read
SELECT epoch, seq FROM orch_fence WHERE pipeline = ?;

-- name: fence_first
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 1, 0) ON CONFLICT (pipeline) DO UPDATE SET epoch = epoch + 1;

-- name: fence_raise
UPDATE orch_fence SET epoch = epoch + 1 WHERE pipeline = ? AND epoch = ?;

-- name: fence_write
UPDATE orch_fence SET seq = seq + 1 WHERE pipeline = ? AND epoch = ?;

-- name: fence_touch
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 0, 1) ON CONFLICT (pipeline) DO UPDATE SET seq = seq + 1;

-- name: ledger_scan
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms
  FROM orch_load
 WHERE pipeline = ? AND at_ms >= ? AND (at_ms > ? OR load_id > ? OR (load_id = ? AND chunk > ?))
 ORDER BY at_ms, load_id, chunk LIMIT 200;

-- name: ledger_by_id
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms
  FROM orch_load WHERE load_id = ? ORDER BY chunk;

-- name: ledger_newest
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms
  FROM orch_load WHERE pipeline = ? AND key_sha256 = ? AND state <> 'SUPERSEDED'
 ORDER BY generation DESC, chunk LIMIT 1;

-- name: ledger_done
-- Was this load id ever loaded? A plan alone says nothing.
SELECT state FROM orch_load WHERE load_id = ? AND state <> 'PLAN' LIMIT 1;

-- name: ledger_live
-- Other loads of the key whose rows count: what a load must replace, or must not come after.
SELECT load_id, generation FROM orch_load
 WHERE pipeline = ? AND key_sha256 = ? AND load_id <> ? AND (state = 'LOADED' OR generation >= ?)
 ORDER BY generation;

-- name: ledger_insert
INSERT INTO orch_load (load_id, chunk, generation, pipeline, part, object_key, key_sha256, etag, table_name, size,
                       mtime_ns, sha256, last, state, rows_read, rows_loaded, rows_rejected, columns_json, job, reason,
                       at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ledger_supersede
UPDATE orch_load SET state = 'SUPERSEDED'
 WHERE pipeline = ? AND key_sha256 = ? AND generation < ? AND state IN ('LOADED', 'EMPTY');

-- name: decision_withdraw
-- By its key: a search would wait for ledger rows of loads that are being committed, which wait for the fence.
UPDATE orch_load SET state = 'SUPERSEDED' WHERE load_id = ? AND chunk = 0;

-- name: decision_loaded
-- Partitions between two that hold rows of ours: nobody may decide that they have none.
SELECT part, SUM(rows_loaded) FROM orch_load
 WHERE pipeline = ? AND part >= ? AND part <= ? AND state = 'LOADED' AND rows_loaded > 0
 GROUP BY part ORDER BY part;

-- name: decision_standing
SELECT load_id, state FROM orch_load
 WHERE pipeline = ? AND key_sha256 = ? AND state IN ('SKIPPED', 'ADOPTED') ORDER BY generation DESC LIMIT 1;

-- name: decision_generation
SELECT COALESCE(MAX(generation), 0) FROM orch_load WHERE pipeline = ? AND key_sha256 = ?;

-- name: rows_borders
SELECT MIN(_orch_line), MAX(_orch_line) FROM {table} WHERE _orch_load_id = ?;

-- name: rows_delete
DELETE FROM {table} WHERE _orch_load_id = ? AND _orch_line >= ? AND _orch_line < ?;

-- name: rows_sum
SELECT COUNT(*){columns} FROM {table} WHERE _orch_load_id = ? AND _orch_line >= ? AND _orch_line < ?;

-- name: rows_text
SELECT _orch_line{columns} FROM {table} WHERE _orch_load_id = ? AND _orch_line >= ? AND _orch_line <= ?
 ORDER BY _orch_line;

-- name: rows_all
-- One statement, so one snapshot; in whatever order is cheapest.
SELECT 1{columns} FROM {table};

-- name: rows_next_load
-- The next load id that the table holds, and whether the ledger knows it: a walk along the index.
SELECT n.id, EXISTS (SELECT 1 FROM orch_load l WHERE l.load_id = n.id AND l.state <> 'SUPERSEDED')
  FROM (SELECT MIN(_orch_load_id) AS id FROM {table} WHERE _orch_load_id > ?) n;

-- name: rows_count
SELECT COUNT(*) FROM {table} WHERE _orch_load_id = ?;

-- name: rows_without_load
SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE _orch_load_id IS NULL LIMIT 10000000) n;

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
SELECT i.name, i.origin, c.name, i.partial FROM pragma_index_list(?) i, pragma_index_xinfo(i.name) c
 WHERE i."unique" = 1 AND c.key = 1 ORDER BY i.seq, c.seqno;

-- name: schema_triggers
SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE;
