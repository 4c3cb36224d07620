/**
 * naive-fair-price: the twin of domain/fair-price.ts, from docs/fair-price.md: BigInt and lists, nothing reused, the centre
 * found from the corners of the pull instead of by halving.
 */

export interface NaiveSource {
  readonly kind: 'spot' | 'perpetual';
  readonly priceScale: number;
  readonly sizeScale: number;
  /** Price of the quote currency in USD at scale 9, its confidence and oldest time; null: none. */
  readonly rate: { price: bigint; confidencePpm: bigint; oldestNs: number } | 'USD' | null;
  readonly bid: number;
  readonly ask: number;
  readonly depth: number;
  readonly bookNs: number;
  readonly isFresh: boolean;
}

export interface NaiveConfig {
  readonly ageMaxMs: number;
  readonly spreadMaxBps: number;
  readonly spreadHalfBps: number;
  readonly depthHalfUsd: number;
  readonly perpetualPercent: number;
  readonly outlierMinBps: number;
  readonly outlierMaxBps: number;
  readonly outlierMads: number;
  readonly kneeBps: number;
  readonly agreeHalfBps: number;
}

export interface NaiveFair {
  readonly price: bigint;
  readonly low: bigint;
  readonly high: bigint;
  readonly oldestNs: number;
  readonly confidencePpm: number;
  readonly used: number[];
  readonly stale: number[];
  readonly outlier: number[];
  readonly unpriced: number[];
  readonly reason: 'OK' | 'FAIR_NO_PRICE' | 'FAIR_UNPRICED' | 'FAIR_DISAGREE';
}

interface Candidate {
  readonly place: number;
  readonly price: bigint;
  readonly weight: number;
  readonly voicePpm: number;
  readonly kindPpm: number;
  readonly ns: number;
}

const UNIT = 10n ** 9n;

export function naiveFairPrice(
  sources: readonly NaiveSource[],
  nowNs: number,
  config: NaiveConfig,
): NaiveFair {
  const stale: number[] = [];
  const unpriced: number[] = [];
  const candidates: Candidate[] = [];
  sources.forEach((source, place) => {
    const ageUs = Math.max(0, Math.floor((nowNs - source.bookNs) / 1000));
    if (!source.isFresh || ageUs > config.ageMaxMs * 1000) stale.push(place);
    else if (source.rate === null) unpriced.push(place);
    else {
      const price = usdPrice(source, config);
      if (price !== null) candidates.push(candidateOf(source, place, price, ageUs, config));
    }
  });
  const nothing = {
    ...{ price: 0n, low: 0n, high: 0n, oldestNs: 0, confidencePpm: 0 },
    ...{ used: [], stale, outlier: [], unpriced },
  };
  if (candidates.length === 0) {
    return { ...nothing, reason: unpriced.length > 0 ? 'FAIR_UNPRICED' : 'FAIR_NO_PRICE' };
  }
  const center = median(candidates.map(({ price }) => price));
  const distanceOf = ({ price }: Candidate): bigint =>
    price > center ? price - center : center - price;
  const share = (bps: number): bigint => (center * BigInt(bps)) / 10_000n;
  const mad = median(candidates.map(distanceOf));
  const wanted = mad * BigInt(config.outlierMads);
  const least = share(config.outlierMinBps);
  const most = share(config.outlierMaxBps);
  const band = wanted < least ? least : wanted > most ? most : wanted;
  const used = candidates.filter((one) => distanceOf(one) <= band);
  const outlier = candidates.filter((one) => distanceOf(one) > band);
  const placesOf = (list: readonly Candidate[]): number[] => list.map(({ place }) => place);
  if (used.length * 2 <= candidates.length) {
    return { ...nothing, outlier: placesOf(candidates), reason: 'FAIR_DISAGREE' };
  }
  const prices = used.map(({ price }) => price).sort(ascending);
  const usedCenter = median(prices);
  const knee = (usedCenter * BigInt(config.kneeBps)) / 10_000n;
  return {
    price: pointOfRest(used, knee < 1n ? 1n : knee),
    low: prices[0] ?? 0n,
    high: prices.at(-1) ?? 0n,
    oldestNs: Math.min(...used.map(({ ns }) => ns)),
    confidencePpm: confidenceOf(
      used,
      used.map(({ price }) => (price > usedCenter ? price - usedCenter : usedCenter - price)),
      usedCenter,
      used.length / candidates.length,
      config,
    ),
    ...{ used: placesOf(used), stale, outlier: placesOf(outlier), unpriced },
    reason: 'OK',
  };
}

