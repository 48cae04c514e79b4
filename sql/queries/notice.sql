-- name: notice_put
INSERT INTO notice(pipeline, part, what, text, from_ms, seen_ms, to_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6);
-- name: notice_again
-- The same is going on, or was said of the same partition before: 0 rows where not.
UPDATE notice SET seen_ms = ?5 WHERE pipeline = ?1 AND part = ?2 AND what = ?3 AND text = ?4 AND (to_ms IS NULL OR ?6 IS NOT NULL);
-- name: notice_end
UPDATE notice SET to_ms = ?3 WHERE pipeline = ?1 AND what = ?2 AND to_ms IS NULL;
-- name: notice_trim
DELETE FROM notice WHERE pipeline = ?1 AND id < (SELECT id FROM notice WHERE pipeline = ?1 ORDER BY id DESC LIMIT 1 OFFSET 999);
-- name: notice_open
SELECT part, what, text, from_ms, seen_ms FROM notice WHERE pipeline = ?1 AND to_ms IS NULL AND seen_ms >= ?2 ORDER BY id DESC LIMIT 1;
