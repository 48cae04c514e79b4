-- name: flag_get
SELECT f.id, f.execution_id, f.job_id, f.epoch, f.set_ms, f.lease_boot_ms, f.lease_ms, f.boot_id, e.status, e.name
FROM flag f LEFT JOIN execution e ON e.id = f.execution_id WHERE f.pipeline = ?1;

-- name: flag_put
INSERT OR REPLACE INTO flag (pipeline, id, execution_id, job_id, epoch, set_ms, lease_boot_ms, lease_ms, boot_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: flag_epoch
UPDATE flag SET epoch = ?4 WHERE pipeline = ?1 AND id = ?2 AND epoch = ?3;

-- name: flag_renew
UPDATE flag SET lease_boot_ms = ?3, lease_ms = ?4, boot_id = ?5 WHERE pipeline = ?1 AND id = ?2;

-- name: flag_clear
DELETE FROM flag WHERE pipeline = ?1 AND id = ?2;
