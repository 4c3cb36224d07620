/**
 * choose-instruments: from what venues list to the instruments of a run. Main thread, once at start. Pure.
 *
 *   BTC-USD          each venue's instrument of that symbol, or else its BTC in the nearest dollar (USD, USDC, USDT)
 *   kraken:BTC-USD   that venue's, under exactly that symbol
 *   USDT-USD, …      added where a venue lists them, when something is quoted in USDT: to price it, not to trade it
 *
 * Nothing is guessed silently: a dollar that was swapped for another is a note, a symbol that no venue has is a problem that
 * names what there is nearby.
 */
import { SYMBOL_PATTERN } from '../domain/instrument.js';
import type { Instrument } from '../domain/instrument.js';
import type { ParsedInstruments } from './registry.js';

/** What one venue of the run lists. */
export interface ListedVenue {
  readonly venue: string;
  readonly listed: ParsedInstruments;
}

/** Something that cannot be had, in the words of the configuration. */
export interface ChoiceProblem {
  readonly symbol: string;
  readonly rule: string;
}

export interface ChosenInstruments {
  /** In the order of the venues and symbols, those for pricing alone last; `index` is the place in this list. */
  readonly instruments: readonly Instrument[];
  /** How many of them strategies see; the rest prices currencies. */
  readonly offeredCount: number;
  /** For the log: what is not exactly what was asked for. */
  readonly notes: readonly string[];
  readonly problems: readonly ChoiceProblem[];
}

/** Money that stands for a dollar, best first. None of them is ever taken for another one in a price. */
const DOLLARS = ['USD', 'USDC', 'USDT'] as const;
const NEARBY_MAX = 8;

interface Wanted {
  /** As it was written. */
  readonly text: string;
  /** Empty: every venue. */
  readonly venue: string;
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
}

/** Picks what is wanted of what is listed. */
export function chooseInstruments(
  symbols: readonly string[],
  venues: readonly ListedVenue[],
  stablePairs: 'auto' | 'none',
): ChosenInstruments {
  const chosen: Instrument[] = [];
  const notes: string[] = [];
  const problems: ChoiceProblem[] = [];
  const wanted = symbols.map(readSymbol);
  for (const { venue, listed } of venues) {
    for (const one of wanted) {
      if (one.venue !== '' && one.venue !== venue) continue;
      const found = findInstrument(one, listed.instruments);
      if (found === undefined) continue;
      if (chosen.some((other) => isSame(other, found))) continue;
      if (found.symbol !== one.symbol)
        notes.push(`${venue} has no ${one.symbol}: ${found.symbol} is taken instead`);
      chosen.push(found);
    }
  }
  for (const one of wanted) {
    const asked = venues.filter(({ venue }) => one.venue === '' || one.venue === venue);
    const missing = asked.filter((listed) => !hasInstrument(one, listed));
    if (asked.length === 0) {
      problems.push({
        symbol: one.text,
        rule: `${one.venue} is no venue of this run; there are ${namesOf(venues)}`,
      });
    } else if (missing.length === asked.length) {
      problems.push({ symbol: one.text, rule: whyMissing(one, asked) });
    } else if (missing.length > 0) {
      notes.push(`${namesOf(missing)}: no ${one.symbol}, and nothing near it`);
    }
  }
  const offeredCount = chosen.length;
  if (stablePairs === 'auto') chosen.push(...pricersOf(chosen, venues));
  return {
    instruments: chosen.map((instrument, index) => ({ ...instrument, index })),
    offeredCount,
    notes,
    problems,
  };
}

/** The configuration has checked the pattern. */
function readSymbol(text: string): Wanted {
  const match = SYMBOL_PATTERN.exec(text);
  const [, venue = '', base = text, quote = ''] = match ?? [];
  return { text, venue, symbol: `${base}-${quote}`, base, quote };
}

