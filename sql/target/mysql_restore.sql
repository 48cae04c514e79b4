-- What io/target_restore*.c asks.

-- name: session_restore
-- Any date that was stored comes back; foreign keys are looked at before COMMIT, over all rows (restore_references).
SET SESSION sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0,
    net_read_timeout = 3600, wait_timeout = 3600, lock_wait_timeout = 10, innodb_lock_wait_timeout = 10;

-- name: restore_lock
-- One that was killed holds it until the server has taken its rows back.
SELECT GET_LOCK(CONCAT('orch.restore.', LEFT(SHA2(CONCAT(IFNULL(?, DATABASE()), '.', ?), 256), 40)), 10);

-- name: restore_full_name
SELECT CONCAT(IFNULL(?, DATABASE()), '.', ?);

-- name: restore_references
SELECT CONSTRAINT_NAME, TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME,
       REFERENCED_COLUMN_NAME
  FROM information_schema.KEY_COLUMN_USAGE
 WHERE REFERENCED_TABLE_NAME IS NOT NULL
   AND ((TABLE_SCHEMA = IFNULL(?, DATABASE()) AND TABLE_NAME = ?)
        OR (REFERENCED_TABLE_SCHEMA = IFNULL(?, DATABASE()) AND REFERENCED_TABLE_NAME = ?))
 ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION;

-- name: backup_dates
-- Is there a date that no calendar has?
SELECT EXISTS(SELECT 1 FROM {table} WHERE {columns});
