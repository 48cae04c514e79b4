-- name: told_list
SELECT key, pipeline, class, part, text, hint, ending, opened_ms, said_ms, gone_ms FROM told
WHERE channel = ?1 ORDER BY pipeline, class, key;
-- name: told_stands
INSERT INTO told(channel, key, pipeline, class, part, text, hint, opened_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT(channel, key) DO UPDATE SET text = excluded.text, hint = excluded.hint, gone_ms = NULL, ending = '';
-- name: told_gone
UPDATE told SET gone_ms = ?4, ending = ?3 WHERE channel = ?1 AND key = ?2;
-- name: told_said
UPDATE told SET said_ms = ?3 WHERE channel = ?1 AND key = ?2;
-- name: told_drop
DELETE FROM told WHERE channel = ?1 AND key = ?2;
-- name: told_drop_all
DELETE FROM told WHERE channel = ?1;
-- name: told_channels
SELECT DISTINCT channel FROM told;
-- What a person decided about a partition, and who: the newest word of the audit that gives this reason for it, or for the
-- partitions from it on ("2022-06-05T00..2022-06-05T12").
-- name: told_ending_part
SELECT p.state, p.reason, (SELECT a.who FROM audit a WHERE a.pipeline = p.pipeline AND a.verb IN ('skip', 'adopt')
                           AND a.reason = p.reason
                           AND (a.part = p.part OR p.part BETWEEN substr(a.part, 1, instr(a.part, '..') - 1)
                                                              AND substr(a.part, instr(a.part, '..') + 2))
                           ORDER BY a.id DESC LIMIT 1)
FROM partition_ p WHERE p.pipeline = ?1 AND p.part = ?2 AND p.state IN ('SKIPPED', 'ADOPTED');
-- name: told_ending_ack
SELECT 'ACKNOWLEDGED', reason, who FROM ack WHERE pipeline = ?1 AND part = ?2 AND class = ?3;
-- Of an execution of a definition of its own (?1): let stand as it ended; redriven, and not at its end; stopped behind that; or kept
-- no more.
-- name: told_ending_own
SELECT 'ACKNOWLEDGED', a.reason, a.who FROM ack a JOIN execution e ON e.name = a.part
WHERE a.pipeline = '' AND a.part = ?1 AND a.class = 'FAILED' AND a.subject = e.id || '.' || e.redrive_count
  AND e.status IN ('FAILED', 'TIMED_OUT')
UNION ALL
SELECT 'REDRIVEN', 'it runs again', coalesce((SELECT who FROM audit WHERE verb = 'redrive' AND part = ?1
                                              ORDER BY id DESC LIMIT 1), '')
FROM execution WHERE name = ?1 AND status = 'RUNNING'
UNION ALL
SELECT 'STOPPED', coalesce((SELECT reason FROM audit WHERE verb = 'stop' AND part = ?1 ORDER BY id DESC LIMIT 1), ''),
  coalesce((SELECT who FROM audit WHERE verb = 'stop' AND part = ?1 ORDER BY id DESC LIMIT 1), '')
FROM execution WHERE name = ?1 AND status = 'ABORTED'
UNION ALL
SELECT 'FORGOTTEN', 'it is as old as retention.executions', ''
WHERE NOT EXISTS (SELECT 1 FROM execution WHERE name = ?1)
LIMIT 1;
-- name: channel_list
SELECT name, error, sent, failed, ok_ms, failing_since_ms, tried_ms FROM channel ORDER BY name;
-- name: channel_ok
INSERT INTO channel(name, sent, ok_ms, tried_ms) VALUES (?1, 1, ?2, ?2)
ON CONFLICT(name) DO UPDATE SET sent = sent + 1, ok_ms = ?2, tried_ms = ?2, failing_since_ms = NULL, error = '';
-- name: channel_failed
INSERT INTO channel(name, failed, failing_since_ms, tried_ms, error) VALUES (?1, 1, ?2, ?2, ?3)
ON CONFLICT(name) DO UPDATE SET failed = failed + 1, failing_since_ms = coalesce(failing_since_ms, ?2),
  tried_ms = ?2, error = ?3;
