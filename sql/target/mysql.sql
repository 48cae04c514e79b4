-- What orch keeps in a MySQL or MariaDB target (LOADING.md). The names up to target_clock stand in sqlite.sql too:
-- io/target_fence.c, target_ledger.c and target_load.c speak to both. {table} is a quoted name.

-- name: begin
START TRANSACTION;

-- name: begin_snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: has_ledger
SELECT COUNT(*) FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('orch_fence', 'orch_load');

-- name: setup
-- Keys compare as bytes: by their sha256. A decision on a whole partition has the key '' and the sha256 of
-- NUL + partition.
CREATE TABLE IF NOT EXISTS orch_fence (
  pipeline VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  epoch BIGINT NOT NULL COMMENT 'raised by every attempt that writes',
  seq BIGINT NOT NULL COMMENT 'written by every transaction'
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: who may write';
CREATE TABLE IF NOT EXISTS orch_load (
  load_id BIGINT NOT NULL COMMENT '_orch_load_id of the rows',
  chunk INT NOT NULL DEFAULT 0 COMMENT '0: the whole object, or its plan',
  pipeline VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  part VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'partition: 2022-06-05T12',
  object_key VARBINARY(4096) NOT NULL,
  key_sha256 BINARY(32) NOT NULL,
  generation BIGINT NOT NULL COMMENT 'counts per pipeline and key',
  etag VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  size BIGINT NOT NULL DEFAULT 0,
  mtime_ns BIGINT NOT NULL DEFAULT 0 COMMENT 'file:// only',
  sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'of the bytes',
  table_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  byte_from BIGINT NULL,
  byte_to BIGINT NULL,
  line_from BIGINT NULL,
  line_to BIGINT NULL,
  last TINYINT NOT NULL DEFAULT 1 COMMENT '1: no chunk follows',
  state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'PLAN LOADED REVOKING SUPERSEDED ADOPTED SKIPPED EMPTY',
  rows_read BIGINT NOT NULL DEFAULT 0,
  rows_loaded BIGINT NOT NULL DEFAULT 0,
  rows_rejected BIGINT NOT NULL DEFAULT 0,
  columns_json LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'NULLs and sums per column',
  job VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  reason TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  at_ms BIGINT NOT NULL COMMENT 'ms since 1970, UTC',
  PRIMARY KEY (load_id, chunk),
  UNIQUE KEY one_of_each (pipeline, key_sha256, generation, chunk),
  KEY in_order (pipeline, at_ms, load_id, chunk)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: what is loaded';

-- name: fence_read
SELECT epoch, seq FROM orch_fence WHERE pipeline = ?;

-- name: fence_first
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 1, 0) ON DUPLICATE KEY UPDATE epoch = epoch + 1;

-- name: fence_raise
UPDATE orch_fence SET epoch = epoch + 1 WHERE pipeline = ? AND epoch = ?;

-- name: fence_write
UPDATE orch_fence SET seq = seq + 1 WHERE pipeline = ? AND epoch = ?;

-- name: fence_touch
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 0, 1) ON DUPLICATE KEY UPDATE seq = seq + 1;

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
ALTER TABLE {table} ADD COLUMN _orch_load_id BIGINT NULL INVISIBLE, ADD COLUMN _orch_line BIGINT NULL INVISIBLE,
  ADD UNIQUE KEY _orch_lineage (_orch_load_id, _orch_line);

-- name: lineage_index
ALTER TABLE {table} ADD UNIQUE KEY _orch_lineage (_orch_load_id, _orch_line);

-- name: target_clock
SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);
