/** piscina-worker: the task of ring.bench.ts's piscina cases: reads eight words and answers their sum. */
import type { messageOf } from './ring-worker.js';

export default function sumOf(message: ReturnType<typeof messageOf>): number {
  return (
    (message.a +
      message.b +
      message.c +
      message.d +
      message.e +
      message.f +
      message.g +
      message.h) |
    0
  );
}
