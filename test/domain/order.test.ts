import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  ORDER_EVENT_COUNT,
  ORDER_STATE_COUNT,
  ORDER_TRANSITIONS,
  Order,
  OrderEvent,
  OrderState,
  applyOrderEvent,
  isTerminal,
  orderStateAfter,
} from '#src/domain/order.js';

const STATE_NAMES = Object.entries(OrderState).sort((a, b) => a[1] - b[1]);
const EVENT_NAMES = Object.entries(OrderEvent)
  .filter(([, event]) => event !== OrderEvent.None)
  .sort((a, b) => a[1] - b[1]);
const ENDED = ['Filled', 'Canceled', 'Rejected', 'Expired'];

function docText(): string {
  return readFileSync(new URL('../../../docs/order-lifecycle.md', import.meta.url), 'utf8');
}

t.test('every pair of state and event is in the documented matrix as it is in the table', (t) => {
  const rows = new Map(
    docText()
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map((cells) => [cells[1], cells.slice(2, 2 + ORDER_STATE_COUNT)] as const),
  );
  t.same(
    rows.get('Event'),
    STATE_NAMES.map(([name]) => name),
    'columns are the states',
  );
  for (const [eventName, event] of EVENT_NAMES) {
    const expected = STATE_NAMES.map(([, state]) => {
      const after = orderStateAfter(state, event);
      if (after < 0) return '·';
      return after === state ? '=' : STATE_NAMES[after]?.[0];
    });
    t.same(rows.get(eventName), expected, eventName);
  }
  t.end();
});

t.test('a row that the table does not have changes nothing', (t) => {
  const rows = new Map(ORDER_TRANSITIONS.map((row) => [`${row.from} ${row.event}`, row.to]));
  t.equal(rows.size, ORDER_TRANSITIONS.length, 'no pair stands twice');
  let pairs = 0;
  for (let state = 0; state < ORDER_STATE_COUNT; state++) {
    for (const [name, event] of EVENT_NAMES) {
      const order = new Order(0);
      order.state = state;
      const isIn = rows.has(`${state} ${event}`);
      t.equal(applyOrderEvent(order, event), isIn, `${state} ${name}`);
      t.equal(order.state, isIn ? rows.get(`${state} ${event}`) : state);
      pairs++;
    }
  }
  t.equal(pairs, ORDER_STATE_COUNT * (ORDER_EVENT_COUNT - 1));
  t.end();
});

t.test('a fill has a row in every state that an order can be in', (t) => {
  for (const [name, state] of STATE_NAMES) {
    if (state === OrderState.None) continue;
    for (const event of [OrderEvent.FillPart, OrderEvent.FillLast, OrderEvent.FillOver]) {
      t.ok(orderStateAfter(state, event) > 0, name);
    }
  }
  t.end();
});

t.test('every live state has a row for every end that a venue can state', (t) => {
  const ends = [
    OrderEvent.StatusCanceled,
    OrderEvent.StatusExpired,
    OrderEvent.StatusRejected,
    OrderEvent.StatusFilled,
  ];
  for (const [name, state] of STATE_NAMES) {
    if (state === OrderState.None || isTerminal(state)) continue;
    for (const event of ends) t.ok(isTerminal(orderStateAfter(state, event)), name);
  }
  t.end();
});

t.test(
  'an ended order lives again only when it had been declared dead without the venue having said so',
  (t) => {
    for (const row of ORDER_TRANSITIONS) {
      if (isTerminal(row.from) && !isTerminal(row.to)) {
        t.equal(row.from, OrderState.Rejected);
        t.match(row.why, /too early/);
      }
    }
    t.same(
      STATE_NAMES.filter(([, state]) => isTerminal(state)).map(([name]) => name),
      ENDED,
    );
    t.end();
  },
);

t.test('a row that keeps the end, or leads out of it, says why', (t) => {
  for (const row of ORDER_TRANSITIONS) if (isTerminal(row.from)) t.ok(row.why, JSON.stringify(row));
  t.end();
});
