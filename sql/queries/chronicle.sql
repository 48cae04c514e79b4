-- name: chronicle
-- What happened, newest first: ?1 pipeline (NULL any), ?2 partition (NULL any), ?3 not before, ?4 limit. Nothing of a
-- reject's bytes: what is shown here may be pasted into a ticket.
SELECT at_ms, pipeline, part, kind, what, detail FROM (
  SELECT x.start_ms AS at_ms, x.pipeline AS pipeline, '' AS part, 'execution' AS kind, 'started' AS what,
    x.name || ' (' || lower(x.cause_of_start) || ')' AS detail, x.id AS tie
  FROM execution x WHERE (?1 IS NULL OR x.pipeline = ?1) AND x.idle = 0 AND x.start_ms >= ?3
    AND (?2 IS NULL OR x.id IN (SELECT execution_id FROM job WHERE pipeline = ?1 AND part = ?2))
  UNION ALL
  SELECT x.stop_ms, x.pipeline, '', 'execution', lower(x.status),
    x.name || coalesce(': ' || x.error, '') -- the cause is said by the task that failed
      || CASE WHEN EXISTS (SELECT 1 FROM event e WHERE e.execution_id = x.id AND e.type = 'ActivityFailed') THEN ''
              ELSE coalesce(': ' || x.cause, '') END, x.id
  FROM execution x WHERE (?1 IS NULL OR x.pipeline = ?1) AND x.idle = 0 AND x.stop_ms >= ?3
    AND (?2 IS NULL OR x.id IN (SELECT execution_id FROM job WHERE pipeline = ?1 AND part = ?2))
  UNION ALL
  SELECT e.ts_ms, x.pipeline, '', 'task', 'failed',
    coalesce(json_extract(e.details, '$.activityFailedEventDetails.error'), 'States.Timeout')
      || coalesce(': ' || json_extract(e.details, '$.activityFailedEventDetails.cause'), ''), e.id
  FROM execution x CROSS JOIN event e ON e.execution_id = x.id
  WHERE (?1 IS NULL OR x.pipeline = ?1) AND (x.stop_ms IS NULL OR x.stop_ms >= ?3) AND e.ts_ms >= ?3
    AND e.type IN ('ActivityFailed', 'ActivityTimedOut')
    AND (?2 IS NULL OR x.id IN (SELECT execution_id FROM job WHERE pipeline = ?1 AND part = ?2))
  UNION ALL
  SELECT j.created_ms, j.pipeline, j.part, 'job', 'queued',
    CASE j.kind WHEN 'REPLAY' THEN 'replay' ELSE 'load' END || CASE WHEN j.n > 1 THEN ' #' || j.n ELSE '' END
      || ', ' || j.bytes || ' bytes' || CASE WHEN j.who <> '' THEN ', by ' || j.who ELSE '' END
      || CASE WHEN j.reason <> '' THEN ': ' || j.reason ELSE '' END, j.id
  FROM job j WHERE (?1 IS NULL OR j.pipeline = ?1) AND (?2 IS NULL OR j.part = ?2) AND j.created_ms >= ?3
  UNION ALL
  SELECT j.loaded_ms, j.pipeline, j.part, 'job', 'loaded',
    (SELECT coalesce(sum(l.rows_loaded), 0) || ' rows, '
       || coalesce(sum(l.rows_rejected), 0) || ' rejected, objects: ' || count(*) FROM load l WHERE l.job_id = j.id AND l.state <> 'DROPPED'), j.id
  FROM job j WHERE (?1 IS NULL OR j.pipeline = ?1) AND (?2 IS NULL OR j.part = ?2) AND j.loaded_ms >= ?3
  UNION ALL
  SELECT j.updated_ms, j.pipeline, j.part, 'job', lower(j.state),
    CASE WHEN j.state = 'FAILED' THEN coalesce(j.error, j.message, '')
         ELSE coalesce(j.error || ': ', '') || coalesce(j.message, '') END
      || CASE WHEN j.tries > 1 THEN ' (' || j.tries || ' times)' ELSE '' END, j.id
  FROM job j WHERE (?1 IS NULL OR j.pipeline = ?1) AND (?2 IS NULL OR j.part = ?2) AND j.updated_ms >= ?3
    AND j.state IN ('FAILED', 'DEAD', 'SUPERSEDED')
  UNION ALL
  SELECT r.at_ms, j.pipeline, j.part, 'reconciliation', lower(r.verdict),
    r.rows_source || ' rows read, ' || r.rows_loaded || ' loaded, ' || r.rows_rejected || ' rejected, '
      || r.rows_target || ' in the target', r.id
  FROM job j CROSS JOIN reconciliation r ON r.job_id = j.id
  WHERE (?1 IS NULL OR j.pipeline = ?1) AND (?2 IS NULL OR j.part = ?2) AND j.updated_ms >= ?3 AND r.at_ms >= ?3
  UNION ALL
  SELECT a.at_ms, a.pipeline, a.part, 'person', a.verb, a.who || CASE WHEN a.reason <> '' THEN ': ' || a.reason ELSE '' END,
    a.id
  FROM audit a WHERE (?1 IS NULL OR a.pipeline = ?1) AND (?2 IS NULL OR a.part = ?2 OR a.part = '') AND a.at_ms >= ?3
  UNION ALL
  SELECT r.ended_ms, r.pipeline, coalesce(json_extract(r.args, '$.partition'), ''), 'request', lower(r.state),
    '#' || r.id || ' ' || r.kind || ', asked for by ' || r.who || CASE WHEN r.message <> '' THEN ': ' || r.message ELSE '' END, r.id
  FROM request r WHERE (?1 IS NULL OR r.pipeline = ?1) AND (?2 IS NULL OR json_extract(r.args, '$.partition') = ?2)
    AND r.ended_ms >= ?3
  UNION ALL
  SELECT r.made_ms, r.pipeline, coalesce(json_extract(r.args, '$.partition'), ''), 'request', lower(r.state),
    '#' || r.id || ' ' || r.kind || ', asked for by ' || r.who || CASE WHEN r.reason <> '' THEN ': ' || r.reason ELSE '' END
      || CASE WHEN r.message <> '' THEN ' (' || r.message || ')' ELSE '' END, r.id
  FROM request r WHERE r.ended_ms IS NULL AND (?1 IS NULL OR r.pipeline = ?1)
    AND (?2 IS NULL OR json_extract(r.args, '$.partition') = ?2)
  UNION ALL
  SELECT n.from_ms, n.pipeline, n.part, 'notice', n.what,
    n.text || CASE WHEN n.to_ms > n.from_ms THEN ' (' || ((n.to_ms - n.from_ms) / 1000) || ' s)' ELSE '' END, n.id
  FROM notice n WHERE (?1 IS NULL OR n.pipeline = ?1) AND (?2 IS NULL OR n.part = ?2 OR n.part = '') AND n.from_ms >= ?3
  UNION ALL
  SELECT t.opened_ms, t.pipeline, -- the key is pipeline, class and, of a partition, its name
    CASE WHEN t.pipeline <> '' THEN substr(t.key, length(t.pipeline) + length(t.class) + 3) ELSE '' END, 'trouble', lower(t.class),
    CASE WHEN t.pipeline <> '' THEN t.text ELSE t.key || ': ' || t.text END, 0
  FROM trouble t WHERE (?1 IS NULL OR t.pipeline = ?1) AND t.opened_ms >= ?3
    AND (?2 IS NULL OR t.key LIKE '% ' || ?2))
ORDER BY at_ms DESC, kind DESC, tie DESC LIMIT ?4;
