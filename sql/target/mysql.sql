-- What orch keeps in a MySQL or MariaDB target (docs/architecture.md), as far as it is said otherwise in SQLite; the rest
-- is in both.sql. {table} is a quoted name.

-- name: begin
START TRANSACTION;

-- name: begin_snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;

-- name: session_read
-- Of a connection that only reads: an upload that is slow must not have the server hang up, any date that is stored may be
-- compared with, and a lock is not waited for behind the back of who reads.
SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', net_write_timeout = 3600, net_read_timeout = 3600,
    wait_timeout = 3600, lock_wait_timeout = {lock_wait}, innodb_lock_wait_timeout = {lock_wait};
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- name: session_read_idle
-- Where there are such limits.
SET SESSION idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0;

-- name: lock_all
FLUSH TABLES WITH READ LOCK;

-- name: unlock_all
UNLOCK TABLES;

-- name: utc_now
SELECT UTC_TIMESTAMP(6);

-- name: rows_given
-- Of the statement before, as the server counted them when it gave them.
SELECT FOUND_ROWS();

-- name: position_of_snapshot
-- MariaDB: of the transaction's own snapshot, whatever is written meanwhile.
SHOW STATUS WHERE Variable_name IN ('Binlog_snapshot_file', 'Binlog_snapshot_position');

-- name: position_gtid
SELECT BINLOG_GTID_POS(?, ?);

-- name: position
SHOW MASTER STATUS;

-- name: position_new
-- MySQL from 8.2 on.
SHOW BINARY LOG STATUS;

-- name: has_ledger
SELECT COUNT(*) FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('orch_fence', 'orch_load');

-- name: setup
-- Keys compare as bytes: by their sha256. A decision on a whole partition has the key '' and the sha256 of
-- NUL + partition.
CREATE TABLE IF NOT EXISTS orch_fence (
  pipeline VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  epoch BIGINT NOT NULL COMMENT 'raised by every attempt that writes',
  seq BIGINT NOT NULL COMMENT 'written by every transaction'
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: who may write';
CREATE TABLE IF NOT EXISTS orch_load (
  load_id BIGINT NOT NULL COMMENT '_orch_load_id of the rows',
  chunk INT NOT NULL DEFAULT 0 COMMENT '0: the whole object, or its plan',
  pipeline VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  part VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'partition: 2022-06-05T12',
  object_key VARBINARY(4096) NOT NULL,
  key_sha256 BINARY(32) NOT NULL,
  generation BIGINT NOT NULL COMMENT 'counts per pipeline and key',
  etag VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  size BIGINT NOT NULL DEFAULT 0,
  mtime_ns BIGINT NOT NULL DEFAULT 0 COMMENT 'file:// only',
  sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'of the bytes',
  table_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  byte_from BIGINT NULL,
  byte_to BIGINT NULL,
  line_from BIGINT NULL,
  line_to BIGINT NULL,
  last TINYINT NOT NULL DEFAULT 1 COMMENT '1: no chunk follows',
  state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'PLAN LOADED REVOKING SUPERSEDED ADOPTED SKIPPED EMPTY',
  rows_read BIGINT NOT NULL DEFAULT 0,
  rows_loaded BIGINT NOT NULL DEFAULT 0,
  rows_rejected BIGINT NOT NULL DEFAULT 0,
  columns_json LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'NULLs and sums per column',
  job VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  reason TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  at_ms BIGINT NOT NULL COMMENT 'ms since 1970, UTC',
  PRIMARY KEY (load_id, chunk),
  UNIQUE KEY one_of_each (pipeline, key_sha256, generation, chunk),
  KEY in_order (pipeline, at_ms, load_id, chunk)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: what is loaded';
CREATE TABLE IF NOT EXISTS orch_reject (
  pipeline VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  load_id BIGINT NOT NULL,
  line BIGINT NOT NULL COMMENT 'of the record in its file',
  verdict VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'REPLAYED DISCARDED',
  who VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  reason TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  at_ms BIGINT NOT NULL COMMENT 'ms since 1970, UTC',
  PRIMARY KEY (pipeline, load_id, line)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: what became of rejects';
CREATE TABLE IF NOT EXISTS orch_intake (
  tbl VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'of the data dictionary',
  key_hash BINARY(32) NOT NULL COMMENT 'sha256 of request_key',
  request_key VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'Idempotency-Key, or the file',
  body_sha256 BINARY(32) NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'STORED REFUSED; OPEN: nobody sees it',
  rows_read BIGINT NOT NULL DEFAULT 0,
  rows_stored BIGINT NOT NULL DEFAULT 0,
  rows_rejected BIGINT NOT NULL DEFAULT 0,
  answer MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'given again when the key comes again',
  source VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  who VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  at_ms BIGINT NOT NULL COMMENT 'ms since 1970, UTC',
  PRIMARY KEY (tbl, key_hash),
  KEY in_order (at_ms)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: keys of requests and files';
CREATE TABLE IF NOT EXISTS orch_intake_reject (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tbl VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'of the data dictionary',
  source VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'the request, or the file',
  record BIGINT NOT NULL COMMENT 'of the source, the first is 1',
  line BIGINT NOT NULL,
  column_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'empty: the record as a whole',
  code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  hint TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  raw MEDIUMBLOB NOT NULL COMMENT 'the record as it stood, at most 64 KiB of it',
  raw_total BIGINT NOT NULL COMMENT 'its whole length',
  who VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  at_ms BIGINT NOT NULL COMMENT 'ms since 1970, UTC',
  KEY of_table (tbl, id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: records that were not taken in';

-- name: copy_setup
CREATE TABLE IF NOT EXISTS {table} (
  load_id BIGINT NOT NULL COMMENT '_orch_load_id of the rows of its file',
  line BIGINT NOT NULL,
  pipeline VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  part VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'partition: 2022-06-05T12',
  object_key VARBINARY(4096) NOT NULL,
  byte_offset BIGINT NOT NULL COMMENT 'in the decompressed file',
  column_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'empty: the record as a whole',
  code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  raw MEDIUMBLOB NOT NULL COMMENT 'the record as it stood, at most 64 KiB of it',
  raw_bytes BIGINT NOT NULL COMMENT 'its whole length',
  at DATETIME(3) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (load_id, line)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: records that were not loaded';

-- name: fence_first
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 1, 0) ON DUPLICATE KEY UPDATE epoch = epoch + 1;

-- name: fence_touch
INSERT INTO orch_fence (pipeline, epoch, seq) VALUES (?, 0, 1) ON DUPLICATE KEY UPDATE seq = seq + 1;

-- name: lineage_columns
ALTER TABLE {table} ADD COLUMN _orch_load_id BIGINT NULL INVISIBLE, ADD COLUMN _orch_line BIGINT NULL INVISIBLE,
  ADD UNIQUE KEY _orch_lineage (_orch_load_id, _orch_line);

-- name: lineage_index
ALTER TABLE {table} ADD UNIQUE KEY _orch_lineage (_orch_load_id, _orch_line);

-- name: target_clock
SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: intake_foreign_keys
-- Of one column each: what a table's own keys look after already.
SELECT MIN(COLUMN_NAME), MIN(REFERENCED_TABLE_SCHEMA), MIN(REFERENCED_TABLE_NAME), MIN(REFERENCED_COLUMN_NAME), DATABASE()
  FROM information_schema.KEY_COLUMN_USAGE
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND REFERENCED_TABLE_NAME IS NOT NULL
 GROUP BY CONSTRAINT_NAME HAVING COUNT(*) = 1;

-- name: intake_lock
LOCK IN SHARE MODE
