/**
 * world: a seed becomes days of trading: virtual clock, seeded network, a venue with its market, and the production
 * execution side, stepped in seeded order while things go wrong; after every step the invariants are checked.
 *
 *   step(): the earliest of (frame, answer, agent turn, journal turn, market, wish, fault) ─▶ time moves ─▶ it runs ─▶ check
 *
 * One thread, no real time: the same seed gives the same world to the last record. docs/simulation.md.
 */
import { CommandKind, CoreRecord, EVENT_KIND_INPUT_MAX, EventKind } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { OrderFlag, OrderType, Side, TimeInForce } from '../domain/order.js';
import { PAPER_LIMITS } from '../domain/risk.js';
import type { RiskLimits } from '../domain/risk.js';
import type { ExecutionCoreOptions } from '../execution/execution-core.js';
import { Replay } from '../execution/replay.js';
import { InvariantBroken, Invariants } from './invariants.js';
import { SimChance } from './sim-chance.js';
import { SimEngine } from './sim-engine.js';
import { SimNetwork } from './sim-network.js';
import { SimQueue } from './sim-queue.js';
import { SimVenue } from './sim-venue.js';
import { WorldFaults, drawnRates } from './world-faults.js';

const NS_PER_MS = 1_000_000;
const NS_PER_SEC = 1_000_000_000;
const INSTALL_ID = 'wor1d0';
const EPOCH_NS = 1_790_000_000_000_000_000n;
const FEED_SILENT = codeIndex('FEED_SILENT');

const LIMITS: RiskLimits = {
  ...PAPER_LIMITS,
  openOrdersMax: 12,
  ordersPerSecondMax: 5,
  dailyLossMaxMantissa: 5_000_000_000_000,
};
/** So many ended orders are kept. */
const ENDED_KEPT = 64;
/** After the faults have stopped, engine and venue must agree within so much virtual time. */
const AGREE_WITHIN_NS = 120 * NS_PER_SEC;

export interface WorldOptions {
  readonly seed: number;
  /** Virtual seconds with faults. */
  readonly seconds: number;
}

/** What a world was, when it has passed. */
export interface WorldSummary {
  readonly seed: number;
  readonly steps: number;
  readonly records: number;
  readonly orders: number;
  readonly fills: number;
  readonly kills: number;
  /** Virtual ms from the end of the faults to agreement. */
  readonly agreedAfterMs: number;
  readonly stateHash: string;
}

/** A world that broke: the seed reproduces it. */
export class WorldBroken extends Error {
  readonly seed: number;
  readonly step: number;
  constructor(seed: number, step: number, what: string) {
    super(`seed ${String(seed)}, step ${String(step)}: ${what}`);
    this.seed = seed;
    this.step = step;
  }
}

