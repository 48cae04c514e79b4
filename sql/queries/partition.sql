-- name: partition_list
SELECT p.part, p.state, p.reason, p.since_ms, p.listed_ms,
  p.state IN ('WAITING', 'LATE')
  OR EXISTS (SELECT 1 FROM job j WHERE j.pipeline = p.pipeline AND j.part = p.part
             AND (j.state IN ('QUEUED', 'PROCESSING', 'FAILED', 'DEAD', 'MISMATCHED')
                  OR (j.state = 'LOADED' AND j.unverifiable = 0)))
  OR EXISTS (SELECT 1 FROM object o WHERE o.pipeline = p.pipeline AND o.part = p.part AND o.verdict = 'NEW')
FROM partition_ p
WHERE p.pipeline = ?1 AND p.part >= coalesce(?2, '') AND (?3 IS NULL OR p.part <= ?3)
ORDER BY p.part;

-- name: partition_put
-- LATE since a moment that is still to come: the clock was set back, and the hour is not any earlier for it
INSERT INTO partition_ (pipeline, part, state, since_ms, listed_ms, reason) VALUES (?1, ?2, ?3, ?4, ?4, ?5)
ON CONFLICT (pipeline, part) DO UPDATE SET listed_ms = ?4,
  reason = CASE WHEN state IN ('SKIPPED', 'ADOPTED') THEN reason ELSE ?5 END,
  since_ms = CASE WHEN state IN ('SKIPPED', 'ADOPTED', ?3) OR (state = 'LATE' AND ?3 = 'WAITING' AND since_ms > ?4)
                  THEN since_ms ELSE ?4 END,
  state = CASE WHEN state IN ('SKIPPED', 'ADOPTED') OR (state = 'LATE' AND ?3 = 'WAITING' AND since_ms > ?4)
               THEN state ELSE ?3 END;

-- name: partition_queued
-- without a listing: a job was made or found in the ledger
INSERT INTO partition_ (pipeline, part, state, since_ms) VALUES (?1, ?2, 'QUEUED', ?3)
ON CONFLICT (pipeline, part) DO UPDATE SET state = 'QUEUED', since_ms = ?3, reason = ''
WHERE state NOT IN ('QUEUED', 'SKIPPED', 'ADOPTED');

-- name: partition_decide
INSERT INTO partition_ (pipeline, part, state, since_ms, reason) VALUES (?1, ?2, ?3, ?5, ?4)
ON CONFLICT (pipeline, part) DO UPDATE SET since_ms = CASE WHEN state = ?3 THEN since_ms ELSE ?5 END,
  state = ?3, reason = ?4;

