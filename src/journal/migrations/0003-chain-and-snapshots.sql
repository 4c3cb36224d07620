-- One row per transaction of the journal thread. chain: SHA-256 over the chain before, the batch's records, and the SHA-256
-- of its texts, so that one that is changed, lost or put in later breaks every batch behind it. A batch holds what is behind the
-- last_seq and last_text_seq of the batch before it, up to its own.
CREATE TABLE batches (
  batch INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  last_text_seq INTEGER NOT NULL,
  run INTEGER NOT NULL REFERENCES runs (run),
  chain BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;

-- The state of the execution core after the record `seq`: a start applies the inputs behind the newest one.
-- fill_keys: the applied fills as float64, oldest first.
CREATE TABLE snapshots (
  seq INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (run),
  state_text TEXT NOT NULL,
  state_hash TEXT NOT NULL,
  fill_keys BLOB NOT NULL
) STRICT;

-- core_options: what the core of the run was made from (JSON), so that a replay judges by the same limits.
-- state_hash: of the core at an orderly end.
ALTER TABLE runs ADD COLUMN core_options TEXT;
ALTER TABLE runs ADD COLUMN state_hash TEXT;

CREATE TRIGGER batches_keep_their_rows BEFORE DELETE ON batches
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER batches_keep_their_words BEFORE UPDATE ON batches
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Where the chain begins: records of older versions stand before it.
CREATE TABLE chain_start (first_seq INTEGER NOT NULL, first_text_seq INTEGER NOT NULL) STRICT;
INSERT INTO chain_start
SELECT (SELECT COALESCE(MAX(seq), 0) + 1 FROM journal), (SELECT COALESCE(MAX(text_seq), 0) + 1 FROM journal_text);
