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
-- Chunk 0 is the whole object, or the plan of one that is not whole yet; the chunks' own rows are read with ledger_by_id.
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms, byte_from, byte_to, line_from, line_to
  FROM orch_load
 WHERE pipeline = ? AND at_ms >= ? AND (at_ms > ? OR load_id > ? OR (load_id = ? AND chunk > ?)) AND chunk = 0
 ORDER BY at_ms, load_id, chunk LIMIT 200;

-- name: ledger_by_id
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms, byte_from, byte_to, line_from, line_to
  FROM orch_load WHERE load_id = ? ORDER BY chunk;

-- name: ledger_of_loads
-- {columns}: load ids.
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms, byte_from, byte_to, line_from, line_to
  FROM orch_load WHERE load_id IN ({columns}) AND chunk = 0;

-- name: ledger_newest
-- What is loaded of the key: a plan says nothing of that.
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms, byte_from, byte_to, line_from, line_to
  FROM orch_load WHERE pipeline = ? AND key_sha256 = ? AND chunk = 0 AND state NOT IN ('SUPERSEDED', 'PLAN', 'REVOKING')
 ORDER BY generation DESC LIMIT 1;

-- name: ledger_of_keys
-- {columns}: sha256 of keys. The newest last.
SELECT load_id, chunk, generation, pipeline, part, object_key, etag, table_name, size, mtime_ns, sha256, last, state,
       rows_read, rows_loaded, rows_rejected, columns_json, job, reason, at_ms, byte_from, byte_to, line_from, line_to
  FROM orch_load WHERE pipeline = ? AND key_sha256 IN ({columns}) AND chunk = 0 AND state NOT IN ('SUPERSEDED', 'PLAN', 'REVOKING')
 ORDER BY generation;

-- name: ledger_done
-- Was this load, or this chunk of it, ever loaded? A plan alone says nothing.
SELECT state FROM orch_load WHERE load_id = ? AND chunk = ? AND state NOT IN ('PLAN', 'REVOKING') LIMIT 1;

-- name: ledger_live
-- Other loads of the key whose rows count: what a load must replace, or must not come after.
SELECT load_id, generation FROM orch_load
 WHERE pipeline = ? AND key_sha256 = ? AND load_id <> ? AND chunk = 0 AND (state = 'LOADED' OR generation >= ?)
 ORDER BY generation;

-- name: ledger_loads_there
-- {columns}: load ids, none of which may be there.
SELECT COUNT(*) FROM orch_load WHERE load_id IN ({columns});

-- name: ledger_keys_there
-- {columns}: sha256 of keys, of which nothing was ever loaded.
SELECT COUNT(*) FROM orch_load WHERE pipeline = ? AND key_sha256 IN ({columns});

-- name: ledger_insert
-- {columns}: as many rows of marks as there are.
INSERT INTO orch_load (load_id, chunk, generation, pipeline, part, object_key, key_sha256, etag, table_name, size,
                       mtime_ns, sha256, last, state, rows_read, rows_loaded, rows_rejected, columns_json, job, reason,
                       at_ms, byte_from, byte_to, line_from, line_to)
VALUES {columns};

-- name: ledger_supersede
UPDATE orch_load SET state = 'SUPERSEDED'
 WHERE pipeline = ? AND key_sha256 = ? AND generation < ? AND state IN ('LOADED', 'EMPTY');

-- name: ledger_plans
-- Objects of which some chunks may be there.
SELECT load_id FROM orch_load WHERE pipeline = ? AND state IN ('PLAN', 'REVOKING');

-- name: chunk_state
-- Chunk 0 of a load: PLAN, and nobody takes it back meanwhile.
SELECT state FROM orch_load WHERE load_id = ? AND chunk = 0;

-- name: chunk_gaps
-- How many chunks there are, the last one's number, and whether it says that it is the last.
SELECT COUNT(*), COALESCE(MAX(chunk), 0), COALESCE(SUM(last), 0) FROM orch_load WHERE load_id = ? AND chunk > 0;

-- name: chunk_seal
-- The whole object is loaded: chunk 0 says so from now on.
UPDATE orch_load SET state = ?, sha256 = ?, last = 1, rows_read = ?, rows_loaded = ?, rows_rejected = ?,
       columns_json = ?, at_ms = ?, byte_to = ?, line_to = ?
 WHERE load_id = ? AND chunk = 0 AND state = 'PLAN';

-- name: chunk_forget_all
DELETE FROM orch_load WHERE load_id = ? AND chunk > 0;

-- name: chunk_revoke
UPDATE orch_load SET state = 'REVOKING' WHERE load_id = ? AND chunk = 0 AND state = 'PLAN';

-- name: chunk_forget
DELETE FROM orch_load WHERE load_id = ? AND chunk = ?;

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

-- name: rows_sum_many
-- As many marks as target_sums.c's MANY.
SELECT _orch_load_id, COUNT(*){columns} FROM {table}
 WHERE _orch_load_id IN (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
 GROUP BY _orch_load_id;

-- name: rows_text
SELECT _orch_line{columns} FROM {table} WHERE _orch_load_id = ? AND _orch_line >= ? AND _orch_line <= ?
 ORDER BY _orch_line;

-- name: rows_all
-- One statement, so one snapshot; in whatever order is cheapest.
SELECT 1{columns} FROM {table};

-- name: rows_next_load
-- The next load id that the table holds, and whether the ledger knows it: a walk along the index.
SELECT n.id, EXISTS (SELECT 1 FROM orch_load l
               WHERE l.load_id = n.id AND (l.state <> 'SUPERSEDED' OR l.columns_json LIKE '%"_orch_upsert"%'))
  FROM (SELECT MIN(_orch_load_id) AS id FROM {table} WHERE _orch_load_id > ?) n;

-- name: rows_count
SELECT COUNT(*) FROM {table} WHERE _orch_load_id = ?;

-- name: rows_without_load
SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE _orch_load_id IS NULL LIMIT 10000000) n;

