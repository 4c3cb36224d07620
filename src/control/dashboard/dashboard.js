/**
 * dashboard: the engine on one screen. Runs in the browser; one WebSocket tells the latest state of each topic, the two
 * buttons speak HTTP (docs/control-api.md). No build: this file is served as it is.
 *
 * The key comes from the fragment of the URL (#key=…, never sent to a server by the browser) or is asked for; it stays in
 * this tab. Numbers are text on the wire; they become floats here for drawing and rounding only.
 */
import uPlot from '/uplot.js';

const SAMPLE_MS = 250;
const POINTS_MAX = 2400;
/** A longer silence in the prices is drawn as a hole. */
const HOLE_MS = 1500;
const FILLS_SHOWN = 100;
const LEVELS_SHOWN = 7;
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
  instrument: null,
  windowSec: 300,
  points: new Map(),
  fills: [],
  orders: [],
  ageTimer: 0,
};

const chart = makeChart();
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
    $('run').textContent = `run ${info.run} · ${info.venues.join(', ')} · ${info.threads}`;
    $('run').title =
      `tickwire ${info.version}, strategies: ${info.strategies.join(', ')}, wait: ${info.wait}`;
  },

  history(list) {
    state.points.clear();
    for (const { instrumentIndex, samples } of list) {
      const points = pointsOf(instrumentIndex);
      for (const [ms, mid] of samples) addPoint(points, ms, Number(mid));
    }
    drawChart();
  },

  market(markets) {
    state.markets = markets;
    if (state.instrument === null && markets.length > 0) {
      state.instrument = markets[0].instrumentIndex;
    }
    for (const market of markets) {
      if (market.mid === null || market.isStale) continue;
      const points = pointsOf(market.instrumentIndex);
      const lastMs = points.ms.at(-1) ?? 0;
      if (Date.now() - lastMs >= SAMPLE_MS) addPoint(points, Date.now(), Number(market.mid));
    }
    showInstruments();
    showMarket();
    drawChart();
  },

  positions({ positions, portfolio }) {
    showPortfolio(positions, portfolio);
    rows('positions', positions, 'Nothing is held.', (position) => [
      cell(position.symbol, '', position.venue),
      number(position.size),
      number(
        position.size === '0'
          ? '–'
          : padded(position.avgEntryPrice, scaleOf(position.instrumentIndex)),
      ),
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
      cell(fill.symbol, '', fill.venue),
      side(fill.side),
      number(padded(fill.price, scaleOf(fill.instrumentIndex))),
      number(fill.size),
      number(money(fill.fee)),
      cell(fill.isMaker ? 'maker' : 'taker', 'dim'),
    ]);
    $('fills-count').textContent = grouped(String(state.fills.length));
    drawChart();
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
    $(field).title = `${portfolio[field]} ${portfolio.currency}`;
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

function showInstruments() {
  const nav = $('instruments');
  if (nav.childElementCount !== state.markets.length) {
    nav.replaceChildren(
      ...state.markets.map((market) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = market.symbol;
        button.title = market.venue;
        button.dataset.instrument = String(market.instrumentIndex);
        return button;
      }),
    );
  }
  nav.hidden = state.markets.length < 2;
  for (const button of nav.children) {
    button.classList.toggle('on', Number(button.dataset.instrument) === state.instrument);
  }
}

function showMarket() {
  const market = state.markets.find((one) => one.instrumentIndex === state.instrument);
  if (market === undefined) return;
  $('chart-title').textContent = `${market.symbol} at ${market.venue}`;
  $('market-title').textContent = market.symbol;
  $('last').textContent = market.last === null ? '–' : padded(market.last, market.priceScale);
  $('spread').textContent =
    market.bid === null || market.ask === null
      ? ''
      : `spread ${(Number(market.ask) - Number(market.bid)).toFixed(2)} · ${grouped(String(market.tradeCount))} trades`;
  const feed = $('feed');
  feed.dataset.stale = String(market.isStale);
  feed.textContent = market.isStale
    ? `stale ${ageText(market.staleMs)}: ${market.staleReason}`
    : `fresh, ${ageText(market.bookAgeMs)} old`;
  document.title = market.mid === null ? 'tickwire' : `${grouped(market.mid)} · tickwire`;
  showBook(market);
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
    cell(order.symbol, '', `${order.venue} · ${order.clientOrderId ?? ''}`),
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

function pointsOf(instrumentIndex) {
  let points = state.points.get(instrumentIndex);
  if (points === undefined) {
    points = { ms: [], sec: [], mid: [] };
    state.points.set(instrumentIndex, points);
  }
  return points;
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
          values: (_u, ticks) => ticks.map(hasPrices() ? priceTick : () => ''),
        },
      ],
      series: [{}, { stroke: '#5aa9ff', width: 1.5, points: { show: false }, spanGaps: false }],
      hooks: { draw: [drawFills] },
    },
    [[], []],
    box,
  );
  new ResizeObserver(() => {
    plot.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(box);
  return plot;
}

function drawChart() {
  const points = state.points.get(state.instrument);
  if (points !== undefined) chart.setData([points.sec, points.mid]);
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
  $('halt').onclick = () => command('halt');
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
    command('resume');
  };
  $('instruments').onclick = (event) => {
    const index = event.target.dataset?.instrument;
    if (index === undefined) return;
    state.instrument = Number(index);
    showInstruments();
    showMarket();
    drawChart();
  };
  $('windows').onclick = (event) => {
    const seconds = event.target.dataset?.seconds;
    if (seconds === undefined) return;
    state.windowSec = Number(seconds);
    for (const button of $('windows').children) {
      button.classList.toggle('on', button === event.target);
    }
    drawChart();
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

async function command(name) {
  $('halt').disabled = true;
  $('resume').disabled = true;
  try {
    const response = await fetch(`/v1/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${state.key}`, 'x-tickwire-source': 'dashboard' },
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${answer.code}: ${answer.message}`);
    state.trading = answer.trading;
    toast(name === 'halt' ? 'Trading is halted.' : 'Trading goes on.', false);
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

function scaleOf(instrumentIndex) {
  return state.markets.find((one) => one.instrumentIndex === instrumentIndex)?.priceScale ?? 0;
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
