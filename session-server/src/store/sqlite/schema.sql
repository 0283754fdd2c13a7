-- Text columns named like JSON fields of the wire hold JSON as it came; times are Unix milliseconds.

CREATE TABLE secrets (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
);

CREATE TABLE sessions (
  id              TEXT PRIMARY KEY,
  external_id     TEXT NOT NULL UNIQUE,
  type            TEXT NOT NULL,
  task_identifier TEXT NOT NULL,
  trigger_config  TEXT NOT NULL,
  run_id          TEXT NOT NULL,
  tags            TEXT NOT NULL,
  metadata        TEXT,
  expires_at      INTEGER,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  closed_at       INTEGER,
  closed_reason   TEXT,

  -- The channels: the next sequence number of each, and the time of the last `.out` record.
  in_tail         INTEGER NOT NULL DEFAULT 0,
  out_tail        INTEGER NOT NULL DEFAULT 0,
  out_time        INTEGER NOT NULL DEFAULT 0,
  -- The sequence number of the last turn-complete, where the next turn trims to.
  out_boundary    INTEGER,

  -- The agent: whether the message given at creation still waits, the first `.in` record that no
  -- turn has taken, the last stop that was heeded, and the running turn: the `.in` record it answers
  -- (-1 for the message given at creation) and how many steps of its answer are written.
  boot_waits      INTEGER NOT NULL,
  in_next         INTEGER NOT NULL DEFAULT 0,
  stop_seen       INTEGER NOT NULL DEFAULT -1,
  turn_input      INTEGER,
  turn_step       INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE in_records (
  session   TEXT NOT NULL REFERENCES sessions (id),
  seq       INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  part_id   TEXT NOT NULL,
  role      TEXT NOT NULL,
  body      TEXT NOT NULL,
  PRIMARY KEY (session, seq)
) WITHOUT ROWID;

CREATE INDEX in_roles ON in_records (session, role, seq);

CREATE TABLE out_records (
  session   TEXT NOT NULL REFERENCES sessions (id),
  seq       INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  headers   TEXT NOT NULL,
  body      BLOB NOT NULL,
  PRIMARY KEY (session, seq)
) WITHOUT ROWID;

CREATE TABLE part_claims (
  session    TEXT NOT NULL REFERENCES sessions (id),
  part_id    TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  PRIMARY KEY (session, part_id)
) WITHOUT ROWID;

CREATE INDEX part_claim_times ON part_claims (claimed_at);

-- The demo app's own rows.
CREATE TABLE chats (
  id         TEXT PRIMARY KEY,
  title      TEXT,
  agent      TEXT NOT NULL,
  messages   TEXT NOT NULL DEFAULT '[]',
  session    TEXT,
  updated_at INTEGER NOT NULL
);
