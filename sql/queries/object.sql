-- name: object_put
INSERT INTO object (pipeline, part, key, etag, version_id, size, mtime_ns, modified_ms, first_seen_ms, sha256, verdict,
  said_rows, said_sha256)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);

-- name: object_said
-- the newest row of the key
UPDATE object SET said_rows = ?3, said_sha256 = ?4
WHERE id = (SELECT id FROM object WHERE pipeline = ?1 AND key = ?2 ORDER BY id DESC LIMIT 1)
AND (said_rows IS NOT ?3 OR said_sha256 IS NOT ?4);

-- name: object_newest
SELECT id, part, key, etag, version_id, size, mtime_ns, modified_ms, first_seen_ms, sha256, verdict
FROM object WHERE pipeline = ?1 AND key = ?2 ORDER BY id DESC LIMIT 1;

-- name: object_get
SELECT id, part, key, etag, version_id, size, mtime_ns, modified_ms, first_seen_ms, sha256, verdict
FROM object WHERE id = ?1;

-- name: object_list_refused
SELECT o.id, o.part, o.key, o.etag, o.version_id, o.size, o.mtime_ns, o.modified_ms, o.first_seen_ms, o.sha256, o.verdict
FROM object o WHERE o.pipeline = ?1 AND o.verdict = 'REFUSED'
AND NOT EXISTS (SELECT 1 FROM object x WHERE x.pipeline = o.pipeline AND x.key = o.key AND x.id > o.id)
ORDER BY +o.part, +o.key;

-- name: object_list_current
-- +key: the partition's objects sorted, not those of the pipeline walked
SELECT o.id, o.part, o.key, o.etag, o.version_id, o.size, o.mtime_ns, o.modified_ms, o.first_seen_ms, o.sha256, o.verdict
FROM object o WHERE o.pipeline = ?1 AND o.part = ?2 AND o.verdict <> 'GONE'
AND NOT EXISTS (SELECT 1 FROM object x WHERE x.pipeline = o.pipeline AND x.key = o.key AND x.id > o.id)
ORDER BY +o.key;

-- name: object_verdict
UPDATE object SET verdict = ?2 WHERE id = ?1;

-- name: object_unrefuse
-- those that are overwritten loads are refused again by the next listing
UPDATE object SET verdict = 'NEW' WHERE pipeline = ?1 AND part = ?2 AND verdict = 'REFUSED';

-- name: object_sha256
UPDATE object SET sha256 = ?2 WHERE id = ?1 AND ?2 <> '';
