-- Engine tables (state/exec.h). Times are ms since the epoch, UTC, bound by the program: no clock in SQL.
CREATE TABLE workflow (
  sha256 TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  definition TEXT NOT NULL CHECK (json_valid(definition)),
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE execution (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  pipeline TEXT NOT NULL,
  workflow_sha256 TEXT NOT NULL REFERENCES workflow(sha256),
  cause_of_start TEXT NOT NULL CHECK (cause_of_start IN ('SCHEDULE', 'BACKLOG', 'RUN', 'START')),
  status TEXT NOT NULL CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED')),
  input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
  start_ms INTEGER NOT NULL, stop_ms INTEGER, deadline_ms INTEGER,
  redrive_count INTEGER NOT NULL DEFAULT 0, redrive_ms INTEGER,
  idle INTEGER NOT NULL DEFAULT 0,           -- found nothing to do: pruned early
  stop_requested INTEGER NOT NULL DEFAULT 0, -- orch stop: the holder sees it at its next heartbeat
  stop_error TEXT, stop_cause TEXT,
  -- the claim: who works it. Lock file claim_lock is held by the living owner (LOADING.md).
  claim INTEGER NOT NULL DEFAULT 0,
  claim_lock TEXT, claim_pid INTEGER, claim_pid_start INTEGER, claim_boot_id TEXT,
  claim_lease_boot_ms INTEGER, claim_lease_ms INTEGER
) STRICT;
CREATE INDEX execution_running ON execution(status, pipeline) WHERE status = 'RUNNING';
CREATE INDEX execution_stop ON execution(stop_ms) WHERE stop_ms IS NOT NULL;
CREATE INDEX execution_pipeline ON execution(pipeline, id);

CREATE TABLE event (
  execution_id INTEGER NOT NULL REFERENCES execution(id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  previous_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  ts_ms INTEGER NOT NULL,
  details TEXT CHECK (details IS NULL OR json_valid(details)),
  PRIMARY KEY (execution_id, id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER event_append_only_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER event_append_only_delete BEFORE DELETE ON event
WHEN (SELECT status FROM execution WHERE id = OLD.execution_id) = 'RUNNING'
BEGIN SELECT RAISE(ABORT, 'history of a running execution is append-only'); END;

CREATE TABLE frame (
  execution_id INTEGER NOT NULL REFERENCES execution(id) ON DELETE CASCADE,
  id INTEGER NOT NULL,                       -- 0 = root; Parallel and Map will add more
  parent_id INTEGER,
  kind TEXT NOT NULL CHECK (kind IN ('ROOT', 'BRANCH', 'ITERATION')),
  state TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('ENTER', 'TASK', 'WAIT', 'RETRY', 'DONE')),
  input TEXT NOT NULL,                       -- raw input of the state
  retry TEXT NOT NULL DEFAULT '[]',          -- attempts used, per retrier of the state
  entered_ms INTEGER NOT NULL DEFAULT 0,
  wake_ms INTEGER NOT NULL DEFAULT 0,        -- WAIT, RETRY: not before; else 0
  last_event INTEGER NOT NULL DEFAULT 0,     -- previousEventId of the next one
  PRIMARY KEY (execution_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE task (
  id INTEGER PRIMARY KEY,
  execution_id INTEGER NOT NULL REFERENCES execution(id) ON DELETE CASCADE,
  frame_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  token TEXT NOT NULL UNIQUE,
  resource TEXT NOT NULL,
  parameters TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('SCHEDULED', 'STARTED', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED')),
  timeout_ms INTEGER,                        -- durations; NULL: none
  heartbeat_ms INTEGER,
  claim INTEGER,                             -- the execution's claim that started it
  scheduled_ms INTEGER NOT NULL, started_ms INTEGER, last_beat_ms INTEGER, stop_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX task_live ON task(execution_id, frame_id) WHERE status IN ('SCHEDULED', 'STARTED');
CREATE INDEX task_execution ON task(execution_id);

CREATE TABLE trigger_ (
  pipeline TEXT PRIMARY KEY,
  expression TEXT NOT NULL,
  anchor_ms INTEGER NOT NULL,                -- phase of rate(); when the expression was first seen
  last_fire_ms INTEGER                       -- scheduled time of the newest fire that was acted on
) STRICT, WITHOUT ROWID;

CREATE TABLE trouble (                       -- what tick has said, so that it says it once
  key TEXT PRIMARY KEY,                      -- "loans FAILED 2022-06-05T12"
  pipeline TEXT NOT NULL,
  class TEXT NOT NULL,                       -- FAILED DEAD MISMATCHED LATE STUCK UNAVAILABLE CONFIG ...
  text TEXT NOT NULL, hint TEXT NOT NULL DEFAULT '',
  opened_ms INTEGER NOT NULL,
  said_ms INTEGER,
  seen_ms INTEGER NOT NULL                   -- newest tick that still found it
) STRICT, WITHOUT ROWID;

-- Work tables (state/queue.h, object.h, flag.h, reject.h).
CREATE TABLE pipeline (
  name TEXT PRIMARY KEY,
  ledger_epoch INTEGER NOT NULL DEFAULT -1,  -- fence as this file last knew it: differs = rebuild from the ledger
  ledger_seq INTEGER NOT NULL DEFAULT -1,
  ledger_target TEXT NOT NULL DEFAULT '',    -- target name and table that the two belong to
  full_listing_ms INTEGER NOT NULL DEFAULT 0,
  listed_ms INTEGER NOT NULL DEFAULT 0,      -- newest listing: a backlog is worked without one a job
  left_out INTEGER NOT NULL DEFAULT 0,       -- objects that include did not take, at the last listing
  left_out_example TEXT NOT NULL DEFAULT '',
  retry_ms INTEGER NOT NULL DEFAULT 0,       -- back-off: no new execution before
  retry_count INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE partition_ (
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,                        -- 2022-06-05T12 or 2022-06-05
  state TEXT NOT NULL CHECK (state IN ('WAITING', 'LATE', 'EMPTY', 'QUEUED', 'SKIPPED', 'ADOPTED')),
                                             -- QUEUED: it has jobs; their states tell
  since_ms INTEGER NOT NULL,
  listed_ms INTEGER NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (pipeline, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX partition_state ON partition_(pipeline, state, part);

CREATE TABLE object (                        -- one row per sighting: the newest id of a key is what is there now
  id INTEGER PRIMARY KEY,
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,
  key BLOB NOT NULL,
  etag TEXT NOT NULL DEFAULT '',
  version_id TEXT,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  first_seen_ms INTEGER NOT NULL,
  sha256 TEXT NOT NULL DEFAULT '',           -- once read
  verdict TEXT NOT NULL DEFAULT 'NEW' CHECK (verdict IN ('NEW', 'QUEUED', 'LOADED', 'EMPTY', 'SAME', 'REFUSED', 'GONE'))
) STRICT;
CREATE INDEX object_key ON object(pipeline, key, id);
CREATE INDEX object_part ON object(pipeline, part, id);
CREATE INDEX object_new ON object(pipeline, verdict) WHERE verdict = 'NEW';
CREATE INDEX object_refused ON object(pipeline, verdict) WHERE verdict = 'REFUSED';

CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,
  n INTEGER NOT NULL,                        -- 1, then #2, #3 ...
  kind TEXT NOT NULL CHECK (kind IN ('LOAD', 'REPLAY')),
  state TEXT NOT NULL CHECK (state IN ('QUEUED', 'PROCESSING', 'LOADED', 'RECONCILED', 'FAILED', 'DEAD', 'MISMATCHED',
                                       'EMPTY', 'SUPERSEDED')),
  attempts INTEGER NOT NULL DEFAULT 0,       -- that count towards DEAD
  tries INTEGER NOT NULL DEFAULT 0,          -- all of them: back-off
  not_before_ms INTEGER NOT NULL DEFAULT 0,
  execution_id INTEGER,                      -- the one that works it, or did last
  bytes INTEGER NOT NULL DEFAULT 0,
  error TEXT, message TEXT, hint TEXT,
  reason TEXT NOT NULL DEFAULT '', who TEXT NOT NULL DEFAULT '',
  unverifiable INTEGER NOT NULL DEFAULT 0,   -- lineage: none
  created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, loaded_ms INTEGER, reconciled_ms INTEGER,
  UNIQUE (pipeline, part, n)
) STRICT;
CREATE INDEX job_state ON job(pipeline, state, part, n);

CREATE TABLE load (                          -- (job, object): load id and generation drawn before any effect
  load_id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES job(id),
  object_id INTEGER NOT NULL REFERENCES object(id),
  generation INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('DRAWN', 'PENDING', 'LOADED', 'EMPTY', 'SAME', 'SUPERSEDED', 'DROPPED')),
  replaces INTEGER NOT NULL DEFAULT 0,       -- load id
  rows_read INTEGER NOT NULL DEFAULT 0, rows_loaded INTEGER NOT NULL DEFAULT 0,
  rows_rejected INTEGER NOT NULL DEFAULT 0, empty_lines INTEGER NOT NULL DEFAULT 0,
  columns TEXT NOT NULL DEFAULT '',          -- sums_to_json of the source side
  rejects_missing INTEGER NOT NULL DEFAULT 0,-- rebuilt from the ledger, rejects not read again yet / object gone
  in_ledger INTEGER NOT NULL DEFAULT 0,      -- mark of a rebuild that is under way: the ledger has it
  loaded_ms INTEGER,
  UNIQUE (job_id, object_id)
) STRICT;
CREATE INDEX load_object ON load(object_id, generation);

CREATE TABLE reject (
  load_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  column_ TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL, hint TEXT NOT NULL DEFAULT '',
  raw BLOB NOT NULL,
  raw_total INTEGER NOT NULL,
  raw_sha256 TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'FINAL', 'FAILED')), -- FAILED: of an attempt that was rolled back, kept to be seen
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (load_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE flag (
  pipeline TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,                   -- what ASL data carries; never the epoch
  execution_id INTEGER NOT NULL,
  job_id INTEGER NOT NULL,
  epoch INTEGER NOT NULL,                    -- held; raised by every attempt that writes the target
  set_ms INTEGER NOT NULL,
  lease_boot_ms INTEGER NOT NULL, lease_ms INTEGER NOT NULL, boot_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reconciliation (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES job(id),
  at_ms INTEGER NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('EQUAL', 'DIFFERENT', 'UNVERIFIABLE')),
  rows_source INTEGER NOT NULL, rows_loaded INTEGER NOT NULL, rows_rejected INTEGER NOT NULL,
  rows_target INTEGER NOT NULL,
  differences TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(differences))
) STRICT;
CREATE INDEX reconciliation_job ON reconciliation(job_id, id);

CREATE TABLE audit (                         -- what people did: replay, skip, stop, reconcile by hand
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, pipeline TEXT NOT NULL, part TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
