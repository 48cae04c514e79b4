-- Parallel and Map: an execution is a tree of frames (orchestrator/machine.h); and variables. What the history holds
-- already, a frame points at.
CREATE TABLE frame_tree (
  execution_id INTEGER NOT NULL REFERENCES execution(id) ON DELETE CASCADE,
  parent_id INTEGER NOT NULL,                -- root: -1
  id INTEGER NOT NULL,                       -- root: 0; else the event that made it * 65536 + branch
  kind TEXT NOT NULL CHECK (kind IN ('ROOT', 'BRANCH', 'ITERATION')),
  item INTEGER NOT NULL,                     -- number of the branch or of the item
  state TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('ENTER', 'TASK', 'WAIT', 'RETRY', 'CHILDREN', 'SPAWN', 'DONE')),
  input_event INTEGER NOT NULL,              -- whose input or output is the raw input of the state (DONE: the result)
  input TEXT,                                -- the same, where no event has it
  retry TEXT,                                -- attempts used, per retrier of the state; NULL: none
  vars TEXT,                                 -- what Assign has set in this frame; NULL: nothing
  entered_ms INTEGER NOT NULL,
  wake_ms INTEGER NOT NULL,                  -- WAIT, RETRY: not before; else 0
  entered_event INTEGER NOT NULL,            -- the state's ...StateEntered
  last_event INTEGER NOT NULL,               -- previousEventId of the next one
  fork_event INTEGER NOT NULL,               -- ParallelStateStarted, MapStateStarted
  slot_event INTEGER NOT NULL,               -- Map: last event of the iteration that ended last
  failed INTEGER NOT NULL,                   -- DONE: it failed, and that is tolerated
  PRIMARY KEY (execution_id, parent_id, id), -- so that the children of one go at one stroke
  CHECK ((input IS NULL) = (input_event > 0))
) STRICT, WITHOUT ROWID;
INSERT INTO frame_tree
SELECT execution_id, -1, id, kind, 0, state, phase, 0, input, nullif(retry, '[]'), NULL, entered_ms, wake_ms,
  CASE phase WHEN 'ENTER' THEN 0 ELSE coalesce((SELECT max(e.id) FROM event e
    WHERE e.execution_id = frame.execution_id AND e.type LIKE '%StateEntered'), 0) END,
  last_event, 0, 0, 0
FROM frame;
DROP TABLE frame;
ALTER TABLE frame_tree RENAME TO frame;
