-- name: reject_clear
DELETE FROM reject WHERE load_id = ?1;

-- name: reject_forget
DELETE FROM reject WHERE load_id = ?1 AND offset >= ?2 AND offset < ?3 AND state IN ('PENDING', 'FAILED');

-- name: reject_put
INSERT INTO reject (load_id, line, offset, column_, code, message, hint, raw, raw_total, raw_sha256, state, at_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'PENDING', ?11);

-- name: reject_failed
UPDATE reject SET state = 'FAILED' WHERE load_id = ?1 AND state = 'PENDING';

-- name: reject_final
UPDATE reject SET state = 'FINAL' WHERE load_id = ?1 AND state = 'PENDING';

-- name: reject_unsettle
UPDATE reject SET state = 'PENDING' WHERE load_id = ?1 AND state = 'FINAL';

-- name: reject_drop_pending
DELETE FROM reject WHERE load_id = ?1 AND state = 'PENDING';

-- name: reject_list
SELECT r.load_id, r.line, r.offset, r.raw_total, r.at_ms, j.n, r.column_, r.code, r.message, r.hint, r.raw_sha256,
  r.state, o.pipeline, o.part, o.key, j.state, r.raw
FROM object o CROSS JOIN load l ON l.object_id = o.id JOIN reject r ON r.load_id = l.load_id JOIN job j ON j.id = l.job_id
WHERE o.pipeline = ?1 AND (?2 IS NULL OR o.part = ?2) AND l.state NOT IN ('SUPERSEDED', 'DROPPED')
ORDER BY o.part, o.key, r.line LIMIT ?3;

-- name: reject_counts
-- from the rejects, not from the objects: most loads have none. CROSS JOIN: in this order
SELECT o.pipeline, sum(x.final), sum(x.other)
FROM (SELECT load_id, sum(state = 'FINAL') AS final, sum(state <> 'FINAL') AS other
        FROM reject INDEXED BY reject_state GROUP BY load_id) x
CROSS JOIN load l ON l.load_id = x.load_id CROSS JOIN object o ON o.id = l.object_id
WHERE l.state NOT IN ('SUPERSEDED', 'DROPPED') GROUP BY o.pipeline;