-- name: savepoint
SAVEPOINT orch_range;

-- name: savepoint_release
RELEASE SAVEPOINT orch_range;

-- name: savepoint_back
ROLLBACK TO SAVEPOINT orch_range;
RELEASE SAVEPOINT orch_range;

-- name: stage_live
-- A load that has rows in the stage, and a plan in the ledger to go on with them.
SELECT o.load_id FROM orch_load o
 WHERE o.state = 'PLAN' AND EXISTS (SELECT 1 FROM {table} s WHERE s._orch_load_id = o.load_id) LIMIT 1;

-- name: stage_next
-- The next load id that the stage holds, and whether the ledger has a plan of it: a walk along the index.
SELECT n.id, EXISTS (SELECT 1 FROM orch_load l WHERE l.load_id = n.id AND l.state = 'PLAN')
  FROM (SELECT MIN(_orch_load_id) AS id FROM {table} WHERE _orch_load_id > ?) n;

-- name: stage_drop
DROP TABLE {table};

-- name: stage_refused
DELETE FROM {table} WHERE _orch_load_id = ? AND _orch_line = ?;

-- name: ledger_record
SELECT columns_json, rows_loaded FROM orch_load WHERE load_id = ? AND chunk = 0 AND state = 'LOADED';

-- name: ledger_record_set
UPDATE orch_load SET columns_json = ? WHERE load_id = ? AND chunk = 0;
-- name: reject_scan
-- What became of the rejects of a pipeline, a page at a time.
SELECT load_id, line, verdict, who, reason, at_ms FROM orch_reject
 WHERE pipeline = ? AND (load_id > ? OR (load_id = ? AND line > ?)) ORDER BY load_id, line LIMIT 1000;

-- name: reject_of_load
SELECT load_id, line, verdict, who, reason, at_ms FROM orch_reject
 WHERE pipeline = ? AND load_id = ? AND line > ? ORDER BY line LIMIT 1000;

-- name: reject_one
SELECT 1 FROM orch_reject WHERE pipeline = ? AND load_id = ? AND line = ?;

-- name: reject_put
INSERT INTO orch_reject (pipeline, load_id, line, verdict, who, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: reject_last_chunk
-- The ledger row that takes what is loaded later: sums are of the load as a whole.
SELECT chunk, columns_json FROM orch_load WHERE load_id = ? AND state = 'LOADED' ORDER BY chunk DESC LIMIT 1;

-- name: reject_ledger
UPDATE orch_load SET rows_loaded = rows_loaded + ?, rows_rejected = rows_rejected - ?, columns_json = ?
 WHERE load_id = ? AND chunk = ? AND state = 'LOADED';

-- name: copy_put
INSERT INTO {table} (load_id, line, pipeline, part, object_key, byte_offset, column_name, code, message, raw, raw_bytes, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: copy_delete_load
DELETE FROM {table} WHERE load_id = ?;

-- name: copy_delete
DELETE FROM {table} WHERE load_id = ? AND line = ?;

-- name: copy_reason
UPDATE {table} SET column_name = ?, code = ?, message = ? WHERE load_id = ? AND line = ?;

-- name: has_intake
SELECT COUNT(*) FROM orch_intake WHERE tbl = '' AND key_hash = ?;

-- name: intake_key
INSERT INTO orch_intake (tbl, key_hash, request_key, body_sha256, status, source, who, at_ms)
VALUES (?, ?, ?, ?, 'OPEN', ?, ?, ?);

-- name: intake_find
SELECT body_sha256, rows_read, rows_stored, rows_rejected, answer FROM orch_intake WHERE tbl = ? AND key_hash = ?;

-- name: intake_answer
UPDATE orch_intake SET status = ?, rows_read = ?, rows_stored = ?, rows_rejected = ?, answer = ? WHERE tbl = ? AND key_hash = ?;

-- name: intake_reject
INSERT INTO orch_intake_reject (tbl, source, record, line, column_name, code, message, hint, raw, raw_total, who, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: intake_rejects
SELECT id, source, record, line, column_name, code, message, hint, raw, raw_total, who, at_ms FROM orch_intake_reject
 WHERE tbl = ? AND id > ? AND (? IS NULL OR code = ?) AND (? IS NULL OR column_name = ?) AND (? IS NULL OR source = ?) ORDER BY id LIMIT 200;

-- name: intake_reject_groups
-- Each with its first reject; '' where not grouped by it.
SELECT g.code, g.column_name, g.source, g.n, r.source, r.record, r.message FROM
 (SELECT CASE WHEN ? = 1 THEN code ELSE '' END AS code, CASE WHEN ? = 1 THEN column_name ELSE '' END AS column_name,
  CASE WHEN ? = 1 THEN source ELSE '' END AS source, COUNT(*) AS n, MIN(id) AS first_id FROM orch_intake_reject
  WHERE tbl = ? AND id > ? AND (? IS NULL OR code = ?) AND (? IS NULL OR column_name = ?) AND (? IS NULL OR source = ?) GROUP BY 1, 2, 3) g
 JOIN orch_intake_reject r ON r.id = g.first_id ORDER BY g.n DESC, g.first_id LIMIT ?;

-- name: intake_savepoint
SAVEPOINT orch_intake;

-- name: intake_undo
ROLLBACK TO SAVEPOINT orch_intake;
