-- What was asked for over HTTP and the next tick does: replays, backups, restores. (state/request.h)
CREATE TABLE request (
  id INTEGER PRIMARY KEY,                    -- the newest is never pruned, so that no id is used again
  kind TEXT NOT NULL CHECK (kind IN ('replay', 'retry', 'skip', 'backup', 'restore')),
  pipeline TEXT NOT NULL,                    -- "": of none
  args TEXT NOT NULL CHECK (json_valid(args)),
  reason TEXT NOT NULL, who TEXT NOT NULL,
  key TEXT UNIQUE,                           -- Idempotency-Key; NULL: none
  state TEXT NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before_ms INTEGER NOT NULL DEFAULT 0,  -- a server was away
  reached TEXT NOT NULL DEFAULT '',          -- of a range: partitions up to this one have been acted on
  acted INTEGER NOT NULL DEFAULT 0,          -- and how many of them
  result TEXT CHECK (result IS NULL OR json_valid(result)),
  error TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
  made_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER,
  acked_ms INTEGER                           -- a person has seen that it FAILED
) STRICT;
CREATE INDEX request_open ON request(state, id) WHERE state IN ('QUEUED', 'RUNNING');
CREATE INDEX request_failed ON request(pipeline, id) WHERE state = 'FAILED' AND acked_ms IS NULL;
