-- What MySQL and MariaDB tell of a table. Aliases, because the two servers name result columns in different case.

-- name: schema_table
SELECT TABLE_TYPE AS a, COALESCE(ENGINE, '') AS b FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?;

-- name: schema_columns
SELECT COLUMN_NAME AS a, COLUMN_TYPE AS b, IS_NULLABLE AS c, COLUMN_DEFAULT AS d, EXTRA AS e,
       CHARACTER_SET_NAME AS f, COLLATION_NAME AS g
  FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION;

-- name: schema_keys
SELECT INDEX_NAME AS a, COLUMN_NAME AS b, SUB_PART AS c FROM information_schema.STATISTICS
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND NON_UNIQUE = 0
 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX;

-- name: schema_triggers
SELECT TRIGGER_NAME AS a FROM information_schema.TRIGGERS
 WHERE EVENT_OBJECT_SCHEMA = COALESCE(?, DATABASE()) AND EVENT_OBJECT_TABLE = ? AND EVENT_MANIPULATION = 'INSERT'
 ORDER BY TRIGGER_NAME;

-- name: session_dirty
-- Of a verifier: rows that a load has not committed yet.
SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;

-- name: lock_holder
SELECT IS_USED_LOCK(?);

-- name: session_variables
-- Which of the variables below this server has, and what bounds a statement.
SHOW VARIABLES WHERE Variable_name IN ('max_allowed_packet', 'idle_transaction_timeout', 'wsrep_on', 'wsrep_sync_wait',
  'max_statement_time', 'max_execution_time', 'explicit_defaults_for_timestamp', 'local_infile');

-- name: session
-- Strict, so that the server changes no value; UTC; and the checks on, whatever the server's own settings are.
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO',
    time_zone = '+00:00', autocommit = 1, foreign_key_checks = 1, unique_checks = 1, sql_auto_is_null = 0,
    sql_safe_updates = 0, sql_select_limit = DEFAULT;
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- name: session_zero_dates
-- The same for tables that hold 0000-00-00, which are to be as they were.
SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO';

-- name: limits_variables
SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connections', 'max_allowed_packet', 'max_binlog_cache_size', 'log_bin', 'wsrep_on', 'wsrep_max_ws_size',
  'group_replication_transaction_size_limit', 'group_replication_group_name');

-- name: limits_connected
SHOW STATUS WHERE Variable_name = 'Threads_connected';

-- name: limits_own
SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = SUBSTRING_INDEX(CURRENT_USER(), '@', 1);

-- name: limits_user
-- Of the session: the account's own limit, where it has one, else the server's.
SHOW SESSION VARIABLES WHERE Variable_name = 'max_user_connections';
