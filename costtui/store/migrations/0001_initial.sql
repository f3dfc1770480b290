-- Schema 1. Usage is integers only: money in nano-USD, t in epoch seconds (the start of the bucket).

CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('revision', 0), ('writer', 0), ('heartbeat', 0.0);

CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    gateway TEXT NOT NULL,
    role TEXT NOT NULL,
    last_attempt REAL NOT NULL DEFAULT 0,
    last_ok REAL NOT NULL DEFAULT 0,
    last_data REAL NOT NULL DEFAULT 0,
    next_poll REAL NOT NULL DEFAULT 0,
    interval REAL NOT NULL DEFAULT 0,
    lag_s REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    resets INTEGER NOT NULL DEFAULT 0,
    gaps INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0,
    overruns INTEGER NOT NULL DEFAULT 0,
    backfill_done INTEGER NOT NULL DEFAULT 0,
    backfill_total INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT ''
) STRICT;

-- What usage is attributed to and how its money came about. Rows are never changed or removed, so
-- readers may cache them for ever.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source (id),
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    consumer TEXT NOT NULL,
    gateway TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    service TEXT NOT NULL,
    basis INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    listed INTEGER NOT NULL,      -- a list price is known
    aggregated INTEGER NOT NULL,  -- from a counter, not from single requests
    reports INTEGER NOT NULL,     -- the source reported money
    estimated INTEGER NOT NULL,   -- and called it a guess
    UNIQUE (source, provider, model, consumer, gateway, endpoint, service,
            basis, tier, listed, aggregated, reports, estimated)
) STRICT;

CREATE TABLE minute (
    t INTEGER NOT NULL,
    series INTEGER NOT NULL,
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
    lower_bounds INTEGER NOT NULL,
    PRIMARY KEY (t, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE ten_minute (
    t INTEGER NOT NULL,
    series INTEGER NOT NULL,
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
    lower_bounds INTEGER NOT NULL,
    PRIMARY KEY (t, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE hour (
    t INTEGER NOT NULL,
    series INTEGER NOT NULL,
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
    lower_bounds INTEGER NOT NULL,
    PRIMARY KEY (t, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE six_hour (
    t INTEGER NOT NULL,
    series INTEGER NOT NULL,
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
    lower_bounds INTEGER NOT NULL,
    PRIMARY KEY (t, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE day (
    t INTEGER NOT NULL,
    series INTEGER NOT NULL,
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
    lower_bounds INTEGER NOT NULL,
    PRIMARY KEY (t, series)
) STRICT, WITHOUT ROWID;

-- id = (epoch milliseconds << 22) | sequence: the table is in time order without an index.
-- The request's time in ns is (id >> 22) * 1000000 + ns; `list` and `reported` are NULL where no
-- such money is known.
CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL,
    series INTEGER NOT NULL,
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
    list INTEGER,
    reported INTEGER,
    lower_bounds INTEGER NOT NULL,
    status INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    part INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    attrs TEXT NOT NULL
) STRICT;

CREATE TABLE part (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE checkpoint (
    source INTEGER NOT NULL REFERENCES source (id),
    part TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (source, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE skipped (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source (id),
    part TEXT NOT NULL,
    offset INTEGER NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX skipped_by_source ON skipped (source, id);

CREATE TABLE gap (
    source INTEGER NOT NULL REFERENCES source (id),
    start REAL NOT NULL,
    end REAL NOT NULL,
    PRIMARY KEY (source, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (
    position INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    value_nano INTEGER NOT NULL,
    limit_nano INTEGER NOT NULL,
    since REAL NOT NULL,
    window TEXT NOT NULL,
    exactness INTEGER NOT NULL
) STRICT;

-- Which stretch of time each revision changed, so that a reader keeps what it has cached of the rest.
CREATE TABLE touch (
    revision INTEGER PRIMARY KEY,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL
) STRICT;
