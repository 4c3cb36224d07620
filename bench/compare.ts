/**
 * compare: from the samples of all rounds to what a bench prints: median, spread, and ratios to the peers that were
 * measured in the same run. Pure.
 */

/** One measured value of one round. */
export interface Sample {
  /** Whose: `tickwire` (or `tickwire …` for variants of ours), else the peer's name. */
  readonly who: string;
  /** What was measured; samples of one `what` are compared with each other. */
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  /** For plots; left out of tables. */
  readonly isDetail?: boolean;
}

/** One line of `--json`. */
export interface CaseResult {
  readonly bench: string;
  readonly case: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
  /** Ours divided by the peer's, medians; only in our own cases. */
  readonly ratioTo: Readonly<Record<string, number>>;
}

const OURS = 'tickwire';

/** In the order in which the cases first appeared. */
export function compare(bench: string, samples: readonly Sample[]): CaseResult[] {
  const cases = new Map<string, Sample[]>();
  for (const sample of samples) {
    const name = caseName(sample);
    const of = cases.get(name);
    if (of === undefined) cases.set(name, [sample]);
    else of.push(sample);
  }
  const medians = new Map(
    [...cases].map(([name, of]) => [name, median(of.map(({ value }) => value))]),
  );
  return [...cases].map(([name, of]) => {
    const first = of[0] as Sample;
    const values = of.map(({ value }) => value);
    const ours = medians.get(name) ?? Number.NaN;
    const ratioTo: Record<string, number> = {};
    if (isOurs(first.who)) {
      for (const [peerName, [peer]] of cases) {
        if (
          peer === undefined ||
          isOurs(peer.who) ||
          peer.what !== first.what ||
          peer.unit !== first.unit
        )
          continue;
        ratioTo[peer.who] = rounded(ours / (medians.get(peerName) ?? Number.NaN));
      }
    }
    return {
      bench,
      case: name,
      unit: first.unit,
      median: rounded(ours),
      min: rounded(Math.min(...values)),
      max: rounded(Math.max(...values)),
      rounds: values.length,
      ratioTo,
    };
  });
}

/** A table for people: cases in rows. */
export function formatTable(results: readonly CaseResult[]): string {
  const rows = results.map((one) => [
    one.case,
    String(one.median),
    `${one.min} .. ${one.max}`,
    one.unit,
    Object.entries(one.ratioTo)
      .map(([peer, ratio]) => `${ratio}x ${peer}`)
      .join(', '),
  ]);
  const all = [['case', 'median', 'min .. max', 'unit', 'ours / peer'], ...rows];
  const widths =
    all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Of a list in any order; between two values the mean of both for the median, the lower one otherwise. */
export function quantile(values: readonly number[], fraction: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  if (fraction === 0.5 && sorted.length % 2 === 0) {
    const middle = sorted.length / 2;
    return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  }
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

function caseName({ who, what }: Sample): string {
  return `${who} ${what}`;
}

function isOurs(who: string): boolean {
  return who === OURS || who.startsWith(`${OURS} `);
}

/** Four digits are more than any of this deserves. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
