-- From the staging table into the table (io/target_stage.c, target_upsert.c), as MySQL and MariaDB say it. {stage} and
-- {table} are quoted names; STRAIGHT_JOIN because the stage's statistics know nothing of rows that came a moment ago.

-- name: stage_publish
INSERT INTO {table} ({to}_orch_load_id, _orch_line) SELECT {from}s._orch_load_id, s._orch_line
  FROM {stage} s WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?;

-- name: stage_warnings
SHOW WARNINGS;

-- name: stage_key
SELECT COLUMN_NAME AS a FROM information_schema.STATISTICS
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND INDEX_NAME = ? ORDER BY SEQ_IN_INDEX;

-- name: stage_key_drop
DROP INDEX {key} ON {stage};

-- name: upsert_repeated
-- Rows that a later line of the same file says again.
DELETE s FROM {stage} s STRAIGHT_JOIN {stage} r FORCE INDEX (_orch_key)
    ON r._orch_load_id = s._orch_load_id AND {same} AND r._orch_line > s._orch_line
 WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?;

-- name: upsert_kept
-- Rows that a later (partition, generation) owns.
DELETE s FROM {stage} s STRAIGHT_JOIN {table} t ON {match}
  STRAIGHT_JOIN orch_load o ON o.load_id = t._orch_load_id AND o.chunk = 0
 WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?
   AND (o.part > ? OR (o.part = ? AND o.generation > ?));

-- name: upsert_taken
-- What is about to change its owner, by owner.
SELECT t._orch_load_id, SUM({equal}), COUNT(*){sums} FROM {stage} s STRAIGHT_JOIN {table} t ON {match}
 WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ? GROUP BY t._orch_load_id;

-- name: upsert_update
UPDATE {stage} s STRAIGHT_JOIN {table} t ON {match}
   SET t._orch_load_id = s._orch_load_id, t._orch_line = s._orch_line{set}
 WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ?;

-- name: upsert_insert
INSERT INTO {table} ({to}_orch_load_id, _orch_line) SELECT {from}s._orch_load_id, s._orch_line
  FROM {stage} s LEFT JOIN {table} t ON {match}
 WHERE s._orch_load_id = ? AND s._orch_line >= ? AND s._orch_line < ? AND {absent};