/** A coin before a contract on it, one that can be traded before one that is closed. */
function findInstrument(
  wanted: Wanted,
  instruments: readonly Instrument[],
): Instrument | undefined {
  const best = (isMeant: (instrument: Instrument) => boolean): Instrument | undefined =>
    instruments.filter(isMeant).sort((a, b) => rankOf(a) - rankOf(b))[0];
  const exact = best(({ symbol }) => symbol === wanted.symbol);
  if (exact !== undefined || wanted.venue !== '' || !isDollar(wanted.quote)) return exact;
  for (const quote of DOLLARS) {
    const near = best(
      (instrument) => instrument.base === wanted.base && instrument.quote === quote,
    );
    if (near !== undefined) return near;
  }
  return undefined;
}

function rankOf(instrument: Instrument): number {
  return (instrument.isTradable ? 0 : 2) + (instrument.kind === 'spot' ? 0 : 1);
}

function hasInstrument(wanted: Wanted, { listed }: ListedVenue): boolean {
  return findInstrument(wanted, listed.instruments) !== undefined;
}

/** Pairs of one dollar in another that tell what a quote currency is worth, and what the quotes of those are worth. */
function pricersOf(chosen: readonly Instrument[], venues: readonly ListedVenue[]): Instrument[] {
  const quotes = new Set(chosen.map(({ quote }) => quote));
  const pricers: Instrument[] = [];
  const isWanted = (instrument: Instrument): boolean => {
    const { base, kind, quote } = instrument;
    const isPricer =
      kind === 'spot' && base !== 'USD' && quotes.has(base) && isDollar(base) && isDollar(quote);
    return isPricer && ![...chosen, ...pricers].some((other) => isSame(other, instrument));
  };
  for (;;) {
    const found = venues.flatMap(({ listed }) => listed.instruments.filter(isWanted));
    if (found.length === 0) return pricers;
    pricers.push(...found);
    for (const { quote } of found) quotes.add(quote);
  }
}

function whyMissing(wanted: Wanted, venues: readonly ListedVenue[]): string {
  for (const { venue, listed } of venues) {
    const refused = listed.refused.find(
      ({ venueSymbol }) => lettersOf(venueSymbol) === lettersOf(wanted.symbol),
    );
    if (refused !== undefined) return `cannot be used at ${venue}: ${refused.message}`;
  }
  const nearby = nearbyOf(wanted, venues);
  const hint = nearby.length === 0 ? '' : `; there are ${nearby.join(', ')}`;
  return `is not listed by ${namesOf(venues)}${hint}`;
}

/** Same base first, then bases that begin alike. */
function nearbyOf(wanted: Wanted, venues: readonly ListedVenue[]): string[] {
  const base = wanted.base.toUpperCase();
  const start = base.slice(0, 2);
  const nearby: { readonly text: string; readonly rank: number }[] = [];
  for (const { venue, listed } of venues) {
    for (const instrument of listed.instruments) {
      const other = instrument.base.toUpperCase();
      const rank = other === base ? 0 : other.startsWith(start) ? 1 : 2;
      if (rank < 2 || listed.instruments.length <= NEARBY_MAX)
        nearby.push({ text: `${venue}:${instrument.symbol}`, rank });
    }
  }
  nearby.sort((a, b) => a.rank - b.rank);
  return nearby.slice(0, NEARBY_MAX).map(({ text }) => text);
}

/** BTC-USD and BTC/USD are the same letters. */
function lettersOf(symbol: string): string {
  return symbol.replaceAll(/[^A-Za-z0-9]/g, '').toUpperCase();
}

function isDollar(currency: string): boolean {
  return DOLLARS.some((one) => one === currency);
}

function isSame(a: Instrument, b: Instrument): boolean {
  return a.venue === b.venue && a.symbol === b.symbol;
}

function namesOf(venues: readonly ListedVenue[]): string {
  return venues.map(({ venue }) => venue).join(', ');
}
