-- name: trigger_find
SELECT anchor_ms, last_fire_ms FROM trigger_ WHERE pipeline = ?1 AND expression = ?2;
-- name: trigger_put
INSERT INTO trigger_(pipeline, expression, anchor_ms, last_fire_ms) VALUES (?1, ?2, ?3, NULL)
ON CONFLICT(pipeline) DO UPDATE SET expression = excluded.expression, anchor_ms = excluded.anchor_ms,
  last_fire_ms = NULL;
-- name: trigger_fired
UPDATE trigger_ SET last_fire_ms = ?2 WHERE pipeline = ?1 AND last_fire_ms IS NOT ?2;
