-- name: server_now
-- The clock, ms; what the server's own zone is off UTC, minutes; and its name. 'SYSTEM' needs no zone tables.
SELECT CAST(UNIX_TIMESTAMP(UTC_TIMESTAMP(3)) * 1000 AS SIGNED),
       TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone)),
       IF(@@global.time_zone = 'SYSTEM', @@system_time_zone, @@global.time_zone);

-- name: oldest_transaction
-- trx_started is in the server's system zone.
SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, CONVERT_TZ(trx_started, 'SYSTEM', '+00:00'), UTC_TIMESTAMP()),
       (SELECT CONCAT(USER, '@', HOST) FROM information_schema.PROCESSLIST WHERE ID = trx_mysql_thread_id)
  FROM information_schema.INNODB_TRX
 WHERE trx_mysql_thread_id <> CONNECTION_ID() AND trx_is_read_only = 0
 ORDER BY trx_started LIMIT 1;

-- name: is_read_only
SELECT @@global.read_only + 0;

-- name: rows_about
SELECT COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?;
