-- Executions of a definition of their own that failed stand as troubles: every tick looks for them, and for what ended well
-- behind them.
CREATE INDEX execution_own_failed ON execution(id) WHERE own = 1 AND status IN ('FAILED', 'TIMED_OUT');
CREATE INDEX execution_own_well ON execution(pipeline, id) WHERE own = 1 AND status = 'SUCCEEDED';