export class World {
  readonly #options: WorldOptions;
  readonly #queue = new SimQueue();
  readonly #chance: SimChance;
  readonly #faults: WorldFaults;
  readonly #venue: SimVenue;
  readonly #invariants: Invariants;
  readonly #coreOptions: ExecutionCoreOptions;
  /** What is safe on disk. */
  readonly #journal: CoreRecord[] = [];
  #engine: SimEngine | null = null;
  #network: SimNetwork | null = null;
  #runNumber = 0;
  #runStartNs = 0;
  #isCalm = false;
  #isJournalAsleep = false;
  #isFeedDead = false;
  #isTurnDue = false;
  #stepCount = 0;
  #killCount = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#chance = new SimChance(options.seed);
    this.#faults = new WorldFaults(drawnRates(this.#chance), this.#chance, this.#queue);
    this.#venue = new SimVenue({
      seed: options.seed,
      queue: this.#queue,
      faults: this.#faults,
      epochNs: EPOCH_NS,
      onMarket: () => {
        this.#tellMarket();
      },
    });
    this.#coreOptions = {
      instruments: [this.#venue.instrument],
      limits: LIMITS,
      fees: { makerPpm: 100, takerPpm: 500 },
      stopPolicy: 'keep',
      orderSlots: LIMITS.openOrdersMax + ENDED_KEPT,
      answerTimeoutMs: 2_000,
    };
    this.#invariants = new Invariants({
      venue: this.#venue,
      limits: LIMITS,
      installId: INSTALL_ID,
      coreOptions: this.#coreOptions,
    });
    this.#startRun();
    this.#keepTurns();
    this.#keepJournal();
    this.#keepWishing();
    this.#keepTrouble();
  }

  /** Lives the world to its end; rejects with WorldBroken. */
  async live(): Promise<WorldSummary> {
    try {
      await this.#runUntil(this.#options.seconds * NS_PER_SEC);
      this.#isCalm = true;
      this.#faults.calm();
      this.#isFeedDead = false;
      this.#isJournalAsleep = false;
      const calmNs = this.#queue.nowNs;
      let difference = 'nothing was compared';
      while (difference !== '' && this.#queue.nowNs - calmNs < AGREE_WITHIN_NS) {
        await this.#runUntil(this.#queue.nowNs + NS_PER_SEC);
        // Killed in the last moment of the faults: it starts again first.
        if (this.#engine !== null) difference = this.#invariants.disagreement(this.#core());
      }
      if (difference !== '') throw new InvariantBroken(`no agreement after 120 s: ${difference}`);
      this.#invariants.checkReplay(this.#core());
      return {
        seed: this.#options.seed,
        steps: this.#stepCount,
        records: this.#journal.length,
        orders: this.#venue.placed.size,
        fills: this.#venue.exchange.fills().length,
        kills: this.#killCount,
        agreedAfterMs: Math.round((this.#queue.nowNs - calmNs) / NS_PER_MS),
        stateHash: this.#core().stateHash(),
      };
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new WorldBroken(
        this.#options.seed,
        this.#stepCount,
        error instanceof InvariantBroken ? error.message : what,
      );
    }
  }

  async #runUntil(untilNs: number): Promise<void> {
    while (this.#queue.nowNs < untilNs && this.#queue.step()) {
      this.#stepCount++;
      // Continuations of the session run as they would before the next event of a real loop.
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      this.#look();
    }
  }

  /** After every step. */
  #look(): void {
    const engine = this.#engine;
    if (engine === null) return;
    if (engine.failure !== null) throw engine.failure;
    for (const record of engine.look()) this.#invariants.see(record);
    this.#invariants.check(engine.core);
  }

  #core(): SimEngine['core'] {
    if (this.#engine === null) throw new InvariantBroken('no engine runs');
    return this.#engine.core;
  }

  #nowNs = (): number => this.#queue.nowNs - this.#runStartNs;

  // ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #startRun(): void {
    this.#runNumber++;
    this.#runStartNs = this.#queue.nowNs;
    const replay = new Replay(() => this.#coreOptions);
    for (const record of this.#journal) {
      if (record.kind <= EVENT_KIND_INPUT_MAX) replay.applyInput({ run: 1, record });
    }
    const fills = this.#journal.filter(({ kind }) => kind === EventKind.VenueFill);
    const youngest = fills.reduce((most, fill) => Math.max(most, fill.tickVenueNs), 0);
    this.#network = new SimNetwork({
      queue: this.#queue,
      chance: this.#chance,
      faults: this.#faults,
      venue: this.#venue,
      nowNs: this.#nowNs,
    });
    this.#invariants.beginRun(this.#journal);
    this.#engine = new SimEngine({
      instruments: [this.#venue.instrument],
      coreOptions: this.#coreOptions,
      installId: INSTALL_ID,
      runNumber: this.#runNumber,
      firstSeq: (this.#journal.at(-1)?.seq ?? 0) + 1,
      recovered: replay.snapshot(),
      // Times of fills count from the start of their own run: the oldest possible is asked from.
      lastFillEpochNs: youngest === 0 ? 0n : EPOCH_NS,
      network: this.#network,
      runEpochNs: EPOCH_NS + BigInt(this.#queue.nowNs),
      nowNs: this.#nowNs,
      onPoke: () => {
        this.#turnSoon();
      },
    });
    this.#tellMarket();
  }

  /** The process is gone between two instructions; what the journal had not taken is lost. */
  #kill(): void {
    this.#killCount++;
    this.#look();
    this.#network?.kill();
    this.#engine = null;
    this.#queue.after(this.#chance.delayNs(50, 3_000), () => {
      this.#startRun();
    });
  }

  // ── whoever has a turn ───────────────────────────────────────────────────────────────────────────────────────

  #turn(): void {
    this.#engine?.agent.doWork(this.#nowNs());
  }

  /** A poke means: at once, but never inside the call. */
  #turnSoon(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    this.#queue.after(0, () => {
      this.#isTurnDue = false;
      this.#turn();
    });
  }

  #keepTurns(): void {
    this.#turn();
    this.#queue.after(this.#chance.delayNs(1, 25), () => {
      this.#keepTurns();
    });
  }

  #keepJournal(): void {
    if (!this.#isJournalAsleep && this.#engine !== null) {
      this.#look();
      this.#journal.push(...this.#engine.journalTurn());
    }
    this.#queue.after(this.#chance.delayNs(2, 120), () => {
      this.#keepJournal();
    });
  }

  /** The board follows the market after a while, unless the feed is dead. */
  #tellMarket(): void {
    const bid = this.#venue.bestBidMantissa;
    const ask = this.#venue.bestAskMantissa;
    this.#queue.after(this.#chance.delayNs(1, 40), () => {
      if (this.#isFeedDead) this.#engine?.writeMarket(0, 0, FEED_SILENT);
      else this.#engine?.writeMarket(bid, ask, 0);
    });
  }

  // ── wishes ───────────────────────────────────────────────────────────────────────────────────────────────────

  #keepWishing(): void {
    if (!this.#isCalm && this.#engine !== null) this.#wish(this.#engine);
    this.#queue.after(this.#chance.delayNs(40, 2_500), () => {
      this.#keepWishing();
    });
  }

  #wish(engine: SimEngine): void {
    const chance = this.#chance;
    const draw = chance.unit();
    if (draw < 0.03) {
      engine.command(
        chance.pick([CommandKind.Halt, CommandKind.CancelAll, CommandKind.Flatten]),
        chance.whole(0, 1),
      );
      // A person who halts resumes, some day.
      this.#queue.after(chance.delayNs(500, 8_000), () => {
        this.#engine?.command(CommandKind.Resume);
      });
      return;
    }
    if (draw < 0.08) {
      engine.intend({ kind: 2 }, this.#nowNs());
      return;
    }
    const bid = this.#venue.bestBidMantissa;
    const ask = this.#venue.bestAskMantissa;
    if (bid === 0 || ask === 0) return;
    const side = chance.pick([Side.Buy, Side.Buy, Side.Sell]);
    const away = chance.whole(-400, 3_000);
    const priceMantissa = side === Side.Buy ? bid - away : ask + away;
    const isStop = draw > 0.9;
    const isBracket = !isStop && side === Side.Buy && draw > 0.7;
    const timeInForce = chance.pick([
      ...[TimeInForce.Gtc, TimeInForce.Gtc, TimeInForce.Ioc],
      ...[TimeInForce.Fok, TimeInForce.Gtd],
    ]);
    const orderType = isStop
      ? chance.whole(OrderType.StopMarket, OrderType.TakeProfitLimit)
      : chance.pick([OrderType.Limit, OrderType.Limit, OrderType.Market]);
    const isPostOnly =
      orderType === OrderType.Limit && timeInForce === TimeInForce.Gtc && draw < 0.2;
    engine.intend(
      {
        side,
        orderType,
        timeInForce,
        priceMantissa,
        sizeMantissa: chance.whole(100, 3_000) * 100,
        referencePriceMantissa: bid,
        strategyIndex: chance.whole(0, 2),
        triggerPriceMantissa: isStop ? bid + chance.whole(-4_000, 4_000) : 0,
        takeProfitPriceMantissa: isBracket ? ask + chance.whole(500, 6_000) : 0,
        stopLossPriceMantissa: isBracket ? bid - chance.whole(3_500, 8_000) : 0,
        ttlMs:
          timeInForce === TimeInForce.Gtd
            ? chance.whole(1_000, 60_000)
            : chance.pick([0, 0, 3_000]),
        flags:
          (isPostOnly ? OrderFlag.PostOnly : 0) |
          (isStop && chance.isTrue(0.5) ? OrderFlag.ReduceOnly : 0),
      },
      this.#nowNs(),
    );
  }

  // ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Once a second the dice are thrown for what goes wrong on a larger scale. */
  #keepTrouble(): void {
    const { rates } = this.#faults;
    const chance = this.#chance;
    if (chance.isTrue(rates.cut)) {
      this.#faults.cutFor(chance.delayNs(100, 12_000));
      this.#network?.cutSockets();
    }
    if (chance.isTrue(rates.slowJournal)) this.#sleepJournal(chance.delayNs(200, 6_000));
    if (chance.isTrue(rates.deadFeed)) this.#killFeed(chance.delayNs(500, 10_000));
    if (chance.isTrue(rates.kill) && this.#engine !== null) this.#kill();
    this.#queue.after(NS_PER_SEC, () => {
      this.#keepTrouble();
    });
  }

  #sleepJournal(durationNs: number): void {
    this.#isJournalAsleep = true;
    this.#queue.after(durationNs, () => {
      this.#isJournalAsleep = false;
    });
  }

  #killFeed(durationNs: number): void {
    this.#isFeedDead = true;
    this.#tellMarket();
    this.#queue.after(durationNs, () => {
      this.#isFeedDead = false;
      this.#tellMarket();
    });
  }
}
