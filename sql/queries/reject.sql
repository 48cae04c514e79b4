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
-- the target was put back: what became of its rejects is undone with it
UPDATE reject SET state = 'PENDING', who = '', reason = '', decided_ms = NULL
WHERE load_id = ?1 AND state IN ('FINAL', 'REPLAYED', 'DISCARDED');

-- name: reject_drop_pending
DELETE FROM reject WHERE load_id = ?1 AND state = 'PENDING';

-- name: reject_list
-- ?6 NULL: those that are open; '': all
SELECT r.load_id, r.line, r.offset, r.raw_total, r.at_ms, j.n, coalesce(r.decided_ms, 0), r.column_, r.code, r.message,
  r.hint, r.raw_sha256, r.state, o.pipeline, o.part, o.key, j.state, r.who, r.reason, r.raw
FROM object o CROSS JOIN load l ON l.object_id = o.id JOIN reject r ON r.load_id = l.load_id JOIN job j ON j.id = l.job_id
WHERE o.pipeline = ?1 AND (?2 IS NULL OR o.part = ?2) AND l.state NOT IN ('SUPERSEDED', 'DROPPED')
AND (?4 IS NULL OR r.code = ?4) AND (?5 IS NULL OR r.column_ = ?5)
AND CASE WHEN ?6 IS NULL THEN r.state IN ('PENDING', 'FINAL', 'FAILED') ELSE ?6 IN ('', r.state) END
ORDER BY o.part, o.key, r.line LIMIT ?3;

-- name: reject_by
-- by what ?7 says: 1 code, 2 column, 4 file. The bare columns are of the row that min() found: the first one
SELECT iif(?7 & 1, r.code, ''), iif(?7 & 2, r.column_, ''), iif(?7 & 4, o.key, x''), count(*),
  min(o.part || ' ' || printf('%015d', r.line)), o.part, o.key, r.line, r.column_, r.code, r.message
FROM object o CROSS JOIN load l ON l.object_id = o.id JOIN reject r ON r.load_id = l.load_id
WHERE o.pipeline = ?1 AND (?2 IS NULL OR o.part = ?2) AND l.state NOT IN ('SUPERSEDED', 'DROPPED')
AND (?4 IS NULL OR r.code = ?4) AND (?5 IS NULL OR r.column_ = ?5)
AND CASE WHEN ?6 IS NULL THEN r.state IN ('PENDING', 'FINAL', 'FAILED') ELSE ?6 IN ('', r.state) END
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT ?3;

-- name: reject_loads
-- loaded files that have rejects a person may decide about
SELECT DISTINCT l.load_id
FROM object o CROSS JOIN load l ON l.object_id = o.id JOIN reject r ON r.load_id = l.load_id
WHERE o.pipeline = ?1 AND (?2 IS NULL OR o.part = ?2) AND l.state = 'LOADED' AND r.state = 'FINAL'
AND (?3 IS NULL OR r.code = ?3) AND (?4 IS NULL OR r.column_ = ?4)
ORDER BY o.part, o.key;

-- name: reject_page
SELECT r.load_id, r.line, r.offset, r.raw_total, r.at_ms, 0, coalesce(r.decided_ms, 0), r.column_, r.code, r.message,
  r.hint, r.raw_sha256, r.state, NULL, NULL, NULL, NULL, r.who, r.reason, r.raw
FROM reject r
WHERE r.load_id = ?1 AND r.line > ?2 AND r.state = ?3 AND (?4 IS NULL OR r.code = ?4) AND (?5 IS NULL OR r.column_ = ?5)
ORDER BY r.line LIMIT ?6;

-- name: reject_pending
UPDATE reject SET state = 'PENDING' WHERE load_id = ?1 AND line = ?2 AND state = 'FINAL';

-- name: reject_decide
UPDATE reject SET state = ?3, who = ?4, reason = ?5, decided_ms = ?6
WHERE load_id = ?1 AND line = ?2 AND state IN ('PENDING', 'FINAL');

-- name: reject_reason
-- refused again, for another reason than before
UPDATE reject SET code = ?3, column_ = ?4, message = ?5, hint = ?6
WHERE load_id = ?1 AND line = ?2 AND state IN ('PENDING', 'FINAL');

-- name: reject_counts
-- from the rejects, not from the objects: most loads have none. CROSS JOIN: in this order
SELECT o.pipeline, sum(x.final), sum(x.other)
FROM (SELECT load_id, sum(state = 'FINAL') AS final, sum(state IN ('PENDING', 'FAILED')) AS other
        FROM reject INDEXED BY reject_state GROUP BY load_id) x
CROSS JOIN load l ON l.load_id = x.load_id CROSS JOIN object o ON o.id = l.object_id
WHERE l.state NOT IN ('SUPERSEDED', 'DROPPED') GROUP BY o.pipeline;

-- name: reject_mark
-- a rebuild is under way: what the ledger does not confirm is open again at its end
UPDATE reject SET decided_ms = -abs(coalesce(decided_ms, 1)) WHERE state IN ('REPLAYED', 'DISCARDED')
AND load_id IN (SELECT l.load_id FROM job j JOIN load l ON l.job_id = j.id WHERE j.pipeline = ?1);

-- name: reject_confirm
UPDATE reject SET decided_ms = ?4 WHERE load_id = ?1 AND line = ?2 AND state = ?3;

-- name: reject_sweep
UPDATE reject SET state = 'FINAL', who = '', reason = '', decided_ms = NULL
WHERE state IN ('REPLAYED', 'DISCARDED') AND decided_ms < 0
AND load_id IN (SELECT l.load_id FROM job j JOIN load l ON l.job_id = j.id WHERE j.pipeline = ?1);
