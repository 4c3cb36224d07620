/**
 * dashboard: the engine on one screen. Runs in the browser; one WebSocket tells the latest state of each topic, buttons speak
 * HTTP (docs/control-api.md). No build: this file is served as it is.
 *
 * The key comes from the fragment of the URL (#key=…, never sent to a server by the browser) or is asked for; it stays in
 * this tab. Numbers are text on the wire; they become floats here for drawing and rounding only. No price without its age.
 */
import uPlot from '/uplot.js';

const SAMPLE_MS = 250;
const POINTS_MAX = 2400;
/** A longer silence in the prices is drawn as a hole. */
const HOLE_MS = 1500;
const FILLS_SHOWN = 100;
const LEVELS_SHOWN = 7;
/** Fewer than two fresh sources that agree. */
const CONFIDENCE_LOW = 0.5;
/** By place of the venue in the run. */
const LINES = ['#5aa9ff', '#b48cff', '#e8c33d', '#ff8a5c', '#4fd1c5', '#f277c6', '#9ccc65'];
/** A young run does not sit in the corner of an empty chart. */
const SHOWN_SEC_MIN = 20;
const SILENCE_MS = 5000;
const RETRY_MS = [250, 500, 1000, 2000, 3000];
const SURE_MS = 3000;
const CLOSE_UNAUTHORIZED = 4401;

const $ = (id) => document.getElementById(id);

const state = {
  key: keyOfFragment() ?? sessionStorage.getItem('key') ?? '',
  socket: null,
  retry: 0,
  heardMs: 0,
  trading: { state: 'Starting', reason: 'OK' },
  info: null,
  markets: [],
  fairs: [],
  feeds: [],
  instrument: null,
  /** What the venues table was built for, and its boxes by asset, instrument and venue. */
  matrixKey: '',
  matrix: { assets: new Map(), quotes: new Map(), venues: new Map() },
  windowSec: 300,
  /** Prices by instrument, fair prices by asset, and by asset how far each of its instruments was off. */
  points: new Map(),
  fairPoints: new Map(),
  offs: new Map(),
  fills: [],
  orders: [],
  isDrawing: false,
};

const chart = makeChart();
let spreadChart = null;
listen();
connect();

/* ---- connection ------------------------------------------------------------------------------------------------- */

function keyOfFragment() {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key === null) return null;
  // Out of sight and out of the history; kept for reloads of this tab.
  history.replaceState(null, '', location.pathname);
  sessionStorage.setItem('key', key);
  return key;
}

