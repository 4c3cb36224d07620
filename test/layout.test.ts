/**
 * The layouts that threads share: sizes, offsets, and that the word accessors of the hot path (generated/hot.ts) say the
 * same bytes as what flatc generates from the same schemas. The fields are taken from flatc's classes, so a field that
 * hot.ts forgot fails here.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Builder, ByteBuffer } from 'flatbuffers';
import t from 'tap';
import { CommandKind, CoreRecord, EventKind, TradingState } from '#src/domain/core-record.js';
import { OrderFlag, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { BoardHeartbeat } from '#src/generated/board-heartbeat.js';
import { BoardLevel } from '#src/generated/board-level.js';
import { BoardMarket } from '#src/generated/board-market.js';
import { BoardPortfolio } from '#src/generated/board-portfolio.js';
import { BoardPosition } from '#src/generated/board-position.js';
import { CommandKind as SchemaCommandKind } from '#src/generated/command-kind.js';
import { Command } from '#src/generated/command.js';
import { EventKind as SchemaEventKind } from '#src/generated/event-kind.js';
import { EventText } from '#src/generated/event-text.js';
import { Event } from '#src/generated/event.js';
import * as hot from '#src/generated/hot.js';
import { IntentKind as SchemaIntentKind } from '#src/generated/intent-kind.js';
import { Intent } from '#src/generated/intent.js';
import { TickKind as SchemaTickKind } from '#src/generated/tick-kind.js';
import { PushTick } from '#src/generated/push-tick.js';
import { RecordedFrame } from '#src/generated/recorded-frame.js';
import { RecordingBlock } from '#src/generated/recording-block.js';
import { RecordingIndexEntry } from '#src/generated/recording-index-entry.js';
import { RecordingTrailer } from '#src/generated/recording-trailer.js';
import { Tick } from '#src/generated/tick.js';

interface View {
  __init(position: number, bytes: ByteBuffer): View;
}
interface ViewClass {
  new (): View;
  readonly name: string;
  readonly prototype: object;
  sizeOf(): number;
}
type Call = (...args: unknown[]) => unknown;

const STRUCTS: readonly ViewClass[] = [
  Tick,
  Intent,
  Command,
  Event,
  EventText,
  BoardLevel,
  BoardMarket,
  BoardPosition,
  BoardPortfolio,
  BoardHeartbeat,
  PushTick,
  RecordingBlock,
  RecordedFrame,
  RecordingIndexEntry,
  RecordingTrailer,
];

/** Arrays of structs or bytes: by name, since flatc's builder takes them in another form. */
const ARRAYS = new Set(['bids', 'asks', 'text']);

const longs = fc.oneof(
  fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }),
  fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }),
  fc.constantFrom(
    0n,
    -1n,
    1n,
    2n ** 31n,
    -(2n ** 31n),
    2n ** 32n,
    -(2n ** 32n),
    2n ** 32n - 1n,
    -(2n ** 32n) - 1n,
  ),
  fc.constantFrom(2n ** 53n - 1n, -(2n ** 53n) + 1n),
);

t.test('slots have the size of their ring and the commit word is their last word', async (t) => {
  t.equal(hot.TICK_BYTES, 64);
  for (const bytes of [hot.INTENT_BYTES, hot.COMMAND_BYTES, hot.EVENT_BYTES, hot.EVENT_TEXT_BYTES])
    t.equal(bytes, 128);
  t.equal(hot.TICK_COMMIT_WORD, 15);
  for (const word of [
    hot.INTENT_COMMIT_WORD,
    hot.COMMAND_COMMIT_WORD,
    hot.EVENT_COMMIT_WORD,
    hot.EVENT_TEXT_COMMIT_WORD,
  ]) {
    t.equal(word, 31);
  }
  for (const view of STRUCTS) {
    const upper = view.name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
    t.equal(
      (hot as unknown as Record<string, number>)[`${upper}_BYTES`],
      view.sizeOf(),
      `${view.name} bytes`,
    );
    t.equal(
      (hot as unknown as Record<string, number>)[`${upper}_WORDS`],
      view.sizeOf() / 4,
      `${view.name} words`,
    );
  }
});

