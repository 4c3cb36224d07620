/**
 * equity: what the account is worth in the reporting currency at current prices, its highest, and where the day began. From
 * them follow the two limits that halt trading by themselves: the loss of the day and the drawdown.
 *
 * Part of the execution core's state; written on prices, fills and balances, not on the path of an intent: bigint.
 * Unknown stays unknown: a currency that is held without a price, or a balance that the venue has not stated, makes the
 * equity unknown, and while it is, nothing is concluded from it.
 *
 * A currency is priced by the first instrument that trades it against the reporting currency, or against one that is so
 * priced (USDT by USDT-USD, never taken for USD). Spot is worth its bid; a perpetual is worth its unrealised result.
 */
import { Rounding, mulDivBig } from '../domain/fixed-point.js';
import type { Ledger } from '../domain/portfolio.js';
import { unrealizedMantissa } from '../domain/position.js';
import { RISK_MONEY_SCALE } from '../domain/risk.js';
import { saturate } from '../domain/wide-sum.js';
import type { InstrumentState } from './core-state.js';
import { RATE_ONE, RATE_SCALE } from './exposure.js';
import type { Exposures } from './exposure.js';

const MS_PER_DAY = 86_400_000;
const NONE = -1;

export class Equity {
  /** Reporting currency at RISK_MONEY_SCALE; meaningless unless `isKnown`. */
  valueMantissa = 0;
  isKnown = false;
  /** The highest since trading was last resumed by a person; 0: none yet. */
  highestMantissa = 0;
  /** At the first known moment of the day. */
  dayStartMantissa = 0;
  /** Days since 1970 (UTC) of `dayStartMantissa`; -1: none yet. */
  day = NONE;
  readonly #instruments: readonly InstrumentState[];
  readonly #ledgers: readonly Ledger[];
  readonly #exposures: Exposures;
  /** By ledger: the instrument that prices it; -1: the reporting currency itself, -2: nobody. */
  readonly #pricers: readonly number[];
  readonly #places: ReadonlyMap<Ledger, number>;
  /** By ledger: the perpetuals whose result is paid in it. */
  readonly #perpetuals: readonly (readonly InstrumentState[])[];
  /** By ledger: its worth, and whether that is known. */
  readonly #values: bigint[];
  readonly #known: boolean[];
  #unknownCount = 0;
  #sum = 0n;

