-- The way back: what runs of extracts took of each table, and up to where.
CREATE TABLE extraction (
  id INTEGER PRIMARY KEY,
  pipeline TEXT NOT NULL,
  run TEXT NOT NULL,                         -- 20220605T120000Z-1a2b3c4d: one snapshot of all its tables
  name TEXT NOT NULL,                        -- of the output
  kind TEXT NOT NULL CHECK (kind IN ('INCREMENTAL', 'FULL', 'RANGE')),
  seq INTEGER NOT NULL,                      -- of its manifest; -1: outside the sequence, it moves no watermark
  state TEXT NOT NULL CHECK (state IN ('PLANNED', 'WRITING', 'WRITTEN', 'PUBLISHED', 'FAILED', 'DEAD', 'SUPERSEDED')),
  from_ TEXT, to_ TEXT,                      -- the database's own text, UTC; NULL: open
  excluded INTEGER NOT NULL DEFAULT 0,
  verify INTEGER NOT NULL DEFAULT 0,         -- the files are to be read back
  stamp_ms INTEGER NOT NULL DEFAULT 0,       -- of the newest attempt, in its files' names: no two have the same
  stamps TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(stamps)), -- of those before: their files go once it is published
  manifest_key TEXT NOT NULL DEFAULT '', manifest TEXT NOT NULL DEFAULT '',
  rows INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, parts INTEGER NOT NULL DEFAULT 0,
  sql_ TEXT NOT NULL DEFAULT '', notice TEXT NOT NULL DEFAULT '',
  took_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
  not_before_ms INTEGER NOT NULL DEFAULT 0,
  execution_id INTEGER,
  error TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '', who TEXT NOT NULL DEFAULT '',
  of_ TEXT NOT NULL DEFAULT '',              -- where its rows come from, and go
  created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
  UNIQUE (pipeline, run, name)
) STRICT;
CREATE INDEX extraction_state ON extraction(pipeline, state, id);

CREATE TABLE watermark (
  pipeline TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT,                                -- up to here, itself not; NULL: of full runs
  seq INTEGER NOT NULL,                      -- of the manifest that says so
  run TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  of_ TEXT NOT NULL DEFAULT '',              -- of which rows, from where to where, it speaks
  PRIMARY KEY (pipeline, name)
) STRICT, WITHOUT ROWID;
