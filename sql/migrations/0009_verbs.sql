-- Executions of a definition of their own, and histories of a million events that are read by state, by failure, in pages.
ALTER TABLE execution ADD COLUMN own INTEGER NOT NULL DEFAULT 0; -- 1: no pipeline works it; pipeline is the state machine's name
CREATE INDEX execution_own ON execution(id) WHERE own = 1 AND status = 'RUNNING';

ALTER TABLE event ADD COLUMN state TEXT;   -- that it is of; NULL: of the execution
ALTER TABLE event ADD COLUMN frame_id INTEGER; -- likewise
DROP TRIGGER event_append_only_update;
UPDATE event SET state = coalesce(json_extract(details, '$.stateEnteredEventDetails.name'),
  json_extract(details, '$.stateExitedEventDetails.name')) WHERE type LIKE '%State%';
UPDATE event SET state = (SELECT e.state FROM event e
  WHERE e.execution_id = event.execution_id AND e.id < event.id AND e.type = 'TaskStateEntered'
  ORDER BY e.id DESC LIMIT 1) WHERE state IS NULL AND type LIKE 'Activity%';
UPDATE event SET frame_id = 0 WHERE type NOT LIKE 'Execution%';
CREATE TRIGGER event_append_only_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE INDEX event_state ON event(execution_id, state, id) WHERE state IS NOT NULL;
CREATE INDEX event_failed ON event(execution_id, id) WHERE type GLOB '*Failed' OR type GLOB '*TimedOut'
  OR type GLOB '*Aborted' OR type = 'FailStateEntered';
