-- name: workflow_put
INSERT INTO workflow(sha256, name, definition, created_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING;
-- name: workflow_get
SELECT name, definition FROM workflow WHERE sha256 = ?1;

-- name: exec_insert
INSERT INTO execution(name, pipeline, workflow_sha256, cause_of_start, status, input, start_ms, deadline_ms, own)
VALUES (?1, ?2, ?3, ?4, 'RUNNING', ?5, ?6, ?7, ?8);
-- name: exec_get
SELECT id, name, pipeline, workflow_sha256, cause_of_start, status, input, output, error, cause, start_ms, stop_ms,
  deadline_ms, redrive_count, redrive_ms, idle, stop_requested, stop_error, stop_cause, claim, claim_lock,
  claim_boot_id, claim_pid, claim_pid_start, claim_lease_boot_ms, claim_lease_ms, own
FROM execution WHERE id = ?1;
-- name: exec_by_name
SELECT id, name, pipeline, workflow_sha256, cause_of_start, status, input, output, error, cause, start_ms, stop_ms,
  deadline_ms, redrive_count, redrive_ms, idle, stop_requested, stop_error, stop_cause, claim, claim_lock,
  claim_boot_id, claim_pid, claim_pid_start, claim_lease_boot_ms, claim_lease_ms, own
FROM execution WHERE name = ?1;
-- The three listings read the same columns; which one is chosen by what is known, so that an index serves it.
-- name: exec_list_running
SELECT id, name, pipeline, workflow_sha256, cause_of_start, status, input, output, error, cause, start_ms, stop_ms,
  deadline_ms, redrive_count, redrive_ms, idle, stop_requested, stop_error, stop_cause, claim, claim_lock,
  claim_boot_id, claim_pid, claim_pid_start, claim_lease_boot_ms, claim_lease_ms, own
FROM execution WHERE status = 'RUNNING' AND (?1 IS NULL OR pipeline = ?1) ORDER BY id DESC LIMIT ?3;
-- name: exec_list_pipeline
SELECT id, name, pipeline, workflow_sha256, cause_of_start, status, input, output, error, cause, start_ms, stop_ms,
  deadline_ms, redrive_count, redrive_ms, idle, stop_requested, stop_error, stop_cause, claim, claim_lock,
  claim_boot_id, claim_pid, claim_pid_start, claim_lease_boot_ms, claim_lease_ms, own
FROM execution WHERE pipeline = ?1 AND (?2 IS NULL OR status = ?2) ORDER BY id DESC LIMIT ?3;
-- name: exec_list_all
SELECT id, name, pipeline, workflow_sha256, cause_of_start, status, input, output, error, cause, start_ms, stop_ms,
  deadline_ms, redrive_count, redrive_ms, idle, stop_requested, stop_error, stop_cause, claim, claim_lock,
  claim_boot_id, claim_pid, claim_pid_start, claim_lease_boot_ms, claim_lease_ms, own
FROM execution WHERE (?2 IS NULL OR status = ?2) ORDER BY id DESC LIMIT ?3;

-- name: exec_own_running
SELECT id FROM execution INDEXED BY execution_own WHERE own = 1 AND status = 'RUNNING' AND id > ?1 ORDER BY id LIMIT ?2;

-- A failure stands until it is redriven, a later one of the same state machine with the same input has ended well, or a
-- person has let it stand. Another input is other work: that it ended well says nothing of this one. The oldest ?1.
-- name: exec_own_failing
SELECT id, name, pipeline, workflow_sha256, cause_of_start, status, input, output, error, cause, start_ms, stop_ms,
  deadline_ms, redrive_count, redrive_ms, idle, stop_requested, stop_error, stop_cause, claim, claim_lock,
  claim_boot_id, claim_pid, claim_pid_start, claim_lease_boot_ms, claim_lease_ms, own
FROM execution e INDEXED BY execution_own_failed
WHERE e.own = 1 AND e.status IN ('FAILED', 'TIMED_OUT')
AND NOT EXISTS (SELECT 1 FROM ack a WHERE a.pipeline = '' AND a.part = e.name AND a.class = 'FAILED'
                AND a.subject = e.id || '.' || e.redrive_count)
AND NOT EXISTS (SELECT 1 FROM execution x INDEXED BY execution_own_well WHERE x.own = 1 AND x.status = 'SUCCEEDED'
                AND x.pipeline = e.pipeline AND x.id > e.id AND x.input = e.input)
ORDER BY e.id LIMIT ?1;
-- all that exec_own_failing tells
-- name: exec_own_failing_count
SELECT count(*) FROM execution e INDEXED BY execution_own_failed
WHERE e.own = 1 AND e.status IN ('FAILED', 'TIMED_OUT')
AND NOT EXISTS (SELECT 1 FROM ack a WHERE a.pipeline = '' AND a.part = e.name AND a.class = 'FAILED'
                AND a.subject = e.id || '.' || e.redrive_count)
AND NOT EXISTS (SELECT 1 FROM execution x INDEXED BY execution_own_well WHERE x.own = 1 AND x.status = 'SUCCEEDED'
                AND x.pipeline = e.pipeline AND x.id > e.id AND x.input = e.input);

-- name: exec_claim
UPDATE execution SET claim = ?3, claim_lock = ?4, claim_boot_id = ?5, claim_pid = ?6, claim_pid_start = ?7,
  claim_lease_boot_ms = ?8, claim_lease_ms = ?9
WHERE id = ?1 AND claim = ?2 AND status = 'RUNNING';
-- name: exec_renew
UPDATE execution SET claim_lease_boot_ms = ?3, claim_lease_ms = ?4
WHERE id = ?1 AND claim = ?2 AND status = 'RUNNING' AND claim_lock IS NOT NULL
RETURNING stop_requested;
-- name: exec_release_claim
UPDATE execution SET claim_lock = NULL, claim_pid = NULL, claim_pid_start = NULL, claim_boot_id = NULL,
  claim_lease_boot_ms = NULL, claim_lease_ms = NULL
WHERE id = ?1 AND claim = ?2 AND claim_lock IS NOT NULL;
-- name: exec_request_stop
UPDATE execution SET stop_requested = 1, stop_error = ?2, stop_cause = ?3 WHERE id = ?1 AND status = 'RUNNING';
-- name: exec_stop_requested
SELECT 1 FROM execution WHERE id = ?1 AND stop_requested <> 0;
-- name: exec_finish
UPDATE execution SET status = ?3, output = ?4, error = ?5, cause = ?6, idle = ?7, stop_ms = ?8, claim_lock = NULL,
  claim_pid = NULL, claim_pid_start = NULL, claim_boot_id = NULL, claim_lease_boot_ms = NULL, claim_lease_ms = NULL
WHERE id = ?1 AND claim = ?2 AND status = 'RUNNING';
-- One that failed before, was redriven, and failed again, is news: what was said of it is forgotten. The key is that of
-- orchestrator/say_items.h, of no pipeline.
-- name: exec_finish_unsaid
DELETE FROM trouble WHERE key = (SELECT ' FAILED ' || name FROM execution WHERE id = ?1 AND own = 1
  AND status IN ('FAILED', 'TIMED_OUT') AND redrive_count > 0);
-- name: exec_finish_untold
DELETE FROM told WHERE key = (SELECT ' FAILED ' || name FROM execution WHERE id = ?1 AND own = 1
  AND status IN ('FAILED', 'TIMED_OUT') AND redrive_count > 0);
-- The claim is still ours, and the execution runs.
-- name: exec_ours
SELECT 1 FROM execution WHERE id = ?1 AND claim = ?2 AND status = 'RUNNING' AND claim_lock IS NOT NULL;
-- name: exec_finish_tasks
UPDATE task SET status = 'ABORTED', stop_ms = ?2 WHERE execution_id = ?1 AND status IN ('SCHEDULED', 'STARTED');
-- Steps that only look: an execution that started nothing else found nothing to do.
-- name: exec_worked
SELECT EXISTS (SELECT 1 FROM task WHERE execution_id = ?1
  AND resource NOT LIKE '%:activity:orch-generate-queue'
  AND resource NOT LIKE '%:activity:orch-extract-plan'
  AND resource NOT LIKE '%:activity:orch-check-now-processing'
  AND resource NOT LIKE '%:activity:orch-etl-queue-check'
  AND resource NOT LIKE '%:activity:orch-set-flag');
-- The newest of each pipeline stays whatever its age: it tells how the pipeline is, and ids are never used again.
-- name: exec_prune
DELETE FROM execution WHERE id IN (
  SELECT id FROM execution WHERE stop_ms < max(?1, ?2) AND status <> 'RUNNING'
    AND ((idle = 1 AND stop_ms < ?1) OR stop_ms < ?2)
    AND id NOT IN (SELECT max(id) FROM execution GROUP BY pipeline)
  LIMIT ?3);

-- name: frame_put
INSERT INTO frame(execution_id, parent_id, id, kind, item, state, phase, input_event, input, retry, vars, entered_ms,
  wake_ms, entered_event, last_event, fork_event, slot_event, failed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
ON CONFLICT (execution_id, parent_id, id) DO UPDATE SET state = ?6, phase = ?7, input_event = ?8, input = ?9, retry = ?10,
  vars = ?11, entered_ms = ?12, wake_ms = ?13, entered_event = ?14, last_event = ?15, fork_event = ?16, slot_event = ?17,
  failed = ?18;
-- name: frame_list
SELECT id, parent_id, kind, item, state, phase, input_event, input, retry, vars, entered_ms, wake_ms, entered_event,
  last_event, fork_event, slot_event, failed
FROM frame WHERE execution_id = ?1 ORDER BY id;
-- name: frame_drop
DELETE FROM frame WHERE execution_id = ?1 AND parent_id = ?2;
-- When the first of them goes on; 0: at once. Of a retry that was begun after ?2 the clock was set back: it does not wait,
-- unless it was put down by today's clock.
-- name: frame_wake
SELECT min(CASE WHEN phase = 'WAIT' OR (phase = 'RETRY' AND (entered_ms <= ?2 OR wake_ms < entered_ms)) THEN wake_ms
  WHEN phase NOT IN ('CHILDREN', 'DONE') THEN 0 END) FROM frame WHERE execution_id = ?1;

-- name: event_insert
INSERT INTO event(execution_id, id, previous_id, type, ts_ms, details, state, frame_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
-- name: event_count
SELECT coalesce(max(id), 0) FROM event WHERE execution_id = ?1;
-- The input or output that an event tells of.
-- name: event_payload
SELECT coalesce(details ->> '$.stateExitedEventDetails.output', details ->> '$.stateEnteredEventDetails.input',
  details ->> '$.executionStartedEventDetails.input')
FROM event WHERE execution_id = ?1 AND id = ?2;
-- name: event_list
SELECT id, previous_id, type, ts_ms, details FROM event WHERE execution_id = ?1 ORDER BY id LIMIT ?2;
-- name: event_list_reverse
SELECT id, previous_id, type, ts_ms, details FROM event WHERE execution_id = ?1 ORDER BY id DESC LIMIT ?2;

-- name: task_insert
INSERT INTO task(execution_id, frame_id, state, attempt, token, resource, parameters, status, timeout_ms, heartbeat_ms,
  scheduled_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'SCHEDULED', ?8, ?9, ?10);
-- name: task_live
SELECT id, state, token, resource, parameters, status, attempt, timeout_ms, heartbeat_ms, claim, scheduled_ms,
  started_ms, last_beat_ms
FROM task WHERE execution_id = ?1 AND frame_id = ?2 AND status IN ('SCHEDULED', 'STARTED');
-- name: task_start
UPDATE task SET status = 'STARTED', claim = ?2, started_ms = ?3, last_beat_ms = ?3
WHERE token = ?1 AND status = 'SCHEDULED';
-- name: task_beat
UPDATE task SET last_beat_ms = ?2 WHERE token = ?1 AND status = 'STARTED';
-- name: task_finish
UPDATE task SET status = ?2, stop_ms = ?3 WHERE token = ?1 AND status = 'STARTED';
-- The claim too: an owner that was taken over, before its task could be timed out, has no say any more.
-- name: task_guard
SELECT 1 FROM task JOIN execution ON execution.id = task.execution_id
WHERE task.token = ?1 AND task.status = 'STARTED' AND execution.status = 'RUNNING' AND execution.claim = task.claim;
-- name: task_abort
UPDATE task SET status = 'ABORTED', stop_ms = ?3
WHERE execution_id = ?1 AND frame_id = ?2 AND status IN ('SCHEDULED', 'STARTED');

-- name: exec_map_put
INSERT INTO execution_map(execution_id, sha256) VALUES (?1, ?2) ON CONFLICT DO NOTHING;
-- name: exec_map_get
SELECT w.definition FROM execution_map m JOIN workflow w ON w.sha256 = m.sha256 WHERE m.execution_id = ?1;
