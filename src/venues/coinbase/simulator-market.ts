/**
 * simulator-market: what the Coinbase simulator tells about one product beside its orders: trades, day statistics, candles,
 * and the texts of its market data events. Deterministic. Owned by the simulator; shapes are those of the captures of
 * 2026-08 (level2, market_trades, ticker, candles) and of the documentation (status, ticker_batch).
 */
import { moneyScale, type Instrument } from '../../domain/instrument.js';
import { Side } from '../../domain/order.js';
import type { BestPrices, LevelChange, MarketEvent, PriceLevel } from '../simulator-port.js';
import { formatDecimal, formatTime } from '../simulator-text.js';
import { sideWord } from './simulator-orders.js';
import type { ProductState } from './simulator-products.js';

/** Trades in the snapshot of market_trades (capture of 2026-08: 100). */
export const RECENT_TRADES_MAX = 100;
/** Candles in the snapshot of candles, and their length (same capture: 100 of five minutes). */
const CANDLES_MAX = 100;
const CANDLE_SECONDS = 300n;
const NS_PER_SEC = 1_000_000_000n;

export interface PublicTrade {
  readonly tradeId: number;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  readonly makerSide: Side;
  readonly timeNs: bigint;
}

interface Candle {
  /** Epoch seconds. */
  readonly start: bigint;
  readonly openMantissa: number;
  highMantissa: number;
  lowMantissa: number;
  closeMantissa: number;
  volumeMantissa: bigint;
}

type EventType = 'snapshot' | 'update';

/** One product: as far as its market has been played. */
export class ProductMarket {
  readonly instrument: Instrument;
  /** Newest first. */
  readonly trades: PublicTrade[] = [];
  /** Oldest first. */
  readonly #candles: Candle[] = [];
  #isCandleNews = false;
  #isTickerNews = false;
  #openMantissa = 0;
  #lastMantissa = 0;
  #highMantissa = 0;
  #lowMantissa = 0;
  #volumeMantissa = 0n;
  /** The top of the book that the ticker said last. */
  #topText = '';

  constructor(instrument: Instrument) {
    this.instrument = instrument;
  }

  get lastMantissa(): number {
    return this.#lastMantissa;
  }

  recordTrade(event: MarketEvent & { kind: 'trade' }, tradeId: number, nowNs: bigint): PublicTrade {
    const { priceMantissa, sizeMantissa } = event;
    const trade = {
      tradeId,
      priceMantissa,
      sizeMantissa,
      makerSide: event.takerSide === Side.Buy ? Side.Sell : Side.Buy,
      timeNs: nowNs,
    };
    this.trades.unshift(trade);
    if (this.trades.length > RECENT_TRADES_MAX) this.trades.pop();
    if (this.#lastMantissa === 0) {
      this.#openMantissa = priceMantissa;
      this.#highMantissa = priceMantissa;
      this.#lowMantissa = priceMantissa;
    }
    this.#lastMantissa = priceMantissa;
    this.#highMantissa = Math.max(this.#highMantissa, priceMantissa);
    this.#lowMantissa = Math.min(this.#lowMantissa, priceMantissa);
    this.#volumeMantissa += BigInt(sizeMantissa);
    this.#addToCandle(trade);
    this.#isTickerNews = true;
    return trade;
  }

  #addToCandle({ priceMantissa, sizeMantissa, timeNs }: PublicTrade): void {
    const seconds = timeNs / NS_PER_SEC;
    const start = seconds - (seconds % CANDLE_SECONDS);
    let candle = this.#candles.at(-1);
    if (candle?.start !== start) {
      candle = {
        start,
        openMantissa: priceMantissa,
        highMantissa: priceMantissa,
        lowMantissa: priceMantissa,
        closeMantissa: priceMantissa,
        volumeMantissa: 0n,
      };
      this.#candles.push(candle);
      if (this.#candles.length > CANDLES_MAX) this.#candles.shift();
    }
    candle.highMantissa = Math.max(candle.highMantissa, priceMantissa);
    candle.lowMantissa = Math.min(candle.lowMantissa, priceMantissa);
    candle.closeMantissa = priceMantissa;
    candle.volumeMantissa += BigInt(sizeMantissa);
    this.#isCandleNews = true;
  }

  /** Whether the top of the book is another one than the ticker said last. */
  takeTop({ bid, ask }: BestPrices): boolean {
    const topText = `${levelText(bid)}|${levelText(ask)}`;
    const isNew = topText !== this.#topText;
    this.#topText = topText;
    return isNew;
  }

