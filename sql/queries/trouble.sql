-- name: trouble_seen
INSERT INTO trouble(key, pipeline, class, text, hint, opened_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT(key) DO UPDATE SET text = excluded.text, hint = excluded.hint, seen_ms = excluded.seen_ms;
-- name: trouble_said
UPDATE trouble SET said_ms = ?2 WHERE key = ?1;
-- name: trouble_gone
SELECT key, pipeline, class, text, hint, opened_ms, said_ms FROM trouble
WHERE (?1 IS NULL OR pipeline = ?1) AND seen_ms <> ?2 AND said_ms IS NOT NULL ORDER BY pipeline, opened_ms, key;
-- name: trouble_delete_gone
DELETE FROM trouble WHERE (?1 IS NULL OR pipeline = ?1) AND seen_ms <> ?2;
-- name: trouble_list
SELECT key, pipeline, class, text, hint, opened_ms, said_ms FROM trouble
WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY pipeline, opened_ms, key;
-- Where the work stands badly. A job that failed stays a trouble while it is tried again: it is well when it is loaded.
-- INDEXED BY: the planner, which knows no numbers, would walk all that is settled.
-- name: trouble_jobs
SELECT j.id, j.part, j.n, j.state, j.error, j.message, j.hint, j.execution_id, j.attempts, j.tries, j.not_before_ms
FROM job j INDEXED BY job_state
WHERE j.pipeline = ?1 AND j.state IN ('FAILED', 'DEAD', 'MISMATCHED', 'QUEUED', 'PROCESSING')
  AND (j.state IN ('FAILED', 'DEAD', 'MISMATCHED') OR (j.tries > 0 AND j.error IS NOT NULL))
  AND NOT EXISTS (SELECT 1 FROM partition_ p WHERE p.pipeline = j.pipeline AND p.part = j.part
                  AND p.state IN ('SKIPPED', 'ADOPTED'))
ORDER BY j.part, j.n;
-- name: trouble_late
SELECT part, since_ms, reason FROM partition_ INDEXED BY partition_state WHERE pipeline = ?1 AND state = 'LATE' ORDER BY part;