function connect() {
  if (state.key === '') {
    askForKey(false);
    return;
  }
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${location.host}/v1/stream`);
  state.socket = socket;
  socket.onopen = () => socket.send(JSON.stringify({ key: state.key }));
  socket.onmessage = (event) => {
    state.heardMs = Date.now();
    const message = JSON.parse(event.data);
    topics[message.topic]?.(message.data);
  };
  socket.onclose = (event) => {
    if (state.socket !== socket) return;
    state.socket = null;
    if (event.code === CLOSE_UNAUTHORIZED) {
      state.key = '';
      sessionStorage.removeItem('key');
      askForKey(true);
      return;
    }
    lose(event.reason);
  };
}

/** Shows that nothing on the page is true any more, and tries again. */
function lose(reason) {
  const waitMs = RETRY_MS[Math.min(state.retry, RETRY_MS.length - 1)];
  state.retry++;
  document.body.dataset.connection = 'lost';
  $('lost').hidden = false;
  const since = state.heardMs === 0 ? '' : ` What you see is from ${clockText(state.heardMs)}.`;
  $('lost-text').textContent = `${reason === '' ? '' : `${reason}. `}Trying again …${since}`;
  setButtons();
  setTimeout(connect, waitMs);
}

function found() {
  state.retry = 0;
  document.body.dataset.connection = 'open';
  $('lost').hidden = true;
  setButtons();
}

function askForKey(wasWrong) {
  document.body.dataset.connection = 'locked';
  $('ask-error').hidden = !wasWrong;
  if (!$('ask').open) $('ask').showModal();
}

/* ---- topics ----------------------------------------------------------------------------------------------------- */

const topics = {
  hello(info) {
    state.info = info;
    state.fills = [];
    found();
    $('mode').textContent = info.mode;
    $('mode').dataset.mode = info.mode;
    const venues = info.venues.length > 2 ? `${info.venues.length} venues` : info.venues.join(', ');
    $('run').textContent = `run ${info.run} · ${venues} · ${info.threads}`;
    $('run').title =
      `tickwire ${info.version}, venues: ${info.venues.join(', ')}, strategies: ${info.strategies.join(', ')}, wait: ${info.wait}`;
  },

  history({ mids, fairs }) {
    for (const series of [state.points, state.fairPoints, state.offs]) series.clear();
    for (const { instrumentIndex, samples } of mids) {
      const points = pointsOf(state.points, instrumentIndex);
      for (const [ms, mid] of samples) addPoint(points, ms, Number(mid));
    }
    for (const { asset, samples } of fairs) {
      const points = pointsOf(state.fairPoints, asset);
      for (const [ms, price] of samples) addPoint(points, ms, Number(price));
    }
    state.history = { mids, fairs };
    drawCharts();
  },

  market(markets) {
    state.markets = markets;
    if (state.instrument === null && markets.length > 0) {
      state.instrument = markets[0].instrumentIndex;
    }
    for (const market of markets) {
      if (market.mid === null || market.isStale) continue;
      sample(pointsOf(state.points, market.instrumentIndex), Number(market.mid));
    }
    recallOffs();
    showMatrix();
    showMarket();
    drawCharts();
  },

  fair(fairs) {
    state.fairs = fairs;
    for (const { asset, price, sources } of fairs) {
      if (price === null) continue;
      sample(pointsOf(state.fairPoints, asset), Number(price));
      const offs = offsOf(asset);
      for (const source of sources) {
        // What takes no part has no line, except an outlier: that is what one wants to see.
        const isShown = source.state === 'used' || source.state === 'outlier';
        if (isShown && source.offBps !== null)
          sample(pointsOf(offs, source.instrumentIndex), source.offBps);
      }
    }
    showMatrix();
    drawCharts();
  },

  feeds(feeds) {
    state.feeds = feeds;
    showMatrix();
  },

  positions({ positions, portfolio }) {
    showPortfolio(positions, portfolio);
    const shown = positions.filter((one) => one.size !== '0' || one.fillCount > 0);
    rows('positions', shown, 'Nothing is held.', (position) => [
      instrumentCell(position),
      number(position.size),
      number(
        position.size === '0'
          ? '–'
          : padded(position.avgEntryPrice, scaleOf(position.instrumentIndex)),
      ),
      priceOf(position),
      number(position.priceAgeMs === null ? '' : ageText(position.priceAgeMs)),
      signed(position.unrealizedPnl),
      signed(position.realizedPnl),
      number(money(position.fees)),
      number(grouped(String(position.fillCount))),
    ]);
  },

  orders(orders) {
    state.orders = orders;
    showOrders();
  },

  fills(fills) {
    state.fills.push(...fills);
    state.fills = state.fills.slice(-1000);
    rows('fills', state.fills.slice(-FILLS_SHOWN).reverse(), 'No fill yet.', (fill) => [
      cell(clockText(msOf(fill.appliedNs))),
      instrumentCell(fill),
      side(fill.side),
      number(padded(fill.price, scaleOf(fill.instrumentIndex))),
      number(fill.size),
      number(money(fill.fee)),
      cell(fill.isMaker ? 'maker' : 'taker', 'dim'),
    ]);
    $('fills-count').textContent = grouped(String(state.fills.length));
    drawCharts();
  },

  status(status) {
    state.trading = status.trading;
    showTrading();
    showCounters(status.counters, status.refusals);
    showRoles(status.roles);
  },

  latency(latency) {
    rows('latency', Object.entries(HOPS), '', ([name, label]) => {
      const hop = latency[name] ?? { count: 0 };
      const values =
        hop.count === 0 ? ['–', '–', '–'] : [hop.p50, hop.p99, hop.p999].map(microsText);
      return [
        cell(label, hop.count === 0 ? 'dim' : '', `${grouped(String(hop.count))} measured`),
        ...values.map((text) => number(text)),
      ];
    });
  },
};

const HOPS = {
  tickToOrder: 'tick to order',
  decode: 'decode',
  tickToSignal: 'tick to strategy',
  strategy: 'strategy',
  ringHop: 'ring hop',
  risk: 'risk and core',
  sign: 'sign',
  orderAck: 'order to answer',
  journalCommit: 'journal commit',
};

/** What stands in the counters panel; `bad`: anything above zero deserves a look. */
const COUNTERS = [
  ['ticksReceived', 'ticks in'],
  ['ticksPublished', 'published'],
  ['intentsEmitted', 'intents'],
  ['intentsApproved', 'approved'],
  ['intentsRefused', 'refused'],
  ['ordersSent', 'orders sent'],
  ['ordersFilled', 'filled'],
  ['ordersCanceled', 'cancelled'],
  ['ordersRejected', 'rejected', 'bad'],
  ['ordersUnknown', 'unknown', 'bad'],
  ['fillsApplied', 'fills'],
  ['journalRecords', 'journalled'],
  ['ticksRejected', 'bad frames', 'bad'],
  ['feedGaps', 'feed gaps', 'bad'],
  ['ticksLapped', 'lapped', 'bad'],
  ['feedDisconnects', 'feed lost', 'bad'],
  ['discrepancies', 'discrepancies', 'bad'],
  ['eventRingFullWaits', 'journal waits', 'bad'],
];

/* ---- panels ----------------------------------------------------------------------------------------------------- */

function showTrading() {
  const { state: name, reason } = state.trading;
  $('trading').dataset.state = name;
  $('trading-state').textContent = name;
  $('trading-reason').textContent = reason === 'OK' ? '' : reason;
  setButtons();
}

function setButtons() {
  const isOpen = document.body.dataset.connection === 'open';
  $('halt').disabled = !isOpen || state.trading.state === 'Halted';
  $('resume').disabled = !isOpen || state.trading.state !== 'Halted';
}

function showPortfolio(positions, portfolio) {
  if (portfolio === null) return;
  for (const field of ['equity', 'cash', 'exposure']) {
    $(field).textContent = money(portfolio[field]);
    const age =
      portfolio.priceAgeMs === null ? '' : `, prices ${ageText(portfolio.priceAgeMs)} old`;
    $(field).title =
      `${portfolio[field]} ${portfolio.currency}, told ${ageText(portfolio.ageMs)} ago${age}`;
    // What is held has no fresh price: these are of the last one.
    $(field).classList.toggle('stale', portfolio.isStale && field !== 'cash');
  }
  const result = positions.reduce(
    (sum, position) =>
      sum +
      Number(position.realizedPnl) +
      Number(position.unrealizedPnl ?? 0) -
      Number(position.fees),
    0,
  );
  $('currency').textContent = portfolio.currency;
  $('result').textContent = `${result > 0 ? '+' : ''}${money(String(result))}`;
  $('result').className = result === 0 ? '' : result > 0 ? 'up' : 'down';
}

/** Builds the table when there is something new to hold, and fills it in place, so that clicks meet what they aim at. */
function showMatrix() {
  const venues = state.info?.venues ?? [];
  const assets = assetsShown();
  const key = JSON.stringify([venues, assets, state.markets.map((one) => one.instrumentIndex)]);
  if (key !== state.matrixKey) {
    state.matrixKey = key;
    buildMatrix(venues, assets);
  }
  for (const [venue, box] of state.matrix.venues) fillVenue(box, feedOf(venue));
  const instrument = marketOf(state.instrument);
  for (const [asset, box] of state.matrix.assets) {
    fillAsset(box, fairOf(asset));
    box.line.classList.toggle('on', instrument?.base === asset);
  }
  for (const [index, box] of state.matrix.quotes) {
    const market = marketOf(index);
    if (market === undefined) continue;
    const source = fairOf(market.base)?.sources.find((one) => one.instrumentIndex === index);
    fillQuote(box, market, source);
    box.root.classList.toggle('on', index === state.instrument);
  }
}

/** Coins first, then the currencies that they are quoted in. */
function assetsShown() {
  const bases = [...new Set(state.markets.map(({ base }) => base))];
  const quotes = new Set(state.markets.map(({ quote }) => quote));
  return [
    ...bases.filter((base) => !quotes.has(base)),
    ...bases.filter((base) => quotes.has(base)),
  ];
}

function buildMatrix(venues, assets) {
  const matrix = { assets: new Map(), quotes: new Map(), venues: new Map() };
  state.matrix = matrix;
  $('venues').parentElement.style.setProperty('--venues', String(venues.length));
  $('venues-head').replaceChildren(
    make('th', '', make('span', 'dim', 'asset, fair price in USD')),
    ...venues.map((venue) => {
      const button = make('button', '', 'reconnect');
      button.type = 'button';
      button.onclick = () => command(`feeds/${venue}/reconnect`, `${venue} is dialled.`);
      const why = make('small', '');
      const root = make('div', 'venue', make('i', ''), make('span', '', venue), why, button);
      matrix.venues.set(venue, { root, why, button });
      return make('th', '', root);
    }),
  );
  $('venues').replaceChildren(
    ...assets.map((asset) => {
      const price = make('span', 'price');
      const bar = make('i', '');
      const confidence = make('span', '');
      const age = make('span', '');
      const line = document.createElement('tr');
      const conf = make('div', 'conf', bar, confidence, age);
      matrix.assets.set(asset, { line, price, conf, bar, confidence, age });
      line.append(
        make('td', '', make('div', 'asset', make('b', '', asset), price), conf),
        ...venues.map((venue) =>
          make(
            'td',
            '',
            ...state.markets
              .filter((market) => market.venue === venue && market.base === asset)
              .map((market) => buildQuote(matrix, market)),
          ),
        ),
      );
      line.onclick = (event) => {
        const wanted = event.target.closest('.quote')?.dataset.instrument;
        const first = state.markets.find((market) => market.base === asset);
        select(wanted === undefined ? first?.instrumentIndex : Number(wanted));
      };
      return line;
    }),
  );
}

function buildQuote(matrix, market) {
  const parts = {};
  for (const [name, className] of [
    ['bid', 'up'],
    ['ask', 'down'],
    ['spread', ''],
    ['off', ''],
    ['age', 'age'],
    ['marks', 'marks'],
    ['bad', 'bad'],
    ['why', 'bad why'],
  ])
    parts[name] = make('span', className);
  parts.root = make(
    'div',
    'quote',
    make('div', 'top', parts.bid, parts.ask),
    make('div', 'more', parts.spread, parts.off, parts.age, make('span', '', market.quote)),
    parts.marks,
    parts.bad,
    parts.why,
  );
  parts.root.dataset.instrument = String(market.instrumentIndex);
  matrix.quotes.set(market.instrumentIndex, parts);
  return parts.root;
}

function fillVenue({ root, why, button }, feed) {
  root.dataset.state = feed?.state ?? 'Disconnected';
  const isUp = feed?.state === 'Connected';
  const breaker =
    feed === undefined || feed.breaker === 'Closed' ? '' : `, circuit ${feed.breaker}`;
  why.textContent = isUp && breaker === '' ? '' : `${feed?.state ?? 'unknown'}${breaker}`;
  why.hidden = why.textContent === '';
  button.hidden = isUp || feed === undefined;
  root.title =
    feed === undefined
      ? ''
      : `${feed.state}, circuit ${feed.breaker}, ${feed.failureCount} failures in a row, ` +
        `${feed.dialCount} dials, ${feed.reason}`;
}

function fillAsset({ price, conf, bar, confidence, age }, fair) {
  const hasPrice = fair !== undefined && fair.price !== null;
  price.classList.toggle('none', !hasPrice);
  price.textContent = hasPrice ? fairText(fair.price) : (fair?.reason ?? 'FAIR_NO_PRICE');
  price.title = hasPrice
    ? `${fair.price} USD, from ${fairText(fair.low)} to ${fairText(fair.high)}; ` +
      `oldest price in it ${ageText(fair.oldestMs)}`
    : '';
  const sure = fair?.confidence ?? 0;
  conf.classList.toggle('low', sure < CONFIDENCE_LOW);
  bar.style.backgroundSize = `${(sure * 100).toFixed(0)}% 100%`;
  confidence.textContent = sure.toFixed(2);
  confidence.title = 'confidence, from 0 to 1';
  const usedCount = fair?.sources.filter((one) => one.state === 'used').length ?? 0;
  age.textContent = hasPrice
    ? `${usedCount} of ${fair.sources.length} · ${ageText(fair.oldestMs)}`
    : `0 of ${fair?.sources.length ?? 0}`;
  age.title = 'sources that took part, and the age of the oldest';
}

/** What a quote is: stale by its own market at once, the rest by the last fair price, to which a quiet book is too old. */
function quoteStateOf(market, source) {
  if (market.isStale) return 'stale';
  return source?.state === 'stale' ? 'old' : (source?.state ?? 'used');
}

function fillQuote(parts, market, source) {
  const quoteState = quoteStateOf(market, source);
  parts.root.dataset.state = quoteState;
  parts.bid.textContent = market.bid === null ? '–' : padded(market.bid, market.priceScale);
  parts.ask.textContent = market.ask === null ? '–' : padded(market.ask, market.priceScale);
  parts.spread.textContent = spreadText(market);
  const off = source?.offBps ?? null;
  parts.off.textContent = off === null ? '' : `${off > 0 ? '+' : ''}${off.toFixed(1)}`;
  parts.age.textContent = market.bookAgeMs === null ? 'never' : ageText(market.bookAgeMs);
  parts.marks.textContent = market.kind === 'perpetual' ? perpetualText(market) : '';
  parts.bad.textContent = badText(quoteState, market, off);
  parts.why.textContent = market.isStale ? market.staleReason : '';
  parts.root.title =
    `${market.symbol} at ${market.venue}: ${market.gapCount} gaps, ` +
    `${market.recoveryCount} recoveries` +
    (market.recoveryMs === null ? '' : `, the last in ${ageText(market.recoveryMs)}`);
}

/** Mark price with its age; funding stands in the panel of the market. */
function perpetualText(market) {
  if (market.markAgeMs === null || market.mark === null) return 'perp';
  return `perp ${shortPrice(market.mark)} · ${ageText(market.markAgeMs)}`;
}

function badText(quoteState, market, off) {
  switch (quoteState) {
    case 'stale':
      return `STALE ${ageText(market.staleMs)}`;
    case 'old':
      return `OLD ${ageText(market.bookAgeMs ?? 0)}`;
    case 'outlier':
      return `OUTLIER${off === null ? '' : ` ${off > 0 ? '+' : ''}${off.toFixed(0)} bps`}`;
    case 'unpriced':
      return `UNPRICED ${market.quote}`;
    case 'none':
      return market.bid === null || market.ask === null ? 'ONE SIDE' : 'NO PRICE';
    default:
      return '';
  }
}

function spreadText(market) {
  if (market.bid === null || market.ask === null) return '';
  const [bid, ask] = [Number(market.bid), Number(market.ask)];
  const bps = ((ask - bid) / (ask + bid)) * 20_000;
  return bps.toFixed(Math.abs(bps) < 1 ? 2 : 1);
}

function select(instrument) {
  if (instrument === undefined) return;
  state.instrument = instrument;
  showMatrix();
  showMarket();
  drawCharts();
}

function showMarket() {
  const market = marketOf(state.instrument);
  if (market === undefined) return;
  $('chart-title').textContent = `${market.symbol} at ${market.venue}`;
  $('market-title').textContent = `${market.symbol} · ${market.venue}`;
  $('last').textContent = market.last === null ? '–' : padded(market.last, market.priceScale);
  $('last-age').textContent = market.last === null ? '' : `traded ${ageText(market.lastAgeMs)} ago`;
  const levels = `${grouped(String(market.fullBidCount))} + ${grouped(String(market.fullAskCount))} levels`;
  $('spread').textContent =
    market.bid === null || market.ask === null
      ? ''
      : `spread ${spreadText(market)} bps · ${levels} · ${grouped(String(market.tradeCount))} trades`;
  $('marks').textContent = marksText(market);
  const feed = $('feed');
  feed.dataset.stale = String(market.isStale);
  feed.textContent = market.isStale
    ? `stale ${ageText(market.staleMs)}: ${market.staleReason}`
    : `fresh, ${ageText(market.bookAgeMs ?? 0)} old`;
  document.title = market.isStale
    ? `STALE · ${market.symbol} · tickwire`
    : `${grouped(market.mid ?? '')} · ${ageText(market.bookAgeMs ?? 0)} · tickwire`;
  showBook(market);
}

function marksText(market) {
  if (market.markAgeMs === null) return '';
  const parts = [];
  if (market.mark !== null) parts.push(`mark ${shortPrice(market.mark)}`);
  if (market.index !== null) parts.push(`index ${shortPrice(market.index)}`);
  if (market.funding !== null) parts.push(`funding ${(Number(market.funding) * 100).toFixed(4)} %`);
  return `${parts.join(' · ')} · ${ageText(market.markAgeMs)} old`;
}

function showBook(market) {
  const sizes = [...market.bids, ...market.asks].map((level) => Number(level[1]));
  const largest = Math.max(...sizes, 1e-12);
  const column = (side, kind) => {
    const levels = side.slice(0, LEVELS_SHOWN);
    const box = document.createElement('div');
    for (const [price, size] of levels) {
      const line = document.createElement('div');
      line.className = `level ${kind}`;
      const bar = document.createElement('i');
      bar.style.width = `${((Number(size) / largest) * 100).toFixed(1)}%`;
      const priceText = document.createElement('span');
      priceText.textContent = padded(price, market.priceScale);
      const sizeText = document.createElement('span');
      sizeText.className = 'size';
      sizeText.textContent = shortSize(size);
      line.append(bar, ...(kind === 'bid' ? [sizeText, priceText] : [priceText, sizeText]));
      box.append(line);
    }
    return box;
  };
  $('book').replaceChildren(column(market.bids, 'bid'), column(market.asks, 'ask'));
}

function showOrders() {
  $('orders-count').textContent = String(state.orders.length);
  rows('orders', state.orders, 'No open order.', (order) => [
    instrumentCell(order, order.clientOrderId ?? ''),
    side(order.side),
    number(order.price === null ? 'market' : padded(order.price, scaleOf(order.instrumentIndex))),
    number(`${order.filledSize} / ${order.size}`),
    cell(order.state, order.state === 'Unknown' ? 'warn' : '', order.reason),
    number(ageText(Date.now() - msOf(order.createdNs))),
  ]);
}

function showCounters(counters, refusals) {
  const entry = (label, value, isBad, title) => {
    const box = document.createElement('div');
    if (isBad && value > 0) box.className = 'warn';
    box.title = title;
    const name = document.createElement('dt');
    name.textContent = label;
    const count = document.createElement('dd');
    count.textContent = grouped(String(value));
    box.append(name, count);
    return box;
  };
  $('counters').replaceChildren(
    ...COUNTERS.map(([name, label, bad]) => entry(label, counters[name] ?? 0, bad === 'bad', name)),
  );
  $('refusals').replaceChildren(
    ...Object.entries(refusals)
      .sort((a, b) => b[1] - a[1])
      .map(([code, count]) => entry(code, count, false, code)),
  );
}

function showRoles(roles) {
  const bad = roles.filter((role) => role.state !== 'running' || role.beatAgeMs > 2000);
  const text = $('roles');
  text.textContent =
    bad.length === 0
      ? `${roles.length} roles running`
      : bad.map((role) => `${role.role} ${role.state}`).join(', ');
  text.className = bad.length === 0 ? 'dim' : 'dim down';
  text.title = roles
    .map((role) => `${role.role}: ${role.state}, beat ${role.beatAgeMs} ms ago`)
    .join('\n');
}

/* ---- chart ------------------------------------------------------------------------------------------------------ */

function pointsOf(series, key) {
  let points = series.get(key);
  if (points === undefined) {
    points = { ms: [], sec: [], mid: [] };
    series.set(key, points);
  }
  return points;
}

function offsOf(asset) {
  let offs = state.offs.get(asset);
  if (offs === undefined) {
    offs = new Map();
    state.offs.set(asset, offs);
  }
  return offs;
}

/** At most four a second. */
function sample(points, value) {
  const now = Date.now();
  if (now - (points.ms.at(-1) ?? 0) >= SAMPLE_MS) addPoint(points, now, value);
}

/** How far venues were off before this page was opened: from the prices so far, once it is known what is quoted in what. */
function recallOffs() {
  const { history } = state;
  if (history === undefined || state.markets.length === 0) return;
  state.history = undefined;
  const fairAt = new Map(
    history.fairs.map(({ asset, samples }) => [
      asset,
      new Map(samples.map(([ms, price]) => [ms, Number(price)])),
    ]),
  );
  for (const { instrumentIndex, samples } of history.mids) {
    const market = marketOf(instrumentIndex);
    const fair = fairAt.get(market?.base);
    if (market === undefined || fair === undefined) continue;
    const rates = fairAt.get(market.quote);
    const points = { ms: [], sec: [], mid: [] };
    for (const [ms, mid] of samples) {
      const rate = market.quote === 'USD' ? 1 : rates?.get(ms);
      const price = fair.get(ms);
      if (rate === undefined || price === undefined) continue;
      addPoint(points, ms, ((Number(mid) * rate) / price - 1) * 10_000);
    }
    offsOf(market.base).set(instrumentIndex, points);
  }
}

function addPoint(points, ms, mid) {
  const lastMs = points.ms.at(-1);
  if (lastMs !== undefined && ms <= lastMs) return;
  if (lastMs !== undefined && ms - lastMs > HOLE_MS) push(points, lastMs + 1, null);
  push(points, ms, mid);
}

function push(points, ms, mid) {
  points.ms.push(ms);
  points.sec.push(ms / 1000);
  points.mid.push(mid);
  if (points.ms.length > POINTS_MAX) {
    points.ms.shift();
    points.sec.shift();
    points.mid.shift();
  }
}

function makeChart() {
  const box = $('chart');
  const grid = { stroke: '#1a212b', width: 1 };
  const axis = { stroke: '#7d8896', grid, ticks: grid, font: '11px system-ui' };
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: box.clientHeight,
      padding: [10, 0, 0, 26],
      legend: { show: false },
      cursor: { points: { show: false } },
      scales: { x: { time: true, range: () => xRange() }, y: { range: () => yRange() } },
      axes: [
        {
          ...axis,
          space: 90,
          size: 30,
          values: (_u, ticks) => ticks.map((sec) => clockText(sec * 1000)),
        },
        {
          ...axis,
          side: 1,
          size: 76,
          space: 26,
          values: (_u, ticks) => ticks.map(hasPrices() ? priceTick : () => ''),
        },
      ],
      series: [
        {},
        { stroke: '#5aa9ff', width: 1.5, points: { show: false }, spanGaps: false },
        { stroke: '#c9d2de', width: 1, dash: [4, 3], points: { show: false }, spanGaps: false },
      ],
      hooks: { draw: [drawFills] },
    },
    [[], [], []],
    box,
  );
  keepSize(box, () => plot);
  keepSize($('spread-chart'), () => spreadChart?.plot);
  return plot;
}

function keepSize(box, plotOf) {
  new ResizeObserver(() => {
    plotOf()?.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(box);
}

/** One chart per asset: as many lines as it has instruments. */
function makeSpreadChart(asset, instruments) {
  spreadChart?.plot.destroy();
  const box = $('spread-chart');
  const grid = { stroke: '#1a212b', width: 1 };
  const axis = { stroke: '#7d8896', grid, ticks: grid, font: '11px system-ui' };
  const venues = state.info?.venues ?? [];
  const colors = instruments.map((index) => {
    const place = venues.indexOf(marketOf(index)?.venue);
    return LINES[Math.max(0, place) % LINES.length];
  });
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: box.clientHeight,
      padding: [10, 0, 0, 26],
      legend: { show: false },
      cursor: { points: { show: false } },
      scales: { x: { time: true, range: () => xRange() }, y: { range: () => offRange(asset) } },
      axes: [
        {
          ...axis,
          space: 90,
          size: 30,
          values: (_u, ticks) => ticks.map((sec) => clockText(sec * 1000)),
        },
        {
          ...axis,
          side: 1,
          size: 44,
          space: 22,
          values: (_u, ticks) => ticks.map((bps) => signedText(bps)),
        },
      ],
      series: [
        {},
        ...colors.map((stroke) => ({
          stroke,
          width: 1.5,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: { drawAxes: [drawZero] },
    },
    [[], ...colors.map(() => [])],
    box,
  );
  $('spread-title').textContent = `${asset} off fair, bps`;
  $('spread-legend').replaceChildren(
    ...instruments.map((index, place) => legendKey(marketOf(index), colors[place])),
  );
  return { plot, asset, key: instruments.join() };
}

function legendKey(market, color) {
  const key = make('span', 'key line', market === undefined ? '' : market.venue);
  key.style.setProperty('--line', color);
  key.title = market?.symbol ?? '';
  return key;
}

/** The fair price itself. */
function drawZero(plot) {
  const { ctx } = plot;
  const y = plot.valToPos(0, 'y', true);
  ctx.save();
  ctx.strokeStyle = '#c9d2de';
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(plot.bbox.left, y);
  ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** Once per frame of the screen, however many messages came. */
function drawCharts() {
  if (state.isDrawing) return;
  state.isDrawing = true;
  requestAnimationFrame(() => {
    state.isDrawing = false;
    draw();
  });
}

function draw() {
  const market = marketOf(state.instrument);
  const points = state.points.get(state.instrument);
  if (market === undefined || points === undefined) return;
  // A fair price is in USD: beside a price in another currency it would look like a difference that is none.
  const fair = market.quote === 'USD' ? state.fairPoints.get(market.base) : undefined;
  chart.setData(joined([points, fair ?? { sec: [], mid: [] }]));
  drawSpread(market.base);
}

function drawSpread(asset) {
  const offs = offsOf(asset);
  const instruments = [...offs.keys()].sort((a, b) => a - b);
  if (instruments.length === 0) return;
  if (spreadChart?.asset !== asset || spreadChart.key !== instruments.join()) {
    spreadChart = makeSpreadChart(asset, instruments);
  }
  spreadChart.plot.setData(joined(instruments.map((index) => offs.get(index))));
}

/** Several lines over one axis of time. `undefined` is passed over, `null` is a hole. */
function joined(lines) {
  return uPlot.join(
    lines.map(({ sec, mid }) => [sec, mid]),
    lines.map(() => [2, 2]),
  );
}

/** The lines of the asset in the time shown, and the fair price in the middle of the view, some air around. */
function offRange(asset) {
  const [from] = xRange();
  let most = 1;
  for (const { sec, mid } of offsOf(asset).values()) {
    sec.forEach((at, index) => {
      const off = mid[index];
      if (at >= from && off !== null) most = Math.max(most, Math.abs(off));
    });
  }
  return [-most * 1.15, most * 1.15];
}

/** The time that was asked for; less while there is less to show. */
function xRange() {
  const now = Date.now() / 1000;
  const first = state.points.get(state.instrument)?.sec[0] ?? now;
  const shownSec = Math.min(state.windowSec, Math.max(now - first, SHOWN_SEC_MIN));
  return [now - shownSec, now + shownSec * 0.01];
}

/** Prices and fills of the time shown, with some air; never narrower than two hundredths of a per cent. */
function yRange() {
  const [from] = xRange();
  const points = state.points.get(state.instrument);
  let low = Infinity;
  let high = -Infinity;
  const take = (value) => {
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  points?.sec.forEach((sec, index) => {
    const mid = points.mid[index];
    if (sec >= from && mid !== null) take(mid);
  });
  const market = marketOf(state.instrument);
  const fair = market?.quote === 'USD' ? state.fairPoints.get(market.base) : undefined;
  fair?.sec.forEach((sec, index) => {
    const price = fair.mid[index];
    if (sec >= from && price !== null) take(price);
  });
  for (const fill of visibleFills(from)) take(Number(fill.price));
  if (low === Infinity) return [0, 1];
  const air = Math.max((high - low) * 0.12, low * 0.0001);
  return [low - air, high + air];
}

function hasPrices() {
  return (state.points.get(state.instrument)?.ms.length ?? 0) > 0;
}

function visibleFills(fromSec) {
  return state.fills.filter(
    (fill) => fill.instrumentIndex === state.instrument && msOf(fill.appliedNs) / 1000 >= fromSec,
  );
}

/** Buys point up from below their price, sells point down from above. */
function drawFills(plot) {
  const { ctx } = plot;
  const unit = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  ctx.clip();
  for (const fill of visibleFills(xRange()[0])) {
    const isBuy = fill.side === 'buy';
    const x = plot.valToPos(msOf(fill.appliedNs) / 1000, 'x', true);
    const y = plot.valToPos(Number(fill.price), 'y', true);
    const down = (isBuy ? 1 : -1) * 9 * unit;
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x - 5 * unit, y + down);
    ctx.lineTo(x + 5 * unit, y + down);
    ctx.closePath();
    ctx.fillStyle = isBuy ? '#2fbf71' : '#f0616d';
    ctx.fill();
    ctx.lineWidth = unit;
    ctx.strokeStyle = '#0b0e13';
    ctx.stroke();
  }
  ctx.restore();
}

/* ---- people ----------------------------------------------------------------------------------------------------- */

function listen() {
  $('halt').onclick = () => command('halt', 'Trading is halted.');
  $('resume').onclick = () => {
    // Halting is never wrong; trading on is asked twice.
    const button = $('resume');
    if (!button.classList.contains('sure')) {
      button.classList.add('sure');
      button.textContent = 'Sure?';
      setTimeout(() => calm(button), SURE_MS);
      return;
    }
    calm(button);
    command('resume', 'Trading goes on.');
  };
  $('windows').onclick = (event) => {
    const seconds = event.target.dataset?.seconds;
    if (seconds === undefined) return;
    state.windowSec = Number(seconds);
    for (const button of $('windows').children) {
      button.classList.toggle('on', button === event.target);
    }
    drawCharts();
  };
  $('ask').oncancel = (event) => event.preventDefault();
  $('ask-form').onsubmit = () => {
    state.key = $('ask-key').value.trim();
    $('ask-key').value = '';
    sessionStorage.setItem('key', state.key);
    document.body.dataset.connection = 'connecting';
    connect();
  };
  setInterval(showOrders, 1000);
  // A connection can die without a word: the stream tells its status twice a second.
  setInterval(() => {
    if (state.socket?.readyState === WebSocket.OPEN && Date.now() - state.heardMs > SILENCE_MS) {
      const silent = state.socket;
      state.socket = null;
      silent.close();
      lose('The engine is silent');
    }
  }, 1000);
}

function calm(button) {
  button.classList.remove('sure');
  button.textContent = 'Resume';
}

async function command(name, doneText) {
  $('halt').disabled = true;
  $('resume').disabled = true;
  try {
    const response = await fetch(`/v1/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${state.key}`, 'x-tickwire-source': 'dashboard' },
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${answer.code}: ${answer.message}`);
    state.trading = answer.trading ?? state.trading;
    toast(doneText, false);
  } catch (error) {
    toast(`The ${name} did not go through. ${error.message}`, true);
  }
  showTrading();
}

