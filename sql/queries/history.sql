-- Pages of a history (state/history.h): from an id on, one way or the other; each walks one index and sorts nothing.
-- name: history_up
SELECT id, previous_id, type, ts_ms, details, state, frame_id FROM event WHERE execution_id = ?1 AND id >= ?2 ORDER BY id LIMIT ?3;
-- name: history_down
SELECT id, previous_id, type, ts_ms, details, state, frame_id FROM event WHERE execution_id = ?1 AND id <= ?2 ORDER BY id DESC
LIMIT ?3;
-- name: history_state_up
SELECT id, previous_id, type, ts_ms, details, state, frame_id FROM event INDEXED BY event_state
WHERE execution_id = ?1 AND id >= ?2 AND state = ?4 ORDER BY id LIMIT ?3;
-- name: history_state_down
SELECT id, previous_id, type, ts_ms, details, state, frame_id FROM event INDEXED BY event_state
WHERE execution_id = ?1 AND id <= ?2 AND state = ?4 ORDER BY id DESC LIMIT ?3;
-- name: history_failed_up
SELECT id, previous_id, type, ts_ms, details, state, frame_id FROM event INDEXED BY event_failed
WHERE execution_id = ?1 AND id >= ?2 AND (?4 IS NULL OR state = ?4) AND (type GLOB '*Failed' OR type GLOB '*TimedOut'
  OR type GLOB '*Aborted' OR type = 'FailStateEntered')
ORDER BY id LIMIT ?3;
-- name: history_failed_down
SELECT id, previous_id, type, ts_ms, details, state, frame_id FROM event INDEXED BY event_failed
WHERE execution_id = ?1 AND id <= ?2 AND (?4 IS NULL OR state = ?4) AND (type GLOB '*Failed' OR type GLOB '*TimedOut'
  OR type GLOB '*Aborted' OR type = 'FailStateEntered')
ORDER BY id DESC LIMIT ?3;
-- name: history_find_state
SELECT 1 FROM event INDEXED BY event_state WHERE execution_id = ?1 AND state = ?2 LIMIT 1;
