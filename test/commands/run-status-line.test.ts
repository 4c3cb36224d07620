/** run-status-line: prices with their age, what is stale by name, and nothing that is not there. */
import t from 'tap';
import { StatusLine } from '#src/commands/run-status-line.js';
import { parseConfig } from '#src/config.js';
import { codeIndex } from '#src/domain/errors.js';
import { Attached, openShared } from '#src/engine.js';
import {
  blankBoardFair,
  clearBoardMarket,
  setBoardMarketStaleReason,
  setBoardPositionSizeMantissa,
  writeBoardFair,
} from '#src/generated/hot.js';
import { instrumentOf } from '../domain/fair-rig.js';

const NOW_NS = 5_400_000_000_000;
const INSTRUMENTS = [
  instrumentOf(0, 'BTC-USD', { venue: 'coinbase' }),
  instrumentOf(1, 'BTC-USDT', { venue: 'binance' }),
  instrumentOf(2, 'USDT-USD', { venue: 'coinbase' }),
  // Of an earlier run.
  instrumentOf(3, 'BTC-USD', { venue: 'kraken' }),
];

function attached(): Attached {
  return new Attached(
    openShared({
      config: parseConfig({}),
      instruments: INSTRUMENTS,
      identity: {
        installId: 'test',
        runNumber: 1,
        firstSeq: 1,
        version: '0.1.0',
        origin: { hrNs: 0n, epochNs: 0n },
      },
      journalPath: '',
      venues: [],
      fed: [0, 1, 2],
      offered: [0, 1],
      cores: { freeCount: 2, spinCount: 2, allowedCount: 2, isolatedList: '', quotaCores: null },
    }),
  );
}

function lineOf(all: Attached): string {
  return new StatusLine(all, all.telemetryView(), () => NOW_NS).text();
}

t.test('a price has its confidence and its age, or a reason why there is none', async (t) => {
  const all = attached();
  t.notMatch(lineOf(all), /BTC \d/, 'before ingest has spoken there is none');
  const place = all.fairAssets.findIndex(({ asset }) => asset === 'BTC');
  const put = (fields: Partial<ReturnType<typeof blankBoardFair>>): void => {
    writeBoardFair(all.boardFair.i32, all.boardFair.begin(place), {
      ...blankBoardFair(),
      ...fields,
    });
    all.boardFair.end(place);
  };
  put({
    priceMantissa: 61_690_075_123_456,
    confidencePpm: 912_345,
    oldestNs: NOW_NS - 12_000_000,
    computedNs: NOW_NS,
  });
  t.match(lineOf(all), 'BTC 61690.07 (91 %, 12 ms)');
  t.notMatch(lineOf(all), /USDT \d/, 'what only prices a currency is not news');
  put({ reason: codeIndex('FAIR_DISAGREE'), computedNs: NOW_NS });
  t.match(lineOf(all), 'BTC FAIR_DISAGREE');
});

t.test('what is stale is named with its venue, and what is held is told', async (t) => {
  const all = attached();
  for (const { index } of INSTRUMENTS) {
    const base = all.boardMarkets.begin(index);
    clearBoardMarket(all.boardMarkets.i32, base);
    if (index === 1)
      setBoardMarketStaleReason(all.boardMarkets.i32, base, codeIndex('VENUE_SEQ_GAP'));
    all.boardMarkets.end(index);
    const position = all.boardPositions.begin(index);
    setBoardPositionSizeMantissa(all.boardPositions.i32, position, index === 0 ? 120_000 : 0);
    all.boardPositions.end(index);
  }
  const line = lineOf(all);
  t.match(line, 'STALE binance BTC-USDT VENUE_SEQ_GAP  held 0.0012 BTC-USD');
  t.notMatch(line, 'kraken', 'nobody sends that market in this run');
  t.notMatch(line, /held 0 /);
});