t.test('a text record carries its kind where the event carries its own', async (t) => {
  const i32 = new Int32Array(32);
  hot.setEventKind(i32, 0, hot.EventKind.Text);
  t.equal(hot.getEventTextKind(i32, 0), hot.EventKind.Text);
});

for (const view of STRUCTS) {
  t.test(
    `${view.name}: hot accessors and generated accessors read the same from any bytes`,
    async (t) => {
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: view.sizeOf(), maxLength: view.sizeOf() }),
          (bytes) => {
            const { i32, generated } = placed(view, bytes);
            for (const field of visibleFields(view)) {
              const value = method(generated, field)();
              if (typeof value === 'bigint') {
                equal(hotCall(`get${view.name}${upperFirst(field)}Big`)(i32, BASE), value, field);
                if (isSafe(value))
                  equal(
                    hotCall(`get${view.name}${upperFirst(field)}`)(i32, BASE),
                    Number(value),
                    field,
                  );
              } else {
                equal(hotCall(`get${view.name}${upperFirst(field)}`)(i32, BASE), value, field);
              }
            }
          },
        ),
        { numRuns: 200 },
      );
      t.ok(visibleFields(view).length > 0);
    },
  );

  t.test(
    `${view.name}: hot setters and generated mutators write the same bytes and leave the neighbours alone`,
    async (t) => {
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: view.sizeOf(), maxLength: view.sizeOf() }),
          longs,
          fc.nat(),
          (bytes, long, pick) => {
            const fields = visibleFields(view);
            const field = fields[pick % fields.length] ?? '';
            const ours = placed(view, bytes);
            const theirs = placed(view, bytes);
            const isLong = typeof method(theirs.generated, field)() === 'bigint';
            const value = isLong ? long : Number(BigInt.asUintN(8, long));
            method(theirs.generated, `mutate_${snake(field)}`)(value);
            hotCall(`set${view.name}${upperFirst(field)}`)(ours.i32, BASE, Number(value));
            equal(hex(ours.bytes), hex(theirs.bytes), field);
            if (isLong) {
              hotCall(`set${view.name}${upperFirst(field)}`)(ours.i32, BASE, 0);
              hotCall(`set${view.name}${upperFirst(field)}Big`)(ours.i32, BASE, value);
              equal(hex(ours.bytes), hex(theirs.bytes), `${field} as bigint`);
            }
          },
        ),
        { numRuns: 300 },
      );
      t.pass();
    },
  );
}

for (const view of STRUCTS) {
  t.test(
    `${view.name}: the hot writer's bytes are the generated builder's bytes, and reading gives the fields back`,
    async (t) => {
      const fields = scalarFields(view);
      fc.assert(
        fc.property(
          fc.array(longs, { minLength: fields.length, maxLength: fields.length }),
          fc.uint8Array({ minLength: view.sizeOf(), maxLength: view.sizeOf() }),
          (values, garbage) => {
            const { i32, bytes, generated } = placed(view, garbage);
            const record: Record<string, number> = {};
            const forBuilder: unknown[] = [];
            fields.forEach((field, index) => {
              const isLong = typeof method(generated, field)() === 'bigint';
              // Small enough for a ubyte and for a ushort alike: widths are tested by the setters above.
              const drawn = values[index] ?? 0n;
              const value = isHidden(field) ? 0n : isLong ? drawn : BigInt.asUintN(7, drawn);
              if (!isHidden(field)) record[field] = Number(value);
              forBuilder.push(isLong ? value : Number(value));
            });
            hotCall(`clear${view.name}`)(i32, BASE);
            if (view === EventText) forBuilder.splice(2, 0, []);
            if (view === BoardMarket) forBuilder.unshift([], []);
            hotCall(`write${view.name}`)(i32, BASE, record);
            if (fields.includes('commitSeq')) i32[BASE + view.sizeOf() / 4 - 1] = 0;
            equal(hex(bytes), hex(built(view, forBuilder)), 'bytes');
            const back: Record<string, number> = {};
            hotCall(`read${view.name}`)(i32, BASE, back);
            equal(JSON.stringify(back), JSON.stringify(record), 'fields');
          },
        ),
        { numRuns: 300 },
      );
      t.pass();
    },
  );
}

