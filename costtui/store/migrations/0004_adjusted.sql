-- What was taken from the sums of a series since it was counted, by re-pricing, retention or a role that
-- became `reconcile`; negative where they gave it something. Sums of all days plus this is what was
-- ever counted, as it was charged then: the counters of `/metrics`, which never go back. Written in the
-- transaction that changes the sums.
CREATE TABLE adjusted (
    series INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    throttled INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    effective INTEGER NOT NULL,
    list INTEGER NOT NULL,
    reported INTEGER NOT NULL,
    lower_bounds INTEGER NOT NULL
) STRICT;
