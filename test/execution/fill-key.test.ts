/** fill-key: the same number for the same fill in every run. */
import fc from 'fast-check';
import t from 'tap';
import { fillKeyOf } from '#src/execution/fill-key.js';

t.test('a key is a positive safe integer, and stays what it is', (t) => {
  // The first 53 bits of SHA-256("22222-2222222-22222222"), from sha256sum.
  t.equal(fillKeyOf('22222-2222222-22222222'), 1_228_676_611_510_402);
  fc.assert(
    fc.property(fc.string(), (id) => {
      const key = fillKeyOf(id);
      return Number.isSafeInteger(key) && key > 0 && key === fillKeyOf(id);
    }),
  );
  const keys = new Set(Array.from({ length: 10_000 }, (_, index) => fillKeyOf(String(index))));
  t.equal(keys.size, 10_000);
  t.end();
});
