/** What a strategy sees beside ticks: the fair price of an asset by any of its instruments, a venue's mark and funding. */
import t from 'tap';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import {
  BOARD_FAIR_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  TickKind,
  blankBoardFair,
  blankTick,
  writeBoardFair,
  writeTick,
} from '#src/generated/hot.js';
import type { BoardFairFields, TickFields } from '#src/generated/hot.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { RingWriter, TrailingReader, allocateRing } from '#src/memory/ring.js';
import type { RingSpec } from '#src/memory/ring.js';
import { COUNTERS_PER_BLOCK, Telemetry } from '#src/runtime/telemetry.js';
import { SignalAgent } from '#src/signal/signal-agent.js';
import type { MarketView } from '#src/signal/market-view.js';
import type { Strategy } from '#src/signal/strategy.js';
import { instrumentOf } from '../domain/fair-rig.js';

const NOW_NS = 5_400_000_000_000;
const INSTRUMENTS = [
  instrumentOf(0, 'BTC-USDT'),
  instrumentOf(1, 'USDT-USD'),
  instrumentOf(2, 'BTC-USD', { kind: 'perpetual' }),
];
/** USDT is computed first, so its cell is the first one. */
const USDT_CELL = 0;
const BTC_CELL = 1;

/** Copies what it sees at each tick. */
class Watcher implements Strategy {
  readonly name = 'watcher';
  readonly seen: { asset: string; price: number; confidencePpm: number; isUsable: boolean }[] = [];
  market: MarketView | undefined;

  onTick(_tick: TickFields, market: MarketView): void {
    const { fair } = market;
    this.market = market;
    this.seen.push({
      asset: fair.asset,
      price: fair.priceMantissa,
      confidencePpm: fair.confidencePpm,
      isUsable: fair.isUsable(NOW_NS, 500_000_000, 400_000),
    });
  }

  onOrderEvent(): void {
    // Watches only.
  }

  onDeadline(): void {
    // Watches only.
  }
}

function cells(count: number, words: number): BoardCells {
  return new BoardCells(new SharedArrayBuffer(BoardCells.bytes(count, words)), count, words);
}

class SignalRig {
  readonly watcher = new Watcher();
  readonly boardFair = cells(2, BOARD_FAIR_WORDS);
  readonly #ticks: RingWriter;
  readonly agent: SignalAgent;

  constructor() {
    const ring = (slotBytes: 64 | 128, kind: 'gating' | 'trailing'): RingSpec => ({
      name: `ring-${slotBytes}`,
      slotBytes,
      slotCount: 64,
      readers: [{ name: 'reader', kind, wakeIndex: -1 }],
      writerRole: 'writer',
      schemaHashWord: 1,
    });
    const ticks = ring(64, 'trailing');
    const events = ring(128, 'trailing');
    const intents = ring(128, 'gating');
    const ticksBuffer = allocateRing(ticks);
    this.#ticks = new RingWriter(ticksBuffer, ticks, null);
    this.agent = new SignalAgent({
      roleName: 'signal-0',
      instruments: INSTRUMENTS,
      seats: [{ strategyIndex: 0, strategy: this.watcher }],
      ticks: new TrailingReader(ticksBuffer, ticks, 0),
      events: new TrailingReader(allocateRing(events), events, 0),
      intents: new RingWriter(allocateRing(intents), intents, null),
      boardFair: this.boardFair,
      boardPositions: cells(3, BOARD_POSITION_WORDS),
      boardPortfolio: cells(1, BOARD_PORTFOLIO_WORDS),
      telemetry: new Telemetry(
        new CounterBlock(
          new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
          0,
          COUNTERS_PER_BLOCK,
        ),
        [],
      ),
      nowNs: () => NOW_NS,
    });
  }

  publishFair(cell: number, fields: Partial<BoardFairFields>): void {
    writeBoardFair(this.boardFair.i32, this.boardFair.begin(cell), {
      ...blankBoardFair(),
      ...fields,
    });
    this.boardFair.end(cell);
  }

  tick(instrumentIndex: number, fields: Partial<TickFields> = {}): void {
    writeTick(this.#ticks.i32, this.#ticks.claim(), {
      ...blankTick(),
      kind: TickKind.Trade,
      recvNs: NOW_NS,
      ...fields,
      instrumentIndex,
    });
    this.#ticks.publish();
    this.agent.doWork(NOW_NS);
  }
}

t.test('before ingest has computed anything there is no fair price, with a reason', async (t) => {
  const rig = new SignalRig();
  rig.tick(0);
  t.match(rig.watcher.seen, [{ asset: 'BTC', price: 0, confidencePpm: 0, isUsable: false }]);
  t.equal(codeAt(rig.watcher.market?.fair.reason ?? 0), 'FAIR_NO_PRICE');
});

t.test(
  'every instrument of an asset shows the same fair price, as it stands on the board',
  async (t) => {
    const rig = new SignalRig();
    rig.publishFair(BTC_CELL, {
      priceMantissa: 60_000_500_000_000,
      lowMantissa: 60_000_000_000_000,
      highMantissa: 60_001_000_000_000,
      confidencePpm: 800_000,
      computedNs: NOW_NS - 1,
      oldestNs: NOW_NS - 2,
    });
    rig.publishFair(USDT_CELL, {
      priceMantissa: 999_000_000,
      confidencePpm: 250_000,
      computedNs: NOW_NS,
    });
    rig.tick(0);
    rig.tick(2);
    rig.tick(1);
    t.strictSame(rig.watcher.seen, [
      { asset: 'BTC', price: 60_000_500_000_000, confidencePpm: 800_000, isUsable: true },
      { asset: 'BTC', price: 60_000_500_000_000, confidencePpm: 800_000, isUsable: true },
      { asset: 'USDT', price: 999_000_000, confidencePpm: 250_000, isUsable: false },
    ]);
    rig.publishFair(BTC_CELL, { reason: codeIndex('FAIR_DISAGREE'), computedNs: NOW_NS });
    rig.tick(2);
    t.match(rig.watcher.seen.at(-1), { price: 0, isUsable: false });
    t.equal(codeAt(rig.watcher.market?.fair.reason ?? 0), 'FAIR_DISAGREE');
  },
);

t.test('a price that was computed too long ago is not usable, however sure it was', async (t) => {
  const rig = new SignalRig();
  rig.publishFair(BTC_CELL, {
    priceMantissa: 1,
    confidencePpm: 999_999,
    computedNs: NOW_NS - 500_000_001,
  });
  rig.tick(0);
  t.match(rig.watcher.seen, [{ price: 1, isUsable: false }]);
});

t.test('mark, index and funding of a perpetual stand on its market, with their ages', async (t) => {
  const rig = new SignalRig();
  rig.tick(2, {
    kind: TickKind.Mark,
    priceMantissa: 600_001_000_000_000,
    askPriceMantissa: 600_000_000_000_000,
    recvNs: NOW_NS - 7,
  });
  rig.tick(2, {
    kind: TickKind.Funding,
    priceMantissa: 12_500_000,
    askPriceMantissa: NOW_NS + 3_600_000_000_000,
    recvNs: NOW_NS - 5,
  });
  t.match(rig.watcher.market, {
    markPriceMantissa: 600_001_000_000_000,
    indexPriceMantissa: 600_000_000_000_000,
    markNs: NOW_NS - 7,
    fundingRateMantissa: 12_500_000,
    fundingNextNs: NOW_NS + 3_600_000_000_000,
    fundingNs: NOW_NS - 5,
  });
});
