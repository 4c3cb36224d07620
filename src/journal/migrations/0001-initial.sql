-- The journal and what is derived from it. Written by the journal thread alone, one transaction per batch.
--
-- Money, prices and sizes are decimal text (exact, readable with any SQLite client); *_ns columns are int64 nanoseconds
-- since the epoch, except journal.now_ns (since run start, as in the record). Codes are stored by name.

CREATE TABLE meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- An instrument keeps its index for the life of the data directory: records speak of the index.
CREATE TABLE instruments (
  instrument_index INTEGER PRIMARY KEY,
  venue TEXT NOT NULL,
  symbol TEXT NOT NULL,
  venue_symbol TEXT NOT NULL,
  base TEXT NOT NULL,
  quote TEXT NOT NULL,
  price_scale INTEGER NOT NULL,
  size_scale INTEGER NOT NULL,
  tick_mantissa INTEGER NOT NULL,
  lot_mantissa INTEGER NOT NULL,
  size_min_mantissa INTEGER NOT NULL,
  size_max_mantissa INTEGER NOT NULL,
  notional_min_mantissa INTEGER NOT NULL,
  UNIQUE (venue, symbol)
) STRICT;

-- codes: the table of error codes of the version that ran, so that a replay can read the reason indexes of its records.
-- strategies and currencies: the names behind the indexes of the run's records.
-- exit_state: running; ended (in order); failed (an error ended it); lost (it never said goodbye: killed).
CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER,
  exit_state TEXT NOT NULL CHECK (exit_state IN ('running', 'ended', 'failed', 'lost')),
  version TEXT NOT NULL,
  schema_hash TEXT NOT NULL,
  config TEXT NOT NULL,
  codes TEXT NOT NULL,
  strategies TEXT NOT NULL,
  currencies TEXT NOT NULL,
  first_seq INTEGER NOT NULL
) STRICT;

-- The truth: every input and output of the execution core, in its order. record: struct Event of schemas/event.fbs.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (run),
  kind INTEGER NOT NULL,
  now_ns INTEGER NOT NULL,
  record BLOB NOT NULL CHECK (length(record) = 128),
  is_input INTEGER GENERATED ALWAYS AS (kind < 64) VIRTUAL
) STRICT;

-- Texts that belong to a record (struct EventText): 1 venue order id, 2 client order id, 3 message, 4 venue fill id.
CREATE TABLE journal_text (
  text_seq INTEGER PRIMARY KEY,
  ref_seq INTEGER NOT NULL,
  order_seq INTEGER NOT NULL,
  text_kind INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX journal_text_by_ref ON journal_text (ref_seq);

CREATE TRIGGER journal_keeps_its_rows BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_keeps_its_words BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_text_keeps_its_rows BEFORE DELETE ON journal_text
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_text_keeps_its_words BEFORE UPDATE ON journal_text
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Projections: what the journal says, as people ask for it. Everything below could be made anew from the journal.

-- cost: sum of price times size of its fills (quote currency); the average price is cost / filled_size.
CREATE TABLE orders (
  order_seq INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  instrument_index INTEGER NOT NULL REFERENCES instruments (instrument_index),
  strategy TEXT NOT NULL,
  client_order_id TEXT,
  venue_order_id TEXT,
  side TEXT NOT NULL,
  order_type TEXT NOT NULL,
  time_in_force TEXT NOT NULL,
  is_post_only INTEGER NOT NULL,
  is_reduce_only INTEGER NOT NULL,
  is_adopted INTEGER NOT NULL,
  price TEXT,
  size TEXT NOT NULL,
  filled_size TEXT NOT NULL,
  cost TEXT NOT NULL,
  fees TEXT NOT NULL,
  fill_count INTEGER NOT NULL,
  state TEXT NOT NULL,
  is_open INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT,
  created_ns INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_open ON orders (order_seq) WHERE is_open = 1;

-- Every step of an order's life; seq is that of the journal record.
CREATE TABLE order_events (
  seq INTEGER PRIMARY KEY,
  order_seq INTEGER NOT NULL,
  event TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT,
  at_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX order_events_by_order ON order_events (order_seq, seq);

-- fill_seq: seq of the FillApplied record; input_seq: of the VenueFill that caused it. A fill is applied once, ever.
CREATE TABLE fills (
  fill_seq INTEGER PRIMARY KEY,
  input_seq INTEGER NOT NULL,
  fill_key INTEGER NOT NULL UNIQUE,
  venue_fill_id TEXT,
  order_seq INTEGER NOT NULL,
  instrument_index INTEGER NOT NULL REFERENCES instruments (instrument_index),
  side TEXT NOT NULL,
  price TEXT NOT NULL,
  size TEXT NOT NULL,
  fee TEXT NOT NULL,
  is_maker INTEGER NOT NULL,
  venue_ns INTEGER NOT NULL,
  applied_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX fills_by_input ON fills (input_seq);
CREATE INDEX fills_by_order ON fills (order_seq);
CREATE INDEX fills_by_venue_time ON fills (instrument_index, venue_ns);

CREATE TABLE positions (
  instrument_index INTEGER PRIMARY KEY REFERENCES instruments (instrument_index),
  size TEXT NOT NULL,
  cost TEXT NOT NULL,
  avg_entry_price TEXT NOT NULL,
  realized_pnl TEXT NOT NULL,
  fees TEXT NOT NULL,
  seq INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE balances (
  currency TEXT NOT NULL PRIMARY KEY,
  total TEXT NOT NULL,
  seq INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the venue and the core disagreed; the numbers are in the journal record of the same seq.
CREATE TABLE discrepancies (
  seq INTEGER PRIMARY KEY,
  reason TEXT NOT NULL,
  order_seq INTEGER NOT NULL,
  instrument_index INTEGER NOT NULL,
  at_ns INTEGER NOT NULL
) STRICT;
