-- name: last_tick_get
SELECT started_ms, finished_ms, success_ms, duration_ms, exit_status, host, pid, metrics_said_ms FROM last_tick;
-- name: last_tick_begin
INSERT INTO last_tick (id, started_ms, host, pid) VALUES (1, ?1, ?2, ?3)
ON CONFLICT (id) DO UPDATE SET started_ms = ?1, finished_ms = NULL, duration_ms = NULL, exit_status = NULL, host = ?2,
  pid = ?3;
-- name: last_tick_end
-- Of two ticks at once the row is the later one's: an earlier one only says that it went well. Its end must not hide that
-- the later one died.
UPDATE last_tick SET
  success_ms = CASE WHEN ?3 THEN ?1 ELSE success_ms END,
  finished_ms = CASE WHEN host = ?5 AND pid = ?6 THEN ?1 ELSE finished_ms END,
  duration_ms = CASE WHEN host = ?5 AND pid = ?6 THEN ?4 ELSE duration_ms END,
  exit_status = CASE WHEN host = ?5 AND pid = ?6 THEN ?2 ELSE exit_status END;
-- name: last_tick_metrics_said
UPDATE last_tick SET metrics_said_ms = ?1;
