/** every-trade-strategy: for the tick-to-order bench: each trade causes one small taking order. */
import { IntentKind, TickKind } from '#src/generated/hot.js';
import { OrderType, Side, TimeInForce } from '#src/domain/order.js';
import type { Strategy, StrategyFactory } from '#src/signal/strategy.js';

const SIZE_MANTISSA = 10_000;

const factory: StrategyFactory = {
  name: 'every-trade',
  sentence: 'One small taking order per trade; for benches.',
  params: {},
  create: (): Strategy => ({
    name: 'every-trade',
    onTick: (tick, market, _nowNs, out) => {
      if (tick.kind !== TickKind.Trade || !market.isQuoted) return;
      const intent = out.next(IntentKind.Place);
      intent.instrumentIndex = tick.instrumentIndex;
      intent.side = Side.Buy;
      intent.orderType = OrderType.Limit;
      intent.timeInForce = TimeInForce.Ioc;
      intent.priceMantissa = market.askPriceMantissa;
      intent.sizeMantissa = SIZE_MANTISSA;
      intent.referencePriceMantissa = market.midPriceMantissa;
      intent.confidencePpm = 1_000_000;
    },
    onOrderEvent: () => undefined,
    onDeadline: () => undefined,
  }),
};

export default factory;