t.test(
  'a writer fills every byte but the commit word, whatever the slot held before',
  async (t) => {
    const i32 = new Int32Array(hot.EVENT_WORDS).fill(-1);
    hot.writeEvent(i32, 0, new CoreRecord());
    t.same([...i32], [...new Array<number>(hot.EVENT_WORDS - 1).fill(0), -1]);
    i32.fill(-1);
    hot.clearEvent(i32, 0);
    t.same([...i32], [...new Array<number>(hot.EVENT_WORDS - 1).fill(0), -1]);
    const intent = new Int32Array(hot.INTENT_WORDS).fill(-1);
    hot.clearIntent(intent, 0);
    const fields = {} as hot.IntentFields;
    hot.readIntent(intent, 0, fields);
    intent.fill(-1);
    hot.writeIntent(intent, 0, fields);
    t.same(
      [...intent],
      [...new Array<number>(hot.INTENT_WORDS - 1).fill(0), -1],
      'reserved words too',
    );
  },
);

t.test(
  'the levels of a market on the board are where the generated accessor finds them',
  async (t) => {
    const i32 = new Int32Array(hot.BOARD_MARKET_WORDS);
    const view = new BoardMarket().__init(0, new ByteBuffer(new Uint8Array(i32.buffer)));
    for (let level = 0; level < hot.BOARD_MARKET_BIDS_COUNT; level++) {
      hot.setBoardLevelPriceMantissa(
        i32,
        hot.BOARD_MARKET_BIDS_WORD + level * hot.BOARD_LEVEL_WORDS,
        2 ** 40 + level,
      );
      hot.setBoardLevelSizeMantissa(
        i32,
        hot.BOARD_MARKET_ASKS_WORD + level * hot.BOARD_LEVEL_WORDS,
        -level,
      );
    }
    for (let level = 0; level < hot.BOARD_MARKET_BIDS_COUNT; level++) {
      t.equal(view.bids(level)?.priceMantissa(), 2n ** 40n + BigInt(level));
      t.equal(view.asks(level)?.sizeMantissa(), BigInt(-level));
    }
    t.equal(hot.BOARD_MARKET_ASKS_COUNT, 20);
  },
);

t.test('the text of a record is cut at a whole character', async (t) => {
  const i32 = new Int32Array(hot.EVENT_TEXT_WORDS * 2).fill(-1);
  const base = hot.EVENT_TEXT_WORDS;
  t.equal(hot.writeEventTextText(i32, base, 'ü'.repeat(60)), 96);
  t.equal(hot.readEventTextText(i32, base, 96), 'ü'.repeat(48));
  t.equal(hot.writeEventTextText(i32, base, 'a' + 'ü'.repeat(60)), 95);
  t.equal(hot.readEventTextText(i32, base, 95), 'a' + 'ü'.repeat(47));
  t.equal(hot.writeEventTextText(i32, base, ''), 0);
  t.equal(hot.readEventTextText(i32, base, 0), '');
  t.equal(
    hot.readEventTextText(i32, base, 65_535),
    '\0'.repeat(96),
    'a length from outside stays inside',
  );
  t.ok(i32.subarray(0, base).every((word) => word === -1));
});

t.test("the domain's kinds have the numbers of the schema", async (t) => {
  const numbers = (schemaEnum: object): Record<string, number> =>
    Object.fromEntries(Object.entries(schemaEnum).filter(([, value]) => typeof value === 'number'));
  t.same({ ...EventKind }, numbers(SchemaEventKind));
  t.same({ ...CommandKind }, numbers(SchemaCommandKind));
  t.same({ ...hot.EventKind }, numbers(SchemaEventKind));
  t.same({ ...hot.CommandKind }, numbers(SchemaCommandKind));
  t.same({ ...hot.IntentKind }, numbers(SchemaIntentKind));
  t.same({ ...hot.TickKind }, numbers(SchemaTickKind));
});

