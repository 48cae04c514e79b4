-- From the staging table into the table (io/target_stage.c, target_upsert.c), as SQLite says it. {stage} and {table} are
-- quoted names. The table's column stands on the left of every comparison: its collation decides.

-- name: stage_publish
INSERT OR ABORT INTO {table} ({to}_orch_load_id, _orch_line) SELECT {from}s._orch_load_id, s._orch_line
  FROM {stage} s WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?;

-- name: stage_warnings
SELECT 1 WHERE 0;

-- name: stage_key
SELECT name FROM pragma_index_info(?) ORDER BY seqno;

-- name: stage_key_drop
DROP INDEX {key};

-- name: upsert_repeated
-- Rows that a later line of the same file says again.
DELETE FROM {stage} AS s WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?
   AND EXISTS (SELECT 1 FROM {stage} r
                WHERE r._orch_load_id = s._orch_load_id AND {same} AND r._orch_line > s._orch_line);

-- name: upsert_kept
-- Rows that a later (partition, generation) owns.
DELETE FROM {stage} AS s WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?
   AND EXISTS (SELECT 1 FROM {table} t CROSS JOIN orch_load o
                WHERE {match} AND o.load_id = t._orch_load_id AND o.chunk = 0
                  AND (o.part > ? OR (o.part = ? AND o.generation > ?)));

-- name: upsert_taken
-- What is about to change its owner, by owner.
SELECT t._orch_load_id, SUM({equal}), COUNT(*){sums} FROM {stage} s CROSS JOIN {table} t
 WHERE {match} AND s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ? GROUP BY t._orch_load_id;

-- name: upsert_update
UPDATE OR ABORT {table} AS t SET _orch_load_id = s._orch_load_id, _orch_line = s._orch_line{set}
  FROM {stage} s
 WHERE {match} AND s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?;

-- name: upsert_insert
INSERT OR ABORT INTO {table} ({to}_orch_load_id, _orch_line) SELECT {from}s._orch_load_id, s._orch_line
  FROM {stage} s LEFT JOIN {table} t ON {match}
 WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ? AND {absent};