function toast(text, isBad) {
  const box = $('toast');
  box.textContent = text;
  box.className = isBad ? 'toast bad' : 'toast';
  box.hidden = false;
  clearTimeout(state.toastTimer);
  state.toastTimer = setTimeout(() => (box.hidden = true), isBad ? 10_000 : 3000);
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

function rows(id, list, emptyText, cellsOf) {
  const body = $(id);
  if (list.length === 0) {
    const line = document.createElement('tr');
    const only = cell(emptyText, 'empty');
    only.colSpan = 9;
    line.append(only);
    body.replaceChildren(line);
    return;
  }
  body.replaceChildren(
    ...list.map((item) => {
      const line = document.createElement('tr');
      line.append(...cellsOf(item));
      return line;
    }),
  );
}

function cell(text, className = '', title = '') {
  const box = document.createElement('td');
  box.textContent = text;
  box.className = className;
  if (title !== '') box.title = title;
  return box;
}

/** An element with a class and what it holds, texts or elements. */
function make(tag, className, ...inside) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...inside);
  return element;
}

/** Where a position could be closed now. */
function priceOf(position) {
  if (position.price !== null)
    return number(padded(position.price, scaleOf(position.instrumentIndex)));
  return position.size === '0' ? number('') : cell('STALE', 'n stale');
}