t.test('numbers that the schemas only describe are those of the domain', async (t) => {
  const schema = (name: string): string =>
    readFileSync(new URL(`../../schemas/${name}.fbs`, import.meta.url), 'utf8');
  t.same({ ...OrderFlag }, described(schema('event'), /^\/\/ flags \(bits\): (.*)$/m));
  const intentFlags = described(schema('intent'), /flags \(bits\): (.*)$/m);
  for (const [name, bit] of Object.entries(intentFlags))
    t.equal(OrderFlag[name as keyof typeof OrderFlag], bit, name);
  t.same(
    lowerKeys({ Buy: Side.Buy, Sell: Side.Sell }),
    described(schema('intent'), /side: (1 buy, 2 sell)/),
  );
  const { None: _, ...states } = TradingState;
  t.same(lowerKeys(states), described(schema('board'), /trading_state: int;\s*\/\/ (.*)$/m));
  t.ok(Object.values(OrderType).every((value) => value < 256));
  t.ok(Object.values(TimeInForce).every((value) => value < 256));
});

t.test('a core record has exactly the fields of an event', async (t) => {
  t.same(Object.keys(new CoreRecord()).sort(), visibleFields(Event).sort());
});

// ---------------------------------------------------------------------------------------------------------------------

/** Records do not start at word 0, so that a forgotten base shows. */
const BASE = 4;

function placed(
  view: ViewClass,
  content: Uint8Array,
): { i32: Int32Array; bytes: Uint8Array; generated: View } {
  const i32 = new Int32Array(BASE + view.sizeOf() / 4);
  const bytes = new Uint8Array(i32.buffer, BASE * 4);
  bytes.set(content);
  return {
    i32,
    bytes,
    generated: new view().__init(BASE * 4, new ByteBuffer(new Uint8Array(i32.buffer))),
  };
}

function built(view: ViewClass, args: unknown[]): Uint8Array {
  const builder = new Builder(1024);
  const offset = (view as unknown as Record<string, Call>)[`create${view.name}`]?.(
    builder,
    ...args,
  ) as number;
  const buffer = builder.dataBuffer();
  return buffer
    .bytes()
    .subarray(buffer.capacity() - offset, buffer.capacity() - offset + view.sizeOf());
}

/** In the order of the schema. */
function scalarFields(view: ViewClass): string[] {
  return Object.getOwnPropertyNames(view.prototype).filter(
    (name) =>
      name !== 'constructor' &&
      name !== '__init' &&
      !name.startsWith('mutate_') &&
      !ARRAYS.has(name),
  );
}

/** Those with hot accessors: the commit word is the ring's, reserved fields are nobody's. */
function visibleFields(view: ViewClass): string[] {
  return scalarFields(view).filter((name) => !isHidden(name));
}

function isHidden(field: string): boolean {
  return field === 'commitSeq' || field.startsWith('reserved');
}

function method(view: View, name: string): Call {
  const found = (view as unknown as Record<string, Call | undefined>)[name];
  if (found === undefined) throw new Error(`flatc made no ${name}`);
  return found.bind(view);
}

function hotCall(name: string): Call {
  const found = (hot as unknown as Record<string, Call | undefined>)[name];
  if (found === undefined) throw new Error(`hot.ts has no ${name}`);
  return found;
}

function equal(found: unknown, expected: unknown, what: string): void {
  if (found !== expected)
    throw new Error(`${what}: found=${String(found)}, expected=${String(expected)}`);
}

function isSafe(value: bigint): boolean {
  return value <= 2n ** 53n - 1n && value >= -(2n ** 53n) + 1n;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function snake(name: string): string {
  return name
    .replaceAll(/([A-Z])/g, '_$1')
    .replaceAll(/([a-z])(\d+)$/g, '$1_$2')
    .toLowerCase();
}

function lowerKeys(record: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key.toLowerCase(), value]),
  );
}

/** `1 PostOnly, 2 ReduceOnly` as a record. */
function described(text: string, where: RegExp): Record<string, number> {
  const found = where.exec(text)?.[1] ?? '';
  return Object.fromEntries(
    [...found.matchAll(/(\d+) (\w+)/g)].map(([, value, name]) => [name ?? '', Number(value)]),
  );
}
