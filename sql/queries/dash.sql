-- What the dashboard's pages read beside what commands read: all of it in pages, the newest first.
-- name: dash_rates
-- the newest loads of a pipeline that went well: when, how long the attempt took, how many rows the job has. The inner
-- listing is short, whatever the pipeline has behind it
SELECT t.stop_ms, t.stop_ms - t.started_ms,
  (SELECT coalesce(sum(l.rows_loaded), 0) FROM load l
   WHERE l.job_id = json_extract(t.parameters, '$.job') AND l.state <> 'DROPPED')
FROM (SELECT id FROM execution WHERE pipeline = ?1 AND idle = 0 ORDER BY id DESC LIMIT 200) x
CROSS JOIN task t ON t.execution_id = x.id
WHERE t.status = 'SUCCEEDED' AND t.resource LIKE '%:activity:orch-ingest'
ORDER BY x.id DESC, t.id DESC LIMIT ?2;

-- name: dash_opened
SELECT opened_ms FROM trouble WHERE key = ?1;

-- name: dash_audit
SELECT id, at_ms, who, verb, pipeline, part, reason FROM audit
WHERE (?1 IS NULL OR pipeline = ?1) AND id < ?2 ORDER BY id DESC LIMIT ?3;

-- name: dash_rejects
-- by partition, the newest first, then object, load and line: as the indexes have it, so that a page reads a page. ?2 NULL:
-- any partition; ?5 state NULL: open, '': any; ?6 to ?10: behind this one (?6 NULL: from the first)
SELECT r.load_id, r.line, r.offset, r.raw_total, r.at_ms, r.column_, r.code, r.message, r.hint, r.state, o.part, o.key,
  r.who, r.reason, r.raw
FROM object o CROSS JOIN load l ON l.object_id = o.id CROSS JOIN reject r ON r.load_id = l.load_id
WHERE o.pipeline = ?1 AND o.part <= coalesce(?2, ?6, x'') AND o.part >= coalesce(?2, '')
AND l.state NOT IN ('SUPERSEDED', 'DROPPED')
AND (?3 IS NULL OR r.code = ?3) AND (?4 IS NULL OR r.column_ = ?4)
AND CASE WHEN ?5 IS NULL THEN r.state IN ('PENDING', 'FINAL', 'FAILED') ELSE ?5 IN ('', r.state) END
AND (?6 IS NULL OR o.part < ?6 OR o.id < ?7
     OR (o.id = ?7 AND (l.generation < ?8 OR (l.generation = ?8 AND (l.load_id < ?9 OR (l.load_id = ?9 AND r.line > ?10))))))
ORDER BY o.part DESC, o.id DESC, l.generation DESC, l.load_id DESC, r.line LIMIT ?11;