/** A symbol, and its venue where there are several. */
function instrumentCell({ symbol, venue }, title = venue) {
  const one = cell(symbol, '', title);
  if ((state.info?.venues.length ?? 1) > 1) one.append(make('span', 'venue-name', venue));
  return one;
}

function number(text) {
  return cell(text, 'n');
}

function signed(text) {
  if (text === null) return number('–');
  const value = Number(text);
  const tone = value === 0 ? 'n' : value > 0 ? 'n up' : 'n down';
  return cell(`${value > 0 ? '+' : ''}${money(text)}`, tone);
}

function side(text) {
  return cell(text, text === 'buy' ? 'up' : 'down');
}

/** Two decimals; four where two would show nothing. */
function money(text) {
  const value = Number(text);
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2;
  return grouped(value.toFixed(digits));
}

/** Thousands apart. */
function grouped(text) {
  const [whole, fraction] = text.split('.');
  const spaced = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** Thousands apart, with as many decimals as its neighbours have. */
function padded(text, digits) {
  const [whole, fraction = ''] = text.split('.');
  const decimals = fraction.padEnd(digits, '0');
  return decimals === '' ? grouped(whole) : `${grouped(whole)}.${decimals}`;
}

function marketOf(instrumentIndex) {
  return state.markets.find((one) => one.instrumentIndex === instrumentIndex);
}

function fairOf(asset) {
  return state.fairs.find((one) => one.asset === asset);
}

function feedOf(venue) {
  return state.feeds.find((one) => one.venue === venue);
}

function scaleOf(instrumentIndex) {
  return marketOf(instrumentIndex)?.priceScale ?? 0;
}

/** As many decimals as say something: two of a coin, five of a currency. */
function fairText(text) {
  const value = Number(text);
  return grouped(value.toFixed(value >= 100 ? 2 : 5));
}

function shortPrice(text) {
  const value = Number(text);
  return grouped(value.toFixed(value >= 10_000 ? 0 : value >= 100 ? 1 : 4));
}

function signedText(value) {
  const text = Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0);
  return value > 0 ? `+${text}` : text;
}

function shortSize(text) {
  const value = Number(text);
  return value >= 100 ? value.toFixed(1) : value.toFixed(value >= 1 ? 3 : 5);
}

function microsText(us) {
  if (us >= 10_000) return `${grouped((us / 1000).toFixed(0))} ms`;
  return us >= 100 ? us.toFixed(0) : us.toFixed(us >= 10 ? 1 : 2);
}

function priceTick(value) {
  return grouped(value.toFixed(2));
}

function ageText(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const sec = ms / 1000;
  if (sec < 60) return `${sec.toFixed(sec < 10 ? 1 : 0)} s`;
  return sec < 3600 ? `${Math.floor(sec / 60)} min` : `${Math.floor(sec / 3600)} h`;
}

function clockText(ms) {
  return new Date(ms).toLocaleTimeString('en-GB', { hour12: false });
}

function msOf(nsText) {
  return Number(BigInt(nsText) / 1_000_000n);
}