/** The mid, exact, rounded half to even; then times the rate, rounded again. */
function usdPrice(source: NaiveSource, config: NaiveConfig): bigint | null {
  const bid = BigInt(source.bid);
  const ask = BigInt(source.ask);
  if (bid <= 0n || ask <= bid) return null;
  if ((ask - bid) * 20_000n > BigInt(config.spreadMaxBps) * (bid + ask)) return null;
  const top = (bid + ask) * UNIT;
  let price = halfEven(top, 2n * 10n ** BigInt(source.priceScale));
  if (source.rate !== 'USD' && source.rate !== null)
    price = halfEven(price * source.rate.price, UNIT);
  return price === 0n ? null : price;
}

function candidateOf(
  source: NaiveSource,
  place: number,
  price: bigint,
  ageUs: number,
  config: NaiveConfig,
): Candidate {
  const kindPpm = source.kind === 'spot' ? 1_000_000 : config.perpetualPercent * 10_000;
  const halfUs = Math.ceil((config.ageMaxMs * 1000) / 5);
  const freshPpm = Math.floor((halfUs * 1_000_000) / (halfUs + ageUs));
  const rate = source.rate === 'USD' ? null : source.rate;
  const ratePpm = rate === null ? 1_000_000 : (1_000_000 + Number(rate.confidencePpm)) / 2;
  const times = (a: number, ppm: number): number => Math.floor((a * ppm) / 1_000_000);
  const voicePpm = times(times(kindPpm, freshPpm), ratePpm);
  const spreadPpm = ((source.ask - source.bid) / (source.ask + source.bid)) * 2_000_000;
  const spreadHalf = config.spreadHalfBps * 100;
  const tightPpm = Math.floor((spreadHalf * 1_000_000) / (spreadHalf + spreadPpm));
  const usd = (source.depth / 10 ** source.sizeScale) * (Number(price) / 1e9);
  const depthPpm = 200_000 + Math.floor((800_000 * usd) / (usd + config.depthHalfUsd));
  return {
    place,
    price,
    kindPpm,
    voicePpm,
    weight: Math.max(1, times(times(voicePpm, tightPpm), depthPpm)),
    ns: rate === null ? source.bookNs : Math.min(source.bookNs, rate.oldestNs),
  };
}

/** Where the sum of weight × (distance, cut at the knee) is 0: from its corners, between which it is a straight line. */
function pointOfRest(used: readonly Candidate[], knee: bigint): bigint {
  const pull = (price: bigint): bigint =>
    used.reduce((sum, one) => {
      const distance = price - one.price;
      const cut = distance > knee ? knee : distance < -knee ? -knee : distance;
      return sum + BigInt(one.weight) * cut;
    }, 0n);
  const corners = used.flatMap(({ price }) => [price - knee, price + knee]).sort(ascending);
  const rests = corners.filter((corner) => pull(corner) === 0n);
  const [first, last] = [rests[0], rests.at(-1)];
  const prices = used.map(({ price }) => price).sort(ascending);
  const [low, high] = [prices[0] ?? 0n, prices.at(-1) ?? 0n];
  if (first !== undefined && last !== undefined) {
    const from = first < low ? low : first;
    const to = last > high ? high : last;
    return from + (to - from) / 2n;
  }
  const after = corners.findIndex((corner) => pull(corner) > 0n);
  const [a, b] = [corners[after - 1] ?? 0n, corners[after] ?? 0n];
  const [pullA, pullB] = [pull(a), pull(b)];
  // a + (b - a) × -pullA / (pullB - pullA), rounded down; pullA < 0 < pullB.
  return a + ((b - a) * -pullA) / (pullB - pullA);
}

function confidenceOf(
  used: readonly Candidate[],
  distances: readonly bigint[],
  center: bigint,
  share: number,
  config: NaiveConfig,
): number {
  const voices = used.reduce((sum, one) => sum + one.voicePpm, 0);
  const hundredths = Math.min(1000, Math.floor(voices / 10_000));
  const countPpm = Math.floor((hundredths ** 3 * 1e6) / (hundredths ** 3 + 3e6));
  const kinds = used.reduce((sum, one) => sum + one.kindPpm, 0);
  const apart = used.reduce(
    (sum, one, index) =>
      sum + one.kindPpm * Math.floor((Number(distances[index]) / Number(center)) * 1e6),
    0,
  );
  const half = config.agreeHalfBps * 100;
  const agreePpm = Math.floor((half * 1e6) / (half + Math.floor(apart / kinds)));
  const sharePpm = Math.floor(share * 1e6 + 1e-9);
  const times = (a: number, ppm: number): number => Math.floor((a * ppm) / 1e6);
  return times(times(countPpm, agreePpm), sharePpm);
}

function median(values: readonly bigint[]): bigint {
  const sorted = [...values].sort(ascending);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0n;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0n) + upper) / 2n;
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function halfEven(top: bigint, bottom: bigint): bigint {
  const whole = top / bottom;
  const twice = 2n * (top % bottom);
  if (twice > bottom || (twice === bottom && whole % 2n === 1n)) return whole + 1n;
  return whole;
}
