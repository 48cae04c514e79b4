-- What was asked for over HTTP. The columns of request_get, request_by_key, request_list, request_next and request_failing
-- are the same.
-- name: request_put
INSERT INTO request (kind, pipeline, args, reason, who, key, state, made_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'QUEUED', ?7);

-- name: request_get
SELECT id, kind, pipeline, args, reason, who, key, state, attempts, not_before_ms, reached, acted, result, error, message,
  hint, made_ms, started_ms, ended_ms, acked_ms FROM request WHERE id = ?1;

-- name: request_by_key
SELECT id, kind, pipeline, args, reason, who, key, state, attempts, not_before_ms, reached, acted, result, error, message,
  hint, made_ms, started_ms, ended_ms, acked_ms FROM request WHERE key = ?1;

-- name: request_list
-- newest first, older than ?3
SELECT id, kind, pipeline, args, reason, who, key, state, attempts, not_before_ms, reached, acted, result, error, message,
  hint, made_ms, started_ms, ended_ms, acked_ms FROM request
WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR state = ?2) AND id < ?3 ORDER BY id DESC LIMIT ?4;

-- name: request_next
-- oldest first, behind ?1
SELECT id, kind, pipeline, args, reason, who, key, state, attempts, not_before_ms, reached, acted, result, error, message,
  hint, made_ms, started_ms, ended_ms, acked_ms FROM request INDEXED BY request_open
WHERE state IN ('QUEUED', 'RUNNING') AND id > ?1 ORDER BY id LIMIT 1;

-- name: request_failing
-- A failure stands until a person has seen it, or the same was done later: the same kind with the same arguments.
SELECT id, kind, pipeline, args, reason, who, key, state, attempts, not_before_ms, reached, acted, result, error, message,
  hint, made_ms, started_ms, ended_ms, acked_ms FROM request r INDEXED BY request_failed
WHERE r.pipeline = ?1 AND r.state = 'FAILED' AND r.acked_ms IS NULL
AND NOT EXISTS (SELECT 1 FROM request x WHERE x.id > r.id AND x.state = 'DONE' AND x.kind = r.kind
                AND x.pipeline = r.pipeline AND x.args = r.args)
ORDER BY r.id LIMIT 20;

-- name: request_begin
UPDATE request SET state = 'RUNNING', attempts = attempts + 1, started_ms = coalesce(started_ms, ?2)
WHERE id = ?1 AND state IN ('QUEUED', 'RUNNING');

-- name: request_reached
UPDATE request SET reached = ?2, acted = acted + 1 WHERE id = ?1 AND state = 'RUNNING';

-- name: request_named
UPDATE request SET reached = ?2 WHERE id = ?1 AND state = 'RUNNING';

-- name: request_end
UPDATE request SET state = ?2, result = ?3, error = ?4, message = ?5, hint = ?6, not_before_ms = ?7, ended_ms = ?8
WHERE id = ?1 AND state = 'RUNNING';

-- name: request_again
UPDATE request SET attempts = attempts - 1 WHERE id = ?1 AND state = 'RUNNING';

-- name: request_ack
UPDATE request SET acked_ms = ?2 WHERE id = ?1 AND state = 'FAILED' AND acked_ms IS NULL;

-- name: request_counts
-- of those that FAILED the ones that request_failing tells
SELECT coalesce(sum(state = 'QUEUED'), 0), coalesce(sum(state = 'RUNNING'), 0),
  (SELECT count(*) FROM request r INDEXED BY request_failed WHERE r.state = 'FAILED' AND r.acked_ms IS NULL
   AND NOT EXISTS (SELECT 1 FROM request x WHERE x.id > r.id AND x.state = 'DONE' AND x.kind = r.kind
                   AND x.pipeline = r.pipeline AND x.args = r.args))
FROM request INDEXED BY request_open WHERE state IN ('QUEUED', 'RUNNING');

-- name: request_prune
-- the newest stays, so that no id is used again
DELETE FROM request WHERE id IN (SELECT id FROM request WHERE ended_ms < ?1 AND state IN ('DONE', 'FAILED')
  AND id < (SELECT max(id) FROM request) LIMIT 500);
