-- T6 (state/redrive.h).
-- name: redrive_execution
UPDATE execution SET status = 'RUNNING', stop_ms = NULL, output = NULL, error = NULL, cause = NULL, idle = 0,
  stop_requested = 0, stop_error = NULL, stop_cause = NULL, redrive_count = redrive_count + 1, redrive_ms = ?3,
  deadline_ms = ?4, workflow_sha256 = coalesce(?5, workflow_sha256)
WHERE id = ?1 AND redrive_count = ?2 AND status IN ('FAILED', 'ABORTED', 'TIMED_OUT');
-- The newest event that tells what the state was given.
-- name: redrive_entered
SELECT id FROM event INDEXED BY event_state
WHERE execution_id = ?1 AND state = ?2 AND type GLOB '*StateEntered' ORDER BY id DESC LIMIT 1;
-- Where each iteration that failed and was borne with is to go on: at the state that it stood at last, unless it had variables,
-- which are not kept; then at its first. All of them in one pass.
-- name: redrive_iterations
SELECT e.frame_id, CASE WHEN max(json_extract(e.details, '$.stateExitedEventDetails.assignedVariables') IS NOT NULL)
  THEN min(CASE WHEN e.type GLOB '*StateEntered' THEN e.id END) ELSE max(CASE WHEN e.type GLOB '*StateEntered' THEN e.id END) END
FROM event e JOIN frame f ON f.execution_id = e.execution_id AND f.id = e.frame_id AND f.phase = 'DONE' AND f.failed = 1
WHERE e.execution_id = ?1 AND e.type GLOB '*State*' GROUP BY e.frame_id;
-- name: redrive_state
SELECT state FROM event WHERE execution_id = ?1 AND id = ?2;
-- name: redrive_drop_all
DELETE FROM frame WHERE execution_id = ?1 AND parent_id >= 0;
