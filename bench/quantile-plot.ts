/**
 * quantile-plot: latency distributions as one SVG: percentiles on the x axis, stretched towards the tail (each step is a
 * tenth of the rest), nanoseconds on a logarithmic y axis. Plain text, no library, light and dark by the reader's choice.
 */

export interface Curve {
  readonly name: string;
  readonly isOurs: boolean;
  readonly points: readonly { readonly percent: number; readonly ns: number }[];
}

export interface QuantilePlot {
  readonly title: string;
  readonly subtitle: string;
  readonly curves: readonly Curve[];
}

const WIDTH = 900;
const HEIGHT = 520;
const LEFT = 70;
const RIGHT = 220;
const TOP = 64;
const BOTTOM = 46;
const LABEL_LINE = 15;
const PERCENTS = [10, 25, 50, 75, 90, 99, 99.9];
/** Told apart by people who do not see all colours (Okabe and Ito), ours first. */
const OURS = ['#d55e00', '#e69f00', '#b8860b'];
const PEERS = [
  '#0072b2',
  '#009e73',
  '#56b4e9',
  '#cc79a7',
  '#999999',
  '#7a6fac',
  '#8c6d31',
  '#2f8f8f',
  '#a0522d',
];

export function quantileCurves({ title, subtitle, curves }: QuantilePlot): string {
  const all = curves.flatMap(({ points }) => points.map(({ ns }) => ns));
  const low = 10 ** Math.floor(Math.log10(Math.min(...all)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...all)));
  const x = (percent: number): number =>
    LEFT + (place(percent) / place(99.9)) * (WIDTH - LEFT - RIGHT);
  const y = (ns: number): number =>
    HEIGHT - BOTTOM - (Math.log10(ns / low) / Math.log10(high / low)) * (HEIGHT - TOP - BOTTOM);
  const colors = colorsOf(curves);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#222}.t{font-size:16px;font-weight:600}.g{stroke:#ddd}' +
      'rect{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#444}rect{fill:#161616}}</style>',
    `<rect width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="t" x="${LEFT}" y="24">${escaped(title)}</text>`,
    `<text x="${LEFT}" y="44">${escaped(subtitle)}</text>`,
    ...decades(low, high).flatMap((ns) => [
      `<line class="g" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(ns))}" y2="${round(y(ns))}"/>`,
      `<text x="${LEFT - 8}" y="${round(y(ns) + 4)}" text-anchor="end">${timeText(ns)}</text>`,
    ]),
    ...PERCENTS.flatMap((percent) => [
      `<line class="g" y1="${TOP}" y2="${HEIGHT - BOTTOM}" x1="${round(x(percent))}" x2="${round(x(percent))}"/>`,
      `<text x="${round(x(percent))}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">p${percent}</text>`,
    ]),
    ...curves.map(({ points, isOurs }, index) => {
      const path = points
        .map(({ percent, ns }) => `${round(x(percent))},${round(y(ns))}`)
        .join(' ');
      return `<polyline points="${path}" fill="none" stroke="${colors[index] ?? ''}" stroke-width="${isOurs ? 3 : 1.6}"/>`;
    }),
    ...labels(curves, y).map(({ index, name, at }) => {
      const style = `fill:${colors[index] ?? ''};font-weight:600`;
      return `<text x="${WIDTH - RIGHT + 8}" y="${round(at + 4)}" style="${style}">${escaped(name)}</text>`;
    }),
    '</svg>',
    '',
  ].join('\n');
}

/** 0 at p0, then one step per nine: p90 at 1, p99 at 2. The median gets room of its own. */
function place(percent: number): number {
  return percent / 100 - Math.log10(1 - percent / 100);
}

function decades(low: number, high: number): readonly number[] {
  const count = Math.round(Math.log10(high / low));
  return Array.from({ length: count + 1 }, (_, step) => low * 10 ** step);
}

function colorsOf(curves: readonly Curve[]): readonly string[] {
  let ours = 0;
  let peers = 0;
  return curves.map(({ isOurs }) =>
    isOurs ? (OURS[ours++ % OURS.length] ?? '') : (PEERS[peers++ % PEERS.length] ?? ''),
  );
}

/** Beside the end of each curve, pushed apart where they would overlap. */
function labels(
  curves: readonly Curve[],
  y: (ns: number) => number,
): readonly { readonly index: number; readonly name: string; readonly at: number }[] {
  const wanted = curves
    .map(({ name, points }, index) => ({ index, name, at: y(points.at(-1)?.ns ?? 1) }))
    .sort((a, b) => a.at - b.at);
  let above = Number.NEGATIVE_INFINITY;
  return wanted.map(({ index, name, at }) => {
    above = Math.max(at, above + LABEL_LINE);
    return { index, name, at: above };
  });
}

function timeText(ns: number): string {
  if (ns >= 1e6) return `${ns / 1e6} ms`;
  return ns >= 1e3 ? `${ns / 1e3} µs` : `${ns} ns`;
}

function round(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
