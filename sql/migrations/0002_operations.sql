-- What operators do and hear: pauses, acknowledgements, alerts by channel, sizes, counters, the last tick.
CREATE TABLE pause (                         -- orch pause: no new execution is started
  pipeline TEXT PRIMARY KEY,
  since_ms INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ack (                           -- orch ack: a person has seen it and lets it stand
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,
  class TEXT NOT NULL,                       -- SMALL, REFUSED
  subject TEXT NOT NULL,                     -- what was seen (rows, object id): another one is a new trouble
  at_ms INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (pipeline, part, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE size_check (                    -- a settled partition against its like
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,
  rows INTEGER NOT NULL,
  usual INTEGER NOT NULL,                    -- median of its like
  least INTEGER NOT NULL,                    -- fewer is SMALL
  likes INTEGER NOT NULL,                    -- how many it was compared with
  small INTEGER NOT NULL,
  judged_ms INTEGER NOT NULL,
  PRIMARY KEY (pipeline, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX size_check_small ON size_check(pipeline, part) WHERE small;

CREATE TABLE told (                          -- what a channel believes: troubles it has been told of, or is to be
  channel TEXT NOT NULL,                     -- "mail ana@example.org", "webhook", "command"
  key TEXT NOT NULL,                         -- trouble.key
  pipeline TEXT NOT NULL, class TEXT NOT NULL, part TEXT NOT NULL,
  text TEXT NOT NULL, hint TEXT NOT NULL DEFAULT '',
  opened_ms INTEGER NOT NULL,
  said_ms INTEGER,                           -- NULL: not delivered yet
  gone_ms INTEGER,                           -- well again; the row goes when the channel knows
  ending TEXT NOT NULL DEFAULT '',           -- what a person decided: "skipped by ana@host: reason"
  PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel (                       -- deliveries; counts never go back
  name TEXT PRIMARY KEY,
  sent INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  ok_ms INTEGER, failing_since_ms INTEGER, tried_ms INTEGER,
  error TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (                       -- metrics that only grow, raised in the transaction of what they count
  name TEXT NOT NULL, pipeline TEXT NOT NULL, label TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (name, pipeline, label)
) STRICT, WITHOUT ROWID;

-- status and plan walk years of hours: the states without the rows
CREATE INDEX job_view ON job(pipeline, part, n, state, unverifiable);
CREATE INDEX job_more ON job(pipeline, part) WHERE n > 1;
-- and counts rejects without their bytes
CREATE INDEX reject_state ON reject(load_id, state);
