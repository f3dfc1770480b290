-- Every change of an alert instance's state, so that a view of the past tells what held then. `state`
-- is Prometheus's, or `removed` where the rule has left the configuration. `at` is when the state
-- began, epoch seconds; of one moment the greatest id holds.
CREATE TABLE alert_history (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    value_nano INTEGER NOT NULL,
    limit_nano INTEGER NOT NULL,
    window TEXT NOT NULL,
    exactness INTEGER NOT NULL,
    UNIQUE (rule, labels, at, state)
) STRICT;
CREATE INDEX alert_history_by_time ON alert_history (at);

-- What is known already: each present state began at its `since`.
INSERT OR IGNORE INTO alert_history
    (at, rule, labels, state, severity, value_nano, limit_nano, window, exactness)
SELECT since, rule, labels, state, severity, value_nano, limit_nano, window, exactness
FROM alert ORDER BY position;
