-- name: server_now
-- The clock, ms; what the server's own zone is off UTC, minutes; and its name. 'SYSTEM' needs no zone tables.
SELECT CAST(UNIX_TIMESTAMP(UTC_TIMESTAMP(3)) * 1000 AS SIGNED),
       TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone)),
       IF(@@global.time_zone = 'SYSTEM', @@system_time_zone, @@global.time_zone);

-- name: running_statements
-- Those that may write, and how long ago they got their NOW(), s. One that waits for a lock on its table, or for its first row,
-- is in no transaction yet. SELECTs that wait for a user lock or sleep are left out.
SELECT ID, TIME
  FROM information_schema.PROCESSLIST
 WHERE ID <> CONNECTION_ID() AND INFO IS NOT NULL
   AND LEFT(INFO, 200) NOT RLIKE '^[[:space:]]*(/[*].*[*]/)?[[:space:](]*([Ss][Ee][Ll][Ee][Cc][Tt]|[Ss][Hh][Oo][Ww])[^[:alnum:]_]'
 ORDER BY TIME DESC;

-- name: open_transactions
-- Every one: its connection; is it read only; is it ours; is it being taken back; and when it began, s of UTC, at the earliest and
-- at the latest: trx_started is in the zone of the server's machine, where an hour may come twice.
SELECT trx_mysql_thread_id, trx_is_read_only, trx_mysql_thread_id = CONNECTION_ID(), trx_state = 'ROLLING BACK',
       TIMESTAMPDIFF(SECOND, '1970-01-01', IF(CONVERT_TZ(utc - INTERVAL 1 HOUR, '+00:00', 'SYSTEM') = trx_started, utc - INTERVAL 1 HOUR, utc)),
       TIMESTAMPDIFF(SECOND, '1970-01-01', IF(CONVERT_TZ(utc + INTERVAL 1 HOUR, '+00:00', 'SYSTEM') = trx_started, utc + INTERVAL 1 HOUR, utc))
  FROM (SELECT trx_mysql_thread_id, trx_is_read_only, trx_state, trx_started, CONVERT_TZ(trx_started, 'SYSTEM', '+00:00') AS utc
          FROM information_schema.INNODB_TRX) AS t;

-- name: whose_connection
SELECT CONCAT(USER, '@', HOST) FROM information_schema.PROCESSLIST WHERE ID = ?;

-- name: is_read_only
SELECT @@global.read_only + 0;

-- name: rows_about
SELECT COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?;