  /** The current candle's event when there was a trade since the last time; else null. */
  takeCandleUpdate(): string | null {
    if (!this.#isCandleNews) return null;
    this.#isCandleNews = false;
    return this.candlesEvent('update');
  }

  /** The batch ticker's event when there was a trade since the last time; else null. */
  takeTickerBatch(best: BestPrices): string | null {
    if (!this.#isTickerNews) return null;
    this.#isTickerNews = false;
    return this.tickerBatchEvent('update', best);
  }

  state({ bid }: BestPrices): ProductState {
    const { instrument } = this;
    const price = this.#lastMantissa === 0 ? (bid?.priceMantissa ?? 0) : this.#lastMantissa;
    const text = (mantissa: number): string => formatDecimal(mantissa, instrument.priceScale);
    const open = this.#openMantissa;
    // Percent with eight decimals, cut.
    const change = open === 0 ? 0n : (BigInt(price - open) * 10_000_000_000n) / BigInt(open);
    return {
      price: text(price),
      volume: formatDecimal(this.#volumeMantissa, instrument.sizeScale),
      quoteVolume: formatDecimal(this.#volumeMantissa * BigInt(price), moneyScale(instrument)),
      changePercent: formatDecimal(change, 8),
      high: text(this.#highMantissa === 0 ? price : this.#highMantissa),
      low: text(this.#lowMantissa === 0 ? price : this.#lowMantissa),
    };
  }

  tickerEvent(type: EventType, best: BestPrices): string {
    const { bid, ask } = best;
    const { priceScale, sizeScale } = this.instrument;
    const price = (level: PriceLevel | null): string =>
      level === null ? '0' : formatDecimal(level.priceMantissa, priceScale);
    const size = (level: PriceLevel | null): string =>
      level === null ? '0' : formatDecimal(level.sizeMantissa, sizeScale);
    const ticker = {
      ...this.#dayTicker(best),
      best_bid: price(bid),
      best_ask: price(ask),
      best_bid_quantity: size(bid),
      best_ask_quantity: size(ask),
    };
    return JSON.stringify({ type, tickers: [ticker] });
  }

  /** The batch channel says nothing of the book. */
  tickerBatchEvent(type: EventType, best: BestPrices): string {
    return JSON.stringify({ type, tickers: [this.#dayTicker(best)] });
  }

  #dayTicker(best: BestPrices): Record<string, string> {
    const state = this.state(best);
    return {
      type: 'ticker',
      product_id: this.instrument.venueSymbol,
      price: state.price,
      volume_24_h: state.volume,
      low_24_h: state.low,
      high_24_h: state.high,
      low_52_w: state.low,
      high_52_w: state.high,
      price_percent_chg_24_h: state.changePercent,
    };
  }

  /** A snapshot is every candle, oldest first; an update is the current one. */
  candlesEvent(type: EventType): string {
    const { priceScale, sizeScale, venueSymbol } = this.instrument;
    const price = (mantissa: number): string => formatDecimal(mantissa, priceScale);
    const wanted = type === 'snapshot' ? this.#candles : this.#candles.slice(-1);
    const candles = wanted.map((candle) => ({
      start: String(candle.start),
      high: price(candle.highMantissa),
      low: price(candle.lowMantissa),
      open: price(candle.openMantissa),
      close: price(candle.closeMantissa),
      volume: formatDecimal(candle.volumeMantissa, sizeScale),
      product_id: venueSymbol,
    }));
    return JSON.stringify({ type, candles });
  }

  statusEvent(): string {
    const { instrument } = this;
    const { venueSymbol, base, quote, priceScale, sizeScale } = instrument;
    const product = {
      product_type: 'SPOT',
      id: venueSymbol,
      base_currency: base,
      quote_currency: quote,
      base_increment: formatDecimal(instrument.lotMantissa, sizeScale),
      quote_increment: formatDecimal(instrument.tickMantissa, priceScale),
      display_name: `${base}/${quote}`,
      status: 'online',
      status_message: '',
      min_market_funds: formatDecimal(instrument.notionalMinMantissa, moneyScale(instrument)),
    };
    return JSON.stringify({ type: 'snapshot', products: [product] });
  }

  tradesEvent(type: EventType, trades: readonly PublicTrade[]): string {
    return JSON.stringify({ type, trades: trades.map((trade) => this.tradeEntry(trade)) });
  }

  tradeEntry(trade: PublicTrade): Record<string, string> {
    const { instrument } = this;
    return {
      product_id: instrument.venueSymbol,
      trade_id: String(trade.tradeId),
      price: formatDecimal(trade.priceMantissa, instrument.priceScale),
      size: formatDecimal(trade.sizeMantissa, instrument.sizeScale),
      time: formatTime(trade.timeNs, 6),
      // The maker's side: BUY means that a resting bid was hit (checked against captures).
      side: sideWord(trade.makerSide),
    };
  }

  /** By hand, not JSON.stringify: thousands of levels, always the same shape, nothing to escape. */
  levelsEvent(type: EventType, changes: readonly LevelChange[], nowNs: bigint): string {
    const { priceScale, sizeScale, venueSymbol } = this.instrument;
    const eventTime = formatTime(nowNs, 6);
    const updates = changes.map((change) => {
      const side = change.isAsk ? 'offer' : 'bid';
      const price = formatDecimal(change.priceMantissa, priceScale);
      const size = formatDecimal(change.sizeMantissa, sizeScale);
      return `{"side":"${side}","event_time":"${eventTime}","price_level":"${price}","new_quantity":"${size}"}`;
    });
    return `{"type":"${type}","product_id":"${venueSymbol}","updates":[${updates.join(',')}]}`;
  }
}

function levelText(level: PriceLevel | null): string {
  return level === null ? '' : `${level.priceMantissa}:${level.sizeMantissa}`;
}
