-- Settled: every job that counts is at its end, one at least; or EMPTY without a job. Rows: read of the loads that stand.
-- name: size_unjudged
SELECT part, rows FROM (
  SELECT p.part AS part, z.rows AS judged,
    (SELECT coalesce(sum(l.rows_read), 0) FROM job j JOIN load l ON l.job_id = j.id
     WHERE j.pipeline = p.pipeline AND j.part = p.part AND l.state IN ('LOADED', 'EMPTY')) AS rows
  FROM partition_ p LEFT JOIN size_check z ON z.pipeline = p.pipeline AND z.part = p.part
  WHERE p.pipeline = ?1 AND p.part >= ?2
    AND (p.state = 'EMPTY' OR (p.state = 'QUEUED'
      AND NOT EXISTS (SELECT 1 FROM job j WHERE j.pipeline = p.pipeline AND j.part = p.part
                      AND j.state NOT IN ('LOADED', 'RECONCILED', 'EMPTY', 'SUPERSEDED'))
      AND EXISTS (SELECT 1 FROM job j WHERE j.pipeline = p.pipeline AND j.part = p.part))))
WHERE judged IS NULL OR judged <> rows
ORDER BY part LIMIT ?3;
-- name: size_likes
SELECT (SELECT coalesce(sum(l.rows_read), 0) FROM job j JOIN load l ON l.job_id = j.id
        WHERE j.pipeline = p.pipeline AND j.part = p.part AND l.state IN ('LOADED', 'EMPTY'))
FROM partition_ p
WHERE p.pipeline = ?1
  AND p.part IN (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
  AND (p.state = 'EMPTY' OR (p.state = 'QUEUED'
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.pipeline = p.pipeline AND j.part = p.part
                    AND j.state NOT IN ('LOADED', 'RECONCILED', 'EMPTY', 'SUPERSEDED'))
    AND EXISTS (SELECT 1 FROM job j WHERE j.pipeline = p.pipeline AND j.part = p.part)));
-- name: size_put
INSERT INTO size_check(pipeline, part, rows, usual, least, likes, small, judged_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT(pipeline, part) DO UPDATE SET rows = ?3, usual = ?4, least = ?5, likes = ?6, small = ?7, judged_ms = ?8;
-- name: size_small
SELECT z.part, z.rows, z.usual, z.least, z.likes FROM size_check z
WHERE z.pipeline = ?1 AND z.small
  AND NOT EXISTS (SELECT 1 FROM ack a WHERE a.pipeline = z.pipeline AND a.part = z.part AND a.class = 'SMALL'
                  AND a.subject = CAST(z.rows AS TEXT))
  AND NOT EXISTS (SELECT 1 FROM partition_ p WHERE p.pipeline = z.pipeline AND p.part = z.part
                  AND p.state IN ('SKIPPED', 'ADOPTED'))
ORDER BY z.part;
