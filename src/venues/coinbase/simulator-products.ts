/**
 * simulator-products: the products that the Coinbase simulator knows, as the venue itself described them
 * (public `market/products`, 2026-08-09). Deterministic.
 */
import type { Instrument } from '../../domain/instrument.js';
import { formatDecimal } from '../simulator-text.js';

interface ProductFacts {
  readonly productId: string;
  readonly base: string;
  readonly baseName: string;
  readonly quote: string;
  readonly quoteName: string;
  /** Empty: no other product trades under this one's book. */
  readonly aliasTo: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly baseMaxSize: number;
}

const PRODUCTS: readonly ProductFacts[] = [
  {
    productId: 'BTC-USD',
    base: 'BTC',
    baseName: 'Bitcoin',
    quote: 'USD',
    quoteName: 'US Dollar',
    aliasTo: 'BTC-USDC',
    priceScale: 2,
    sizeScale: 8,
    baseMaxSize: 3400,
  },
  {
    productId: 'ETH-USD',
    base: 'ETH',
    baseName: 'Ethereum',
    quote: 'USD',
    quoteName: 'US Dollar',
    aliasTo: 'ETH-USDC',
    priceScale: 2,
    sizeScale: 8,
    baseMaxSize: 42000,
  },
  {
    productId: 'USDT-USD',
    base: 'USDT',
    baseName: 'Tether',
    quote: 'USD',
    quoteName: 'US Dollar',
    aliasTo: '',
    priceScale: 5,
    sizeScale: 2,
    baseMaxSize: 10480600,
  },
];

/** Instruments of the simulator, in the order asked for; undefined for a product that it does not know. */
export function simulatedInstruments(productIds: readonly string[]): Instrument[] {
  return productIds.map((productId, index) => {
    const facts = factsOf(productId);
    return {
      index,
      venue: 'coinbase',
      kind: 'spot',
      symbol: productId,
      venueSymbol: productId,
      base: facts.base,
      quote: facts.quote,
      priceScale: facts.priceScale,
      sizeScale: facts.sizeScale,
      tickMantissa: 1,
      lotMantissa: 1,
      sizeMinMantissa: 1,
      sizeMaxMantissa: facts.baseMaxSize * 10 ** facts.sizeScale,
      // quote_min_size "1"
      notionalMinMantissa: 10 ** (facts.priceScale + facts.sizeScale),
      isTradable: true,
    };
  });
}

function factsOf(productId: string): ProductFacts {
  const facts = PRODUCTS.find((product) => product.productId === productId);
  if (facts === undefined) throw new Error(`no such product in the simulator: ${productId}`);
  return facts;
}

/** The product under whose name data comes: an alias (BTC-USDC) is answered as its canonical product. */
export function canonicalProductId(productId: string): string {
  const isAlias = (product: ProductFacts): boolean =>
    product.aliasTo !== '' && product.aliasTo === productId;
  return PRODUCTS.find(isAlias)?.productId ?? productId;
}

/** What changes in a product's description while the market plays. */
export interface ProductState {
  readonly price: string;
  readonly volume: string;
  readonly quoteVolume: string;
  readonly changePercent: string;
  readonly high: string;
  readonly low: string;
}

/** One entry of `products`. */
export function productJson(instrument: Instrument, state: ProductState): Record<string, unknown> {
  const facts = factsOf(instrument.venueSymbol);
  return {
    product_id: facts.productId,
    price: state.price,
    price_percentage_change_24h: state.changePercent,
    volume_24h: state.volume,
    volume_percentage_change_24h: '0',
    base_increment: formatDecimal(instrument.lotMantissa, instrument.sizeScale),
    quote_increment: formatDecimal(instrument.tickMantissa, instrument.priceScale),
    quote_min_size: formatDecimal(
      instrument.notionalMinMantissa,
      instrument.priceScale + instrument.sizeScale,
    ),
    quote_max_size: '150000000',
    base_min_size: formatDecimal(instrument.sizeMinMantissa, instrument.sizeScale),
    base_max_size: formatDecimal(instrument.sizeMaxMantissa, instrument.sizeScale),
    base_name: facts.baseName,
    quote_name: facts.quoteName,
    watched: false,
    is_disabled: false,
    new: false,
    status: 'online',
    cancel_only: false,
    limit_only: false,
    post_only: false,
    trading_disabled: !instrument.isTradable,
    auction_mode: false,
    product_type: 'SPOT',
    quote_currency_id: facts.quote,
    base_currency_id: facts.base,
    fcm_trading_session_details: null,
    mid_market_price: '',
    alias: '',
    alias_to: facts.aliasTo === '' ? [] : [facts.aliasTo],
    base_display_symbol: facts.base,
    quote_display_symbol: facts.quote,
    view_only: false,
    price_increment: formatDecimal(instrument.tickMantissa, instrument.priceScale),
    display_name: facts.productId,
    product_venue: 'CBE',
    approximate_quote_24h_volume: state.quoteVolume,
    new_at: '2023-01-01T00:00:00Z',
    market_cap: '',
    base_cbrn: '',
    quote_cbrn: '',
    product_cbrn: '',
    icon_color: '',
    icon_url: '',
    display_name_overwrite: '',
    is_alpha_testing: false,
    about_description: '',
    best_bid_price: '',
    best_ask_price: '',
    high_24h: state.high,
    low_24h: state.low,
  };
}
