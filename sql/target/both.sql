-- What MySQL, MariaDB and SQLite understand alike: io/target_fence.c, target_ledger.c and target_load.c speak to all of
-- them. {table} is a quoted name; {columns} begins with a comma.

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: fence_read
SELECT epoch, seq FROM orch_fence WHERE pipeline = ?;

-- name: fence_raise
UPDATE orch_fence SET epoch = epoch + 1 WHERE pipeline = ? AND epoch = ?;

-- name: fence_write
UPDATE orch_fence SET seq = seq + 1 WHERE pipeline = ? AND epoch = ?;

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
