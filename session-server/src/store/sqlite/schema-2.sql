-- What a model answered, for it to remember: one text per question of the user, by the `.in` record
-- that asked (-1 for the message given at creation).
CREATE TABLE answers (
  session  TEXT NOT NULL REFERENCES sessions (id),
  question INTEGER NOT NULL,
  text     TEXT NOT NULL,
  PRIMARY KEY (session, question)
) WITHOUT ROWID;
