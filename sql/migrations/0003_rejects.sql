-- What becomes of rejects: loaded after all, or given up by a person. SQLite changes no CHECK, so the table is made anew.
CREATE TABLE reject_next (
  load_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  column_ TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL, hint TEXT NOT NULL DEFAULT '',
  raw BLOB NOT NULL,
  raw_total INTEGER NOT NULL,
  raw_sha256 TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'FINAL', 'FAILED', 'REPLAYED', 'DISCARDED')),
                                             -- FAILED: of an attempt that was rolled back, kept to be seen
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', -- of REPLAYED and DISCARDED, with when
  decided_ms INTEGER,
  PRIMARY KEY (load_id, line)
) STRICT, WITHOUT ROWID;
INSERT INTO reject_next (load_id, line, offset, column_, code, message, hint, raw, raw_total, raw_sha256, state, at_ms)
SELECT load_id, line, offset, column_, code, message, hint, raw, raw_total, raw_sha256, state, at_ms FROM reject;
DROP TABLE reject;
ALTER TABLE reject_next RENAME TO reject;
CREATE INDEX reject_state ON reject(load_id, state);
