/**
 * message-ids: is anything missing between two messages of a dYdX connection?
 * @hotpath
 *
 * One per connection, ingest thread (and `normalize`). `message_id` counts every message of a connection from 0, but the
 * answer to a subscribe (`subscribed`, `error`) takes its number when the request arrives and is sent when its data are
 * fetched: numbers behind it may come before it. So a number that is passed over is owed by a request that is not answered
 * yet, as long as there are as many of those:
 *
 *   passed over <= unanswered      fine: they will come
 *   passed over >  unanswered      Gap: at least one message is lost
 *   lower than what was expected   Old, unless it was owed
 *
 * An error about a request that was no good takes no number: it repeats the last one.
 */
import { SequenceVerdict } from '../../domain/sequence-guard.js';

/** More requests than that are never under way (32 books, 32 trades, 1 markets); beyond it a gap is called a gap. */
const OWED_MAX = 128;

export class MessageIds {
  /** [0]: the number that comes next. */
  readonly #next = new Float64Array(1);
  readonly #owed = new Float64Array(OWED_MAX);
  #owedCount = 0;
  #unanswered = 0;
  #isJudging = false;

  /** A new connection. Before the first one nothing is judged: a capture may hold messages of many connections. */
  begin(first: number): void {
    this.#next[0] = first;
    this.#owedCount = 0;
    this.#unanswered = 0;
    this.#isJudging = true;
  }

  /** A subscribe goes out. */
  onRequest(): void {
    this.#unanswered++;
  }

  /** Of a message that is not the answer to a subscribe; `id` is [0]. */
  check(id: Float64Array): SequenceVerdict {
    if (id[0] === this.#next[0] || !this.#isJudging) {
      this.#next[0] = (id[0] as number) + 1;
      return SequenceVerdict.Next;
    }
    return this.#unexpected(id);
  }

  /** Of a `subscribed` or `error`; `id` is [0]. */
  checkAnswer(id: Float64Array, isError: boolean): SequenceVerdict {
    if (!this.#isJudging) return SequenceVerdict.Next;
    const owedAt = this.#owed.subarray(0, this.#owedCount).indexOf(id[0] as number);
    if (owedAt >= 0) {
      this.#owedCount--;
      this.#owed[owedAt] = this.#owed[this.#owedCount] as number;
    } else if ((id[0] as number) < (this.#next[0] as number) && !isError) {
      return SequenceVerdict.Old;
    }
    if (this.#unanswered > 0) this.#unanswered--;
    if (owedAt < 0 && (id[0] as number) >= (this.#next[0] as number)) {
      if (this.check(id) === SequenceVerdict.Gap) return SequenceVerdict.Gap;
    }
    return this.#owedCount > this.#unanswered ? this.#gap() : SequenceVerdict.Next;
  }

  /** Cold: a number that was not expected. */
  #unexpected(id: Float64Array): SequenceVerdict {
    const next = this.#next[0] as number;
    const taken = id[0] as number;
    if (taken < next) return SequenceVerdict.Old;
    this.#next[0] = taken + 1;
    const passed = taken - next;
    const owedCount = this.#owedCount + passed;
    if (owedCount > this.#unanswered || owedCount > OWED_MAX) return this.#gap();
    for (let owed = next; owed < taken; owed++) this.#owed[this.#owedCount++] = owed;
    return SequenceVerdict.Next;
  }

  /** Told once: what was owed is lost or not, nobody knows. */
  #gap(): SequenceVerdict {
    this.#owedCount = 0;
    return SequenceVerdict.Gap;
  }
}
