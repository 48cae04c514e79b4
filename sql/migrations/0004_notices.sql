-- What a run did or does beside loading, for logs and status: a column that was added, a replica that is waited for.
CREATE TABLE notice (
  id INTEGER PRIMARY KEY,
  pipeline TEXT NOT NULL,
  part TEXT NOT NULL,                        -- "": none
  what TEXT NOT NULL,                        -- "adds column", "waits"
  text TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,                  -- of what goes on: newest sign of life
  to_ms INTEGER                              -- NULL: goes on, or its process died
) STRICT;
CREATE INDEX notice_pipeline ON notice(pipeline, from_ms);
