-- Alerts of any measure: `value` and `limit` are integers in `unit` (nano-USD, tokens, requests,
-- millionths, thousandths, seconds). The four moments are epoch seconds, 0 is never; `episode` is the id
-- of one firing, from `fired_at` to its end.
ALTER TABLE alert RENAME COLUMN value_nano TO value;
ALTER TABLE alert RENAME COLUMN limit_nano TO "limit";
ALTER TABLE alert ADD COLUMN unit TEXT NOT NULL DEFAULT 'cost';
ALTER TABLE alert ADD COLUMN active_at REAL NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN fired_at REAL NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN keep_since REAL NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN resolved_at REAL NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN episode TEXT NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN cause TEXT NOT NULL DEFAULT '';
UPDATE alert SET active_at = since WHERE state IN ('pending', 'firing', 'resolved');
UPDATE alert SET fired_at = since WHERE state IN ('firing', 'resolved');
UPDATE alert SET resolved_at = since WHERE state = 'resolved';

ALTER TABLE alert_history RENAME COLUMN value_nano TO value;
ALTER TABLE alert_history RENAME COLUMN limit_nano TO "limit";
ALTER TABLE alert_history ADD COLUMN unit TEXT NOT NULL DEFAULT 'cost';
ALTER TABLE alert_history ADD COLUMN active_at REAL NOT NULL DEFAULT 0;
ALTER TABLE alert_history ADD COLUMN fired_at REAL NOT NULL DEFAULT 0;
ALTER TABLE alert_history ADD COLUMN keep_since REAL NOT NULL DEFAULT 0;
ALTER TABLE alert_history ADD COLUMN resolved_at REAL NOT NULL DEFAULT 0;
ALTER TABLE alert_history ADD COLUMN episode TEXT NOT NULL DEFAULT '';
ALTER TABLE alert_history ADD COLUMN cause TEXT NOT NULL DEFAULT '';

-- Events on their way to notifiers, written with the states that they tell of. A row goes when it is
-- delivered. `event` is JSON; `due` is when it may be tried (again).
CREATE TABLE outbox (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    notifier TEXT NOT NULL,
    episode TEXT NOT NULL,
    event TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    due REAL NOT NULL,
    error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due, key);
CREATE INDEX outbox_by_episode ON outbox (episode, notifier, key);

-- What each notifier was told last of a firing episode, and when.
CREATE TABLE told (
    episode TEXT NOT NULL,
    notifier TEXT NOT NULL,
    state TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (episode, notifier)
) STRICT, WITHOUT ROWID;

-- Written by viewers, read by the collector. `matchers` is a JSON list of [name, operator, value].
CREATE TABLE silence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    starts REAL NOT NULL,
    ends REAL NOT NULL,
    reason TEXT NOT NULL,
    author TEXT NOT NULL
) STRICT;
CREATE TABLE ack (
    episode TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    at REAL NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
