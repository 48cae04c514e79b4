-- What the manifest of an extract says of its part: held against what is read of it. NULL: none speaks of it.
ALTER TABLE object ADD COLUMN said_rows INTEGER;
ALTER TABLE object ADD COLUMN said_sha256 TEXT;
