/** From what venues list to the instruments of a run: nothing is guessed silently. */
import t from 'tap';
import type { Instrument } from '#src/domain/instrument.js';
import { chooseInstruments, type ListedVenue } from '#src/venues/choose-instruments.js';

function instrument(venue: string, symbol: string, more: Partial<Instrument> = {}): Instrument {
  const [base = '', quote = ''] = symbol.split('-');
  return {
    index: 99,
    venue,
    kind: 'spot',
    symbol,
    venueSymbol: symbol,
    base,
    quote,
    priceScale: 2,
    sizeScale: 8,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: 1,
    notionalMinMantissa: 1,
    isTradable: true,
    ...more,
  };
}

function venue(name: string, symbols: readonly (string | Instrument)[]): ListedVenue {
  const instruments = symbols.map((one) => (typeof one === 'string' ? instrument(name, one) : one));
  return { venue: name, listed: { instruments, refused: [] } };
}

const COINBASE = venue('coinbase', ['ETH-USD', 'BTC-USD', 'BTC-USDT', 'USDT-USD', 'DAI-USD']);
const BINANCE = venue('binance', ['BTC-USDT', 'BTC-USDC', 'ETH-USDT', 'USDC-USDT', 'SOL-EUR']);
const DYDX = venue('dydx', [
  instrument('dydx', 'BTC-USD', { kind: 'perpetual', quote: 'USDC' }),
  instrument('dydx', 'DOGE-USD', { kind: 'perpetual', quote: 'USDC' }),
]);
const ALL = [COINBASE, BINANCE, DYDX];

/** venue:symbol of what was chosen; what only prices currencies after a bar. */
function chosen(
  symbols: readonly string[],
  venues: readonly ListedVenue[] = ALL,
  stablePairs: 'auto' | 'none' = 'auto',
): string {
  const { instruments, offeredCount, problems } = chooseInstruments(symbols, venues, stablePairs);
  const names = instruments.map((one) => `${one.venue}:${one.symbol}`);
  instruments.forEach((one, place) => {
    if (one.index !== place) throw new Error(`index ${one.index} at place ${place}`);
  });
  if (problems.length > 0)
    return problems.map(({ rule, symbol }) => `${symbol}! ${rule}`).join('\n');
  return `${names.slice(0, offeredCount).join(' ')} | ${names.slice(offeredCount).join(' ')}`;
}

t.test('each venue gives its instrument, or the same coin in the nearest dollar', (t) => {
  t.equal(
    chosen(['BTC-USD']),
    'coinbase:BTC-USD binance:BTC-USDC dydx:BTC-USD | binance:USDC-USDT coinbase:USDT-USD',
  );
  t.equal(chosen(['BTC-USDT'], [COINBASE], 'none'), 'coinbase:BTC-USDT | ');
  t.equal(chosen(['ETH-USDC'], [BINANCE], 'none'), 'binance:ETH-USDT | ');
  const { notes } = chooseInstruments(['BTC-USD'], ALL, 'auto');
  t.same(notes, ['binance has no BTC-USD: BTC-USDC is taken instead'], 'and the swap is said');
  t.end();
});

t.test('a quote that is no dollar is never swapped', (t) => {
  t.equal(chosen(['SOL-EUR']), 'binance:SOL-EUR | ');
  t.match(
    chosen(['BTC-EUR']),
    /BTC-EUR! is not listed by coinbase, binance, dydx; there are coinbase:BTC-USD/,
  );
  t.end();
});

t.test('a venue in front means exactly that instrument there', (t) => {
  t.equal(chosen(['binance:BTC-USDT'], ALL, 'none'), 'binance:BTC-USDT | ');
  t.match(
    chosen(['binance:BTC-USD']),
    /binance:BTC-USD! is not listed by binance; there are binance:BTC-USDT/,
  );
  t.match(
    chosen(['kraken:BTC-USD']),
    /kraken is no venue of this run; there are coinbase, binance, dydx/,
  );
  t.equal(
    chosen(['BTC-USD', 'coinbase:BTC-USD'], [COINBASE], 'none'),
    'coinbase:BTC-USD | ',
    'and is taken once',
  );
  t.end();
});

t.test('pairs that price a quote currency come along, unless they are not wanted', (t) => {
  t.equal(
    chosen(['BTC-USDT'], [COINBASE, BINANCE]),
    'coinbase:BTC-USDT binance:BTC-USDT | coinbase:USDT-USD',
  );
  t.equal(chosen(['DOGE-USD']), 'dydx:DOGE-USD | binance:USDC-USDT coinbase:USDT-USD');
  t.equal(chosen(['BTC-USDT'], ALL.slice(0, 2), 'none'), 'coinbase:BTC-USDT binance:BTC-USDT | ');
  t.equal(chosen(['BTC-USDT', 'USDT-USD'], [COINBASE]), 'coinbase:BTC-USDT coinbase:USDT-USD | ');
  t.equal(chosen(['BTC-USD'], [COINBASE]), 'coinbase:BTC-USD | ', 'dollars need no price');
  t.end();
});

t.test('where only some venues have it, the others are named in a note', (t) => {
  const { instruments, notes, problems } = chooseInstruments(['DOGE-USD'], ALL, 'none');
  t.equal(instruments.length, 1);
  t.same(notes, ['coinbase, binance: no DOGE-USD, and nothing near it']);
  t.same(problems, []);
  t.end();
});

t.test('every symbol that nobody has is a problem, with what there is nearby', (t) => {
  const text = chosen(['DOG-USD', 'XYZ-USD', 'BTC-USD']);
  t.match(text, /DOG-USD! is not listed by coinbase, binance, dydx; there are .*dydx:DOGE-USD/);
  t.match(text, /XYZ-USD! is not listed by/);
  t.notMatch(text, /BTC-USD!/);
  t.end();
});

t.test('an instrument that the venue lists and we cannot use is refused with the reason', (t) => {
  const broken: ListedVenue = {
    venue: 'kraken',
    listed: {
      instruments: [],
      refused: [{ venueSymbol: 'PEPE/USD', message: 'no price increment' }],
    },
  };
  t.equal(chosen(['PEPE-USD'], [broken]), 'PEPE-USD! cannot be used at kraken: no price increment');
  t.end();
});

t.test('a coin goes before a contract on it, an open market before a closed one', (t) => {
  const both = venue('x', [
    instrument('x', 'BTC-USDC', { kind: 'perpetual', venueSymbol: 'perp' }),
    instrument('x', 'BTC-USDC', { isTradable: false, venueSymbol: 'closed' }),
    instrument('x', 'BTC-USDC', { venueSymbol: 'spot' }),
  ]);
  const [first] = chooseInstruments(['BTC-USD'], [both], 'none').instruments;
  t.equal(first?.venueSymbol, 'spot');
  t.end();
});
