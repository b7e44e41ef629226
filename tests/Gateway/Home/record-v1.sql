CREATE TABLE entity (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, thing TEXT, sentence TEXT NOT NULL, details TEXT NOT NULL);
CREATE INDEX journal_thing ON journal (thing, sequence);
CREATE TRIGGER journal_is_append_only BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE secret (thing TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (thing, name)) WITHOUT ROWID;
INSERT INTO entity VALUES ('thing', '02:00:00:00:00:01', '{"mac":"02:00:00:00:00:01","ownerName":"Kettle","class":"Thing","isClassChosenByOwner":false,"firstSeen":"2026-01-01T00:00:00+00:00","lastSeen":"2026-01-01T00:00:00+00:00","restraint":"None","restraintReason":""}');
INSERT INTO journal VALUES (1, 1767225600000, 'thing.named', '02:00:00:00:00:01', 'It is now called Kettle.', '{}');
PRAGMA user_version = 1;
