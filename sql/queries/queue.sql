-- name: pipeline_get
SELECT ledger_epoch, ledger_seq, full_listing_ms, left_out, retry_ms, retry_count, ledger_target, left_out_example,
       listed_ms
FROM pipeline WHERE name = ?1;

-- name: pipeline_ledger_known
INSERT INTO pipeline (name, ledger_target, ledger_epoch, ledger_seq) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET ledger_target = ?2, ledger_epoch = ?3, ledger_seq = ?4;

-- name: pipeline_backoff
INSERT INTO pipeline (name, retry_ms, retry_count) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET retry_ms = ?2, retry_count = ?3;

-- name: pipeline_listed
INSERT INTO pipeline (name, left_out, left_out_example, full_listing_ms, listed_ms) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name) DO UPDATE SET left_out = ?2, left_out_example = ?3, listed_ms = ?5,
  full_listing_ms = CASE WHEN ?4 > 0 THEN ?4 ELSE full_listing_ms END;

-- name: audit_put
INSERT INTO audit (at_ms, who, verb, pipeline, part, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: pipeline_ledger_doubt
-- something may be committed that this file does not know of: the next look reads the ledger
UPDATE pipeline SET ledger_seq = -1 WHERE name = ?1;
