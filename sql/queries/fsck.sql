-- What must hold of executions, whatever process died where (state/fsck.h). Each gives the execution's name and a sentence for
-- every finding; ?1: of this execution alone, NULL: of all.
-- name: fsck_gaps
SELECT x.name, printf('its events are %d, and their ids go from %d to %d: some are missing', count(e.id), min(e.id), max(e.id))
FROM execution x JOIN event e ON e.execution_id = x.id WHERE (?1 IS NULL OR x.id = ?1)
GROUP BY x.id HAVING min(e.id) <> 1 OR max(e.id) <> count(e.id);
-- name: fsck_chain
SELECT x.name, printf('event %d points at event %d, which does not come before it', e.id, e.previous_id)
FROM execution x JOIN event e ON e.execution_id = x.id
WHERE (?1 IS NULL OR x.id = ?1) AND (e.previous_id >= e.id OR e.previous_id < 0);
-- name: fsck_time
-- an event's time goes back only where the clock was set back, by whoever: not beyond the day of the one before
SELECT x.name, printf('event %d is older than event %d by %d ms', e.id, b.id, b.ts_ms - e.ts_ms)
FROM execution x JOIN event e ON e.execution_id = x.id JOIN event b ON b.execution_id = x.id AND b.id = e.id - 1
WHERE (?1 IS NULL OR x.id = ?1) AND e.ts_ms < b.ts_ms - 86400000;
-- name: fsck_start
SELECT x.name, 'its history does not begin with ExecutionStarted and the input that it has'
FROM execution x LEFT JOIN event e ON e.execution_id = x.id AND e.id = 1
WHERE (?1 IS NULL OR x.id = ?1) AND (e.type IS NOT 'ExecutionStarted'
  OR json_extract(e.details, '$.executionStartedEventDetails.input') IS NOT x.input);
-- name: fsck_started_twice
SELECT x.name, printf('event %d starts it once more', e.id)
FROM execution x JOIN event e ON e.execution_id = x.id
WHERE (?1 IS NULL OR x.id = ?1) AND e.id > 1 AND e.type = 'ExecutionStarted';
-- name: fsck_end
SELECT x.name, printf('it is %s, and its newest event is %s', x.status, e.type)
FROM execution x JOIN event e ON e.execution_id = x.id AND e.id = (SELECT max(id) FROM event WHERE execution_id = x.id)
WHERE (?1 IS NULL OR x.id = ?1) AND CASE x.status
  WHEN 'RUNNING' THEN e.type IN ('ExecutionSucceeded', 'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut')
  WHEN 'SUCCEEDED' THEN e.type <> 'ExecutionSucceeded'
    OR json_extract(e.details, '$.executionSucceededEventDetails.output') IS NOT x.output
  WHEN 'FAILED' THEN e.type <> 'ExecutionFailed'
    OR json_extract(e.details, '$.executionFailedEventDetails.error') IS NOT x.error
  WHEN 'ABORTED' THEN e.type <> 'ExecutionAborted'
  ELSE e.type <> 'ExecutionTimedOut' END;
-- name: fsck_redrives
SELECT x.name, printf('it was redriven %d times, and its history has %d events of that', x.redrive_count,
  (SELECT count(*) FROM event e WHERE e.execution_id = x.id AND e.type = 'ExecutionRedriven'))
FROM execution x WHERE (?1 IS NULL OR x.id = ?1) AND (x.redrive_count > 0 OR x.redrive_ms IS NOT NULL)
AND x.redrive_count <> (SELECT count(*) FROM event e WHERE e.execution_id = x.id AND e.type = 'ExecutionRedriven');
-- name: fsck_stopped
SELECT x.name, printf('it is %s, and has %s time of its end', x.status, CASE WHEN x.stop_ms IS NULL THEN 'no' ELSE 'a' END)
FROM execution x WHERE (?1 IS NULL OR x.id = ?1) AND (x.status = 'RUNNING') = (x.stop_ms IS NOT NULL);
-- name: fsck_claim
SELECT x.name, printf('it is %s, and still claimed by process %d', x.status, x.claim_pid)
FROM execution x WHERE (?1 IS NULL OR x.id = ?1) AND x.status <> 'RUNNING' AND x.claim_lock IS NOT NULL;
-- name: fsck_root
SELECT x.name, 'it has no cursor' FROM execution x
WHERE (?1 IS NULL OR x.id = ?1) AND NOT EXISTS (SELECT 1 FROM frame f WHERE f.execution_id = x.id AND f.id = 0);
-- name: fsck_frames
SELECT x.name, printf('it has SUCCEEDED, and frame %d is in phase %s of ''%s''', f.id, f.phase, f.state)
FROM execution x JOIN frame f ON f.execution_id = x.id
WHERE (?1 IS NULL OR x.id = ?1) AND x.status = 'SUCCEEDED' AND (f.phase <> 'DONE' OR f.id <> 0);
-- name: fsck_tree
-- a frame that is not the root has a parent, which waits for it
SELECT x.name, printf('frame %d in ''%s'' has %s', f.id, f.state, ifnull('a parent in phase ' || p.phase, 'no parent'))
FROM execution x JOIN frame f ON f.execution_id = x.id AND f.parent_id >= 0
LEFT JOIN frame p ON p.execution_id = x.id AND p.id = f.parent_id
WHERE (?1 IS NULL OR x.id = ?1) AND (p.id IS NULL OR p.phase NOT IN ('CHILDREN', 'SPAWN'));
-- name: fsck_live
SELECT x.name, printf('it is %s, and a task of state ''%s'' is %s', x.status, t.state, t.status)
FROM execution x JOIN task t ON t.execution_id = x.id
WHERE (?1 IS NULL OR x.id = ?1) AND x.status <> 'RUNNING' AND t.status IN ('SCHEDULED', 'STARTED');
-- name: fsck_task
-- a frame in phase TASK has one task that is alive, and no other has
SELECT x.name, printf('a task of state ''%s'' is %s, and its frame %d is in phase %s of ''%s''', t.state, t.status,
  t.frame_id, ifnull(f.phase, 'none'), ifnull(f.state, ''))