  constructor(
    instruments: readonly InstrumentState[],
    ledgers: readonly Ledger[],
    exposures: Exposures,
  ) {
    this.#instruments = instruments;
    this.#ledgers = ledgers;
    this.#exposures = exposures;
    const report = instruments[0]?.quote;
    this.#pricers = ledgers.map((ledger) => pricerOf(ledger, report, instruments));
    this.#places = new Map(ledgers.map((ledger, place) => [ledger, place]));
    this.#perpetuals = ledgers.map((ledger) =>
      instruments.filter(
        ({ instrument, quote }) => instrument.kind === 'perpetual' && quote === ledger,
      ),
    );
    this.#values = ledgers.map(() => 0n);
    this.#known = ledgers.map(() => true);
    this.refreshAll();
  }

  /** Whether prices of this instrument are needed although nothing of it is held: it prices a currency that counts. */
  needsPrice(instrumentIndex: number): boolean {
    return this.#ledgers.some(
      (ledger, place) =>
        this.#pricers[place] === instrumentIndex &&
        (!ledger.total.isZero() || this.#exposures.quotes.includes(ledger.currency.code)),
    );
  }

  /** A price has changed. */
  onPrice(instrumentIndex: number): void {
    const target = this.#instruments[instrumentIndex];
    if (target === undefined) return;
    const place = this.#placeOf(target.base);
    if (this.#pricers[place] === instrumentIndex) {
      const quote = this.#exposures.quotes.indexOf(target.base.currency.code);
      if (quote > 0) {
        this.#setRate(quote, target);
        // Everything that is counted in this currency is worth something else now.
        this.refreshAll();
        return;
      }
      // Of what is not held no price changes the worth.
      if (target.base.isKnown && target.base.total.isZero() && this.#known[place] === true) return;
      this.#refreshLedger(place);
    } else if (target.instrument.kind === 'perpetual' && target.position.sizeMantissa !== 0) {
      this.#refreshLedger(this.#placeOf(target.quote));
    } else {
      return;
    }
    this.#conclude();
  }

  /** The total of a ledger has changed. */
  onLedger(ledger: Ledger): void {
    this.#refreshLedger(this.#placeOf(ledger));
    this.#conclude();
  }

  /** What somebody paid in or took out is no result: highest and start of the day move with it. */
  onTransfer(ledger: Ledger): void {
    const before = this.valueMantissa;
    const wasKnown = this.isKnown;
    this.onLedger(ledger);
    if (!wasKnown || !this.isKnown) return;
    const moved = this.valueMantissa - before;
    if (this.day !== NONE) this.dayStartMantissa += moved;
    if (this.highestMantissa > 0) this.highestMantissa = Math.max(0, this.highestMantissa + moved);
  }

  refreshAll(): void {
    for (let quote = 1; quote < this.#exposures.quotes.length; quote++) {
      const code = this.#exposures.quotes[quote];
      const place = this.#ledgers.findIndex((ledger) => ledger.currency.code === code);
      const pricer = this.#instruments[this.#pricers[place] ?? NONE];
      if (pricer !== undefined) this.#setRate(quote, pricer);
    }
    for (let place = 0; place < this.#ledgers.length; place++) this.#refreshLedger(place);
    this.#conclude();
  }

  /** A new day begins where the equity is now; the highest follows. To be called after each change. */
  watch(nowEpochMs: number): void {
    if (!this.isKnown) return;
    const day = Math.floor(nowEpochMs / MS_PER_DAY);
    if (day !== this.day) {
      this.day = day;
      this.dayStartMantissa = this.valueMantissa;
    }
    if (this.valueMantissa > this.highestMantissa) this.highestMantissa = this.valueMantissa;
  }

  /** A person resumes: losses count from here. */
  restart(): void {
    this.highestMantissa = 0;
    this.day = NONE;
  }

  /** Lost since the day began; 0 while nothing is known. */
  get dayLossMantissa(): number {
    return this.isKnown && this.day !== NONE ? this.dayStartMantissa - this.valueMantissa : 0;
  }

  /** Lost since the highest; 0 while nothing is known. */
  get drawdownMantissa(): number {
    return this.isKnown ? Math.max(0, this.highestMantissa - this.valueMantissa) : 0;
  }

  /** The dear side for exposures: what is owed must not look small. */
  #setRate(quote: number, pricer: InstrumentState): void {
    const { askMantissa, instrument } = pricer;
    this.#exposures.rates[quote] =
      askMantissa > 0
        ? Number(
            mulDivBig(
              BigInt(askMantissa),
              BigInt(RATE_ONE),
              10n ** BigInt(instrument.priceScale),
              Rounding.Ceil,
            ),
          )
        : 0;
  }

  #placeOf(ledger: Ledger): number {
    return this.#places.get(ledger) ?? NOBODY;
  }

  #refreshLedger(place: number): void {
    const ledger = this.#ledgers[place];
    if (ledger === undefined) return;
    const value = this.#worth(place, ledger);
    const wasKnown = this.#known[place] === true;
    const isKnown = value !== undefined;
    if (wasKnown !== isKnown) this.#unknownCount += isKnown ? -1 : 1;
    this.#known[place] = isKnown;
    this.#sum += (value ?? 0n) - (this.#values[place] ?? 0n);
    this.#values[place] = value ?? 0n;
  }

  #worth(place: number, ledger: Ledger): bigint | undefined {
    if (!ledger.isKnown) return undefined;
    let units = ledger.total.toBig();
    for (const target of this.#perpetuals[place] ?? []) {
      const { position } = target;
      if (position.sizeMantissa === 0) continue;
      const price = position.sizeMantissa > 0 ? target.bidMantissa : target.askMantissa;
      if (price === 0) return undefined;
      units += unrealizedMantissa(position, price) * BigInt(target.quoteFactor);
    }
    if (units === 0n) return 0n;
    const atMoney = (amount: bigint, scale: number): bigint =>
      mulDivBig(amount, 10n ** BigInt(RISK_MONEY_SCALE), 10n ** BigInt(scale), Rounding.Floor);
    const pricer = this.#pricers[place];
    if (pricer === NONE) return atMoney(units, ledger.currency.scale);
    const target = this.#instruments[pricer ?? NONE];
    if (target === undefined || target.bidMantissa === 0) return undefined;
    const { instrument } = target;
    const inQuote = atMoney(
      units * BigInt(target.bidMantissa),
      ledger.currency.scale + instrument.priceScale,
    );
    const rate = this.#cheapRate(target.quote);
    return rate === undefined
      ? undefined
      : mulDivBig(inQuote, rate, 10n ** BigInt(RATE_SCALE), Rounding.Floor);
  }

  /** One unit of a currency in the reporting currency, at the bid. */
  #cheapRate(ledger: Ledger): bigint | undefined {
    const pricer = this.#pricers[this.#placeOf(ledger)];
    if (pricer === NONE) return BigInt(RATE_ONE);
    const target = this.#instruments[pricer ?? NONE];
    if (target === undefined || target.bidMantissa === 0) return undefined;
    return mulDivBig(
      BigInt(target.bidMantissa),
      BigInt(RATE_ONE),
      10n ** BigInt(target.instrument.priceScale),
      Rounding.Floor,
    );
  }

  #conclude(): void {
    this.isKnown = this.#unknownCount === 0;
    this.valueMantissa = saturate(this.#sum);
  }
}

const NOBODY = -2;

function pricerOf(
  ledger: Ledger,
  report: Ledger | undefined,
  instruments: readonly InstrumentState[],
): number {
  if (ledger === report) return NONE;
  const spot = instruments.filter(
    ({ instrument, base }) => instrument.kind === 'spot' && base === ledger,
  );
  const direct = spot.find(({ quote }) => quote === report);
  if (direct !== undefined) return direct.instrument.index;
  const byWay = spot.find((one) =>
    instruments.some(
      (other) =>
        other.instrument.kind === 'spot' && other.base === one.quote && other.quote === report,
    ),
  );
  return byWay === undefined ? NOBODY : byWay.instrument.index;
}
