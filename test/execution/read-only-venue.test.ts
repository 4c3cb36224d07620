/** Venues that only give prices: an order for one is refused by name, whoever asks, before anything is reserved. */
import t from 'tap';
import { CommandKind, EventKind } from '#src/domain/core-record.js';
import { BTC_USD, CoreDriver, ETH_USD, only } from './core-driver.js';

const ELSEWHERE = { ...BTC_USD, index: 1, venue: 'kraken', venueSymbol: 'BTC/USD' };

function driverOf(): CoreDriver {
  const driver = CoreDriver.trading({ instruments: [BTC_USD, ELSEWHERE], readOnly: [1] });
  driver.give(EventKind.MarketState, { instrumentIndex: 1 });
  return driver;
}

t.test('an intent for a venue that takes no orders is refused with a code of its own', (t) => {
  const driver = driverOf();
  const hash = driver.core.stateHash();
  const refused = only(driver.intend({ instrumentIndex: 1 }), 'IntentRefused');
  t.match(refused, { reason: 'ORDER_VENUE_READ_ONLY', instrumentIndex: 1, valueMantissa: 1 });
  t.equal(driver.core.openOrderCount, 0);
  t.equal(driver.core.stateHash(), hash, 'nothing was reserved, counted or remembered');
  t.ok(only(driver.intend({ instrumentIndex: 0 }), 'OrderSend'), 'the other venue trades on');
  t.end();
});

t.test('and so it is while the session is down or trading is halted: that rule goes first', (t) => {
  const driver = driverOf();
  driver.give(EventKind.VenueSession, { state: 0 });
  const reason = (): unknown =>
    only(driver.intend({ instrumentIndex: 1 }), 'IntentRefused')['reason'];
  t.equal(reason(), 'ORDER_VENUE_READ_ONLY');
  driver.command(CommandKind.Halt);
  t.equal(reason(), 'ORDER_VENUE_READ_ONLY');
  t.end();
});

t.test('closing all positions sends nothing to a venue that takes no orders', (t) => {
  const driver = driverOf();
  const outputs = driver.command(CommandKind.Flatten);
  t.notOk(outputs.some(({ kind }) => kind === 'OrderSend'));
  t.end();
});

t.test('a venue that is not listed as such is not', (t) => {
  const driver = CoreDriver.trading({ instruments: [BTC_USD, ETH_USD] });
  t.not(
    only(driver.intend({ instrumentIndex: 1 }), 'IntentRefused')['reason'],
    'ORDER_VENUE_READ_ONLY',
  );
  t.end();
});