FROM execution x JOIN task t ON t.execution_id = x.id AND t.status IN ('SCHEDULED', 'STARTED')
LEFT JOIN frame f ON f.execution_id = x.id AND f.id = t.frame_id
WHERE (?1 IS NULL OR x.id = ?1) AND x.status = 'RUNNING' AND (f.id IS NULL OR f.phase <> 'TASK' OR f.state <> t.state);
-- name: fsck_no_task
SELECT x.name, printf('frame %d waits for a task of ''%s'' that is not there', f.id, f.state)
FROM execution x JOIN frame f ON f.execution_id = x.id AND f.phase = 'TASK'
WHERE (?1 IS NULL OR x.id = ?1) AND x.status = 'RUNNING' AND NOT EXISTS (SELECT 1 FROM task t
  WHERE t.execution_id = x.id AND t.frame_id = f.id AND t.status IN ('SCHEDULED', 'STARTED'));
-- name: fsck_attempts
-- every attempt has one event of its schedule, one at most of its start, one at most of its end
SELECT x.name, printf('its history schedules %d attempts, and %d are on record', n.scheduled, n.tasks)
FROM execution x JOIN (SELECT execution_id, sum(type = 'ActivityScheduled') AS scheduled,
    (SELECT count(*) FROM task t WHERE t.execution_id = e.execution_id) AS tasks
  FROM event e WHERE (?1 IS NULL OR execution_id = ?1) GROUP BY execution_id) n ON n.execution_id = x.id
WHERE n.scheduled <> n.tasks;
-- name: fsck_starts
SELECT x.name, printf('its history starts %d attempts, and %d were started', n.started, n.tasks)
FROM execution x JOIN (SELECT execution_id, sum(type = 'ActivityStarted') AS started,
    (SELECT count(*) FROM task t WHERE t.execution_id = e.execution_id AND t.started_ms IS NOT NULL) AS tasks
  FROM event e WHERE (?1 IS NULL OR execution_id = ?1) GROUP BY execution_id) n ON n.execution_id = x.id
WHERE n.started <> n.tasks;
-- name: fsck_ends
SELECT x.name, printf('its history ends %d attempts, and %d have ended', n.ended, n.tasks)
FROM execution x JOIN (SELECT execution_id,
    sum(type IN ('ActivitySucceeded', 'ActivityFailed', 'ActivityTimedOut')) AS ended,
    (SELECT count(*) FROM task t WHERE t.execution_id = e.execution_id
      AND t.status IN ('SUCCEEDED', 'FAILED', 'TIMED_OUT')) AS tasks
  FROM event e WHERE (?1 IS NULL OR execution_id = ?1) GROUP BY execution_id) n ON n.execution_id = x.id
WHERE n.ended <> n.tasks;
-- name: fsck_definition
SELECT x.name, 'its definition is not there' FROM execution x
WHERE (?1 IS NULL OR x.id = ?1) AND NOT EXISTS (SELECT 1 FROM workflow w WHERE w.sha256 = x.workflow_sha256);
-- name: fsck_orphans
-- events, frames and tasks without an execution; by each execution's first event, since there may be a million of each
WITH RECURSIVE of_event(id) AS (
  SELECT min(execution_id) FROM event
  UNION ALL SELECT (SELECT min(execution_id) FROM event WHERE execution_id > of_event.id) FROM of_event WHERE id IS NOT NULL)
SELECT 'nothing', printf('%d rows of %s belong to execution %d, which is not there', n, what, id) FROM (
  SELECT 'event' AS what, id, (SELECT count(*) FROM event e WHERE e.execution_id = of_event.id) AS n FROM of_event
   WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM execution)
  UNION ALL SELECT 'frame', execution_id, count(*) FROM frame WHERE execution_id NOT IN (SELECT id FROM execution)
   GROUP BY execution_id
  UNION ALL SELECT 'task', execution_id, count(*) FROM task WHERE execution_id NOT IN (SELECT id FROM execution)
   GROUP BY execution_id)
WHERE ?1 IS NULL;
-- name: fsck_workflows
SELECT sha256, definition FROM workflow;
-- name: fsck_running
SELECT id FROM execution WHERE status = 'RUNNING' AND (?1 IS NULL OR id = ?1) ORDER BY id;
-- name: fsck_execution_count
SELECT count(*) FROM execution WHERE ?1 IS NULL OR id = ?1;
-- name: fsck_live_task
SELECT status, attempt FROM task WHERE execution_id = ?1 AND frame_id = ?2 AND status IN ('SCHEDULED', 'STARTED');
