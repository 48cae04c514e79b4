-- name: pause_get
SELECT since_ms, who, reason FROM pause WHERE pipeline = ?1;

-- name: pause_put
INSERT INTO pause (pipeline, since_ms, who, reason) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING;

-- name: pause_delete
DELETE FROM pause WHERE pipeline = ?1;

-- name: ack_put
INSERT INTO ack (pipeline, part, class, subject, at_ms, who, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (pipeline, part, class) DO UPDATE SET subject = ?4, at_ms = ?5, who = ?6, reason = ?7;

-- name: ack_get
SELECT subject FROM ack WHERE pipeline = ?1 AND part = ?2 AND class = ?3;

-- name: ack_small
-- what there is to acknowledge of a partition's size
SELECT rows FROM size_check WHERE pipeline = ?1 AND part = ?2 AND small <> 0;

-- name: ack_refused
-- the newest of the partition's objects that are not loaded on purpose
SELECT max(o.id) FROM object o WHERE o.pipeline = ?1 AND o.part = ?2 AND o.verdict = 'REFUSED'
AND NOT EXISTS (SELECT 1 FROM object x WHERE x.pipeline = o.pipeline AND x.key = o.key AND x.id > o.id);
