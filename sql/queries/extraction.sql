-- name: extraction_put
INSERT INTO extraction (pipeline, run, name, kind, seq, state, from_, to_, verify, notice, reason, who, created_ms,
                        updated_ms, of_)
VALUES (?1, ?2, ?3, ?4, ?5, 'PLANNED', ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13);

-- name: extraction_open
-- The oldest run that may be worked now.
SELECT run FROM extraction
WHERE pipeline = ?1 AND state IN ('PLANNED', 'WRITING', 'WRITTEN', 'FAILED') AND not_before_ms <= ?2
ORDER BY id LIMIT 1;

-- name: extraction_pending
SELECT COUNT(DISTINCT run) FROM extraction
WHERE pipeline = ?1 AND state IN ('PLANNED', 'WRITING', 'WRITTEN', 'FAILED');

-- name: extraction_sequence_open
-- Is a run of the sequence unfinished (1), or given up (2)?
SELECT MAX(CASE state WHEN 'DEAD' THEN 2 ELSE 1 END) FROM extraction
WHERE pipeline = ?1 AND seq >= 0 AND state IN ('PLANNED', 'WRITING', 'WRITTEN', 'FAILED', 'DEAD');

-- name: extraction_run
SELECT id, pipeline, run, name, kind, seq, state, from_, to_, verify, stamp_ms, stamps, manifest_key, manifest, rows,
       bytes, parts, sql_, notice, took_ms, attempts, tries, not_before_ms, execution_id, error, message, hint, reason, who,
       created_ms, updated_ms, of_
FROM extraction WHERE pipeline = ?1 AND run = ?2 ORDER BY id;

-- name: extraction_newest
-- Without the manifests, which may be long.
SELECT id, pipeline, run, name, kind, seq, state, from_, to_, verify, stamp_ms, stamps, manifest_key, '', rows,
       bytes, parts, sql_, notice, took_ms, attempts, tries, not_before_ms, execution_id, error, message, hint, reason, who,
       created_ms, updated_ms, of_
FROM extraction WHERE pipeline = ?1 ORDER BY id DESC LIMIT ?2;

-- name: extraction_bad
SELECT id, pipeline, run, name, kind, seq, state, from_, to_, verify, stamp_ms, stamps, manifest_key, '', rows,
       bytes, parts, sql_, notice, took_ms, attempts, tries, not_before_ms, execution_id, error, message, hint, reason, who,
       created_ms, updated_ms, of_
FROM extraction WHERE pipeline = ?1 AND state IN ('PLANNED', 'WRITING', 'WRITTEN', 'FAILED', 'DEAD') AND (error <> '' OR state = 'DEAD')
ORDER BY id LIMIT 200;

-- name: extraction_stamp
UPDATE extraction SET stamps = CASE stamp_ms WHEN 0 THEN stamps ELSE json_insert(stamps, '$[#]', stamp_ms) END, stamp_ms = ?3,
  state = 'WRITING', execution_id = ?4, updated_ms = ?5
WHERE pipeline = ?1 AND run = ?2 AND state IN ('PLANNED', 'WRITING', 'WRITTEN', 'FAILED');

-- name: extraction_last_stamp
SELECT MAX(stamp_ms) FROM extraction WHERE pipeline = ?1;

-- name: extraction_written
UPDATE extraction SET state = 'WRITTEN', manifest_key = ?2, manifest = ?3, rows = ?4, bytes = ?5, parts = ?6, sql_ = ?7,
  took_ms = ?8, notice = ?9, updated_ms = ?10
WHERE id = ?1 AND state = 'WRITING' AND stamp_ms = ?11;

-- name: extraction_published
-- The manifest is at the sink from here on, and may be 16 MiB.
UPDATE extraction SET state = 'PUBLISHED', manifest = '', rows = ?2, bytes = ?3, parts = ?4, error = '', message = '', hint = '', updated_ms = ?5
WHERE id = ?1 AND state = 'WRITTEN';

-- name: extraction_failed
-- What was written stays WRITTEN while its manifest cannot be put, and is not read anew; but where it is wrong (?10).
UPDATE extraction SET state = CASE WHEN attempts + ?3 >= ?4 THEN 'DEAD' WHEN state = 'WRITTEN' AND ?10 = 0 THEN 'WRITTEN'
  ELSE 'FAILED' END, attempts = attempts + ?3,
  tries = tries + 1, not_before_ms = ?5, error = ?6, message = ?7, hint = ?8, updated_ms = ?9
WHERE pipeline = ?1 AND run = ?2 AND state IN ('PLANNED', 'WRITING', 'WRITTEN', 'FAILED');

-- name: extraction_nothing
-- A window without rows: no file, no manifest, and the next window begins where this one did. Only the newest such row is kept.
UPDATE extraction SET state = 'PUBLISHED', seq = -1, error = '', message = '', hint = '', updated_ms = ?2
WHERE id = ?1 AND state = 'WRITTEN';

-- name: extraction_nothing_before
DELETE FROM extraction WHERE pipeline = ?1 AND name = ?2 AND id < ?3 AND kind = 'INCREMENTAL' AND seq = -1 AND state = 'PUBLISHED';

-- name: extraction_supersede
-- By a run of the sequence: it takes what the one that is DEAD did not. Nobody but a person takes a range again.
UPDATE extraction SET state = 'SUPERSEDED', updated_ms = ?2
WHERE pipeline = ?1 AND state = 'DEAD' AND seq >= 0;

-- name: extraction_again
UPDATE extraction SET not_before_ms = 0 WHERE pipeline = ?1 AND state IN ('FAILED', 'WRITTEN');

-- name: extraction_retry
UPDATE extraction SET state = 'FAILED', attempts = 0, tries = 0, not_before_ms = 0 WHERE pipeline = ?1 AND state IN ('FAILED', 'DEAD');

-- name: extraction_totals
-- A window without rows counts as a success, and its end as taken: nothing was there.
SELECT name, SUM(parts > 0), SUM(rows), SUM(bytes), MAX(updated_ms), MAX(CASE kind WHEN 'INCREMENTAL' THEN to_ END)
FROM extraction WHERE pipeline = ?1 AND state = 'PUBLISHED' GROUP BY name ORDER BY name;

-- name: watermark_get
SELECT value, seq, run, at_ms, of_ FROM watermark WHERE pipeline = ?1 AND name = ?2;

-- name: watermark_put
INSERT INTO watermark (pipeline, name, value, seq, run, at_ms, of_) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (pipeline, name) DO UPDATE SET value = ?3, seq = ?4, run = ?5, at_ms = ?6, of_ = ?7 WHERE excluded.seq > seq;

-- name: extraction_drop
UPDATE extraction SET state = 'SUPERSEDED', message = ?2, updated_ms = ?3
WHERE id = ?1 AND state IN ('PLANNED', 'WRITING', 'WRITTEN', 'FAILED');

-- name: watermark_moved
UPDATE watermark SET of_ = ?3 WHERE pipeline = ?1 AND name = ?2;
