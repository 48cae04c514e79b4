-- What an execution's foreign resources are bound to (orchestrator/resource_map.h): kept like its definition, by its sha256.
CREATE TABLE execution_map (
  execution_id INTEGER PRIMARY KEY REFERENCES execution(id) ON DELETE CASCADE,
  sha256 TEXT NOT NULL REFERENCES workflow(sha256)
) STRICT;
