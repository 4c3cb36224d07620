/** clock: what time it is. One of the five doors through which two runs may differ. */
export interface Clock {
  /** Nanoseconds since run start: monotonic, a safe integer (104 days). The same origin in every thread. */
  nowNs(): number;
  /** Epoch nanoseconds of run start. */
  readonly runEpochNs: bigint;
}
