/** Regions and wake words by themselves; refusals of rings are in ring.test.ts. */
import t from 'tap';
import { allocateRegion, attachRegion, hashWord, type RegionSpec } from '#src/memory/region.js';
import { WakeWord, wakeBytes } from '#src/memory/wake.js';

const SPEC: RegionSpec = {
  name: 'board',
  bytes: 70_000,
  writerRole: 'execution',
  schemaHashWord: -5,
};

t.test('a region is zeroed, in whole pages, and can be attached as what it is', async (t) => {
  const buffer = allocateRegion(SPEC);
  t.equal(buffer.byteLength, 131_072);
  t.doesNotThrow(() => attachRegion(buffer, SPEC));
  t.ok(new Int32Array(buffer, 128).every((word) => word === 0));
});

t.test(
  'a region that is not what was expected is refused, with the name and both values',
  async (t) => {
    const buffer = allocateRegion(SPEC);
    const refuse = (spec: RegionSpec, message: RegExp): void =>
      void t.throws(() => attachRegion(buffer, spec), { name: 'Bug', message });
    refuse(
      { ...SPEC, schemaHashWord: 6 },
      /name=board, schemaHashWord=-5, expected schemaHashWord=6/,
    );
    refuse({ ...SPEC, bytes: 70_004 }, /bytes=70000, expected bytes=70004/);
    refuse(
      { ...SPEC, bytes: 200_000 },
      /region too small: name=board, bytes=131072, expected=200000/,
    );
    refuse({ ...SPEC, slotBytes: 64 }, /slotBytes=0, expected slotBytes=64/);
    new Int32Array(buffer)[1] = 99;
    refuse(SPEC, /layoutVersion=99, expected layoutVersion=\d+/);
    t.throws(() => attachRegion(new SharedArrayBuffer(70_000), SPEC), /magic=0/);
    t.throws(
      () => allocateRegion({ ...SPEC, bytes: 64 }),
      /region smaller than its header: name=board, bytes=64/,
    );
  },
);

t.test('names are told apart', async (t) => {
  t.not(hashWord('ticks'), hashWord('intents'));
  t.not(hashWord('intents-0'), hashWord('intents-1'));
  t.equal(hashWord('ticks'), hashWord('ticks'));
});

t.test(
  'a sleeper wakes by signal, by time, or does not sleep when the signal came first',
  async (t) => {
    // A sleep in waitAsync does not keep the event loop alive; a thread's sockets or its runner do.
    const keepAlive = setInterval(() => undefined, 60_000);
    t.teardown(() => {
      clearInterval(keepAlive);
    });
    const buffer = new SharedArrayBuffer(wakeBytes(3));
    const wake = new WakeWord(buffer, 2);
    const other = new WakeWord(buffer, 1);
    wake.arm();
    wake.wait(1);
    t.pass('by time');
    await wake.waitAsync(1);
    wake.signal();
    wake.wait(60_000);
    await wake.waitAsync(60_000);
    t.pass('the signal came first');
    wake.disarm();
    wake.wait(60_000);
    t.pass('not armed: no sleep');
    wake.arm();
    const slept = wake.waitAsync(60_000);
    let isAwake = false;
    void slept.then(() => (isAwake = true));
    other.arm();
    other.signal();
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(isAwake, false, 'the signal of another agent is not ours');
    wake.signal();
    await slept;
    t.pass('by signal');
    t.throws(() => new WakeWord(buffer, 3), /wake index outside the region: index=3/);
  },
);
