-- name: store_holder_claim
SELECT max(claim_lease_boot_ms + claim_lease_ms) FROM execution
WHERE status = 'RUNNING' AND claim_pid = ?1 AND claim_pid_start = ?2 AND claim_boot_id = ?3;
