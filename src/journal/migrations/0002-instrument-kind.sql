-- spot or perpetual: what a fill of the instrument makes of the account.
ALTER TABLE instruments ADD COLUMN kind TEXT NOT NULL DEFAULT 'spot';
