/**
 * foreign-peers: the ring's peers in other languages (bench/peers): LMAX Disruptor in Java, Concurrency Kit in C, and our
 * own design in C as the floor. Built into a temporary directory; one process per measurement, which prints a JSON line.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface ForeignThroughput {
  /** Mmsg/s, of the whole run and of the median chunk. */
  readonly whole: number;
  readonly chunk: number;
}

export interface ForeignPeer {
  readonly name: string;
  readonly batches: readonly number[];
  throughput(batch: number): Promise<ForeignThroughput>;
  /** ns by quantile, keys like `0.5`. */
  roundTrip(): Promise<Readonly<Record<string, number>>>;
}

const SOURCES = fileURLToPath(new URL('../../bench/peers/', import.meta.url));
const DISRUPTOR_JAR = '/usr/share/java/disruptor.jar';
const CK_HEADER = '/usr/include/ck_ring.h';
const MESSAGES = 10_000_000;
const TRIPS = 200_000;
/** A second or two each when all is well. */
const TIMEOUT_MS = 120_000;

const run = promisify(execFile);

export class ForeignPeers {
  readonly #buildDir: string;
  readonly peers: readonly ForeignPeer[];
  /** A sentence for each that is missing. */
  readonly missing: readonly string[];

  constructor(canPin: boolean) {
    this.#buildDir = mkdtempSync(join(tmpdir(), 'tickwire-peers-'));
    const missing: string[] = [];
    this.peers = [
      ...peersOrNone('LMAX Disruptor (libdisruptor-java and a JDK)', missing, () =>
        disruptor(this.#buildDir, canPin),
      ),
      ...peersOrNone('Concurrency Kit (libck-dev and gcc)', missing, () =>
        concurrencyKit(this.#buildDir, canPin),
      ),
    ];
    this.missing = missing;
  }

  close(): void {
    rmSync(this.#buildDir, { recursive: true, force: true });
  }
}

function peersOrNone(
  what: string,
  missing: string[],
  build: () => readonly ForeignPeer[],
): readonly ForeignPeer[] {
  try {
    return build();
  } catch (error) {
    missing.push(`${what}: ${(error as Error).message.split('\n')[0] ?? ''}`);
    return [];
  }
}

function disruptor(buildDir: string, canPin: boolean): readonly ForeignPeer[] {
  if (!existsSync(DISRUPTOR_JAR)) throw new Error(`no ${DISRUPTOR_JAR}`);
  const source = join(SOURCES, 'DisruptorBench.java');
  execFileSync('javac', ['-nowarn', '-cp', DISRUPTOR_JAR, '-d', buildDir, source], {
    stdio: 'pipe',
  });
  const measure = async (...args: string[]): Promise<unknown> =>
    await measured(
      'java',
      ['-cp', `${DISRUPTOR_JAR}:${buildDir}`, 'DisruptorBench', ...args],
      canPin,
    );
  return [
    {
      name: 'Disruptor',
      batches: [1, 8, 32],
      throughput: async (batch) =>
        (await measure('tp', String(batch), String(MESSAGES))) as ForeignThroughput,
      roundTrip: async () => quantilesOf(await measure('pp', '1', String(TRIPS))),
    },
  ];
}

function concurrencyKit(buildDir: string, canPin: boolean): readonly ForeignPeer[] {
  if (!existsSync(CK_HEADER)) throw new Error(`no ${CK_HEADER}`);
  const program = join(buildDir, 'ck_bench');
  execFileSync(
    'gcc',
    [
      ...['-O3', '-march=native', '-pthread', '-o', program],
      ...[join(SOURCES, 'ck_bench.c'), '-lck'],
    ],
    { stdio: 'pipe' },
  );
  const peer = (name: string, ring: string): ForeignPeer => ({
    name,
    batches: [1],
    throughput: async () =>
      (await measured(program, ['tp', ring, String(MESSAGES)], canPin)) as ForeignThroughput,
    roundTrip: async () =>
      quantilesOf(await measured(program, ['pp', ring, String(TRIPS)], canPin)),
  });
  return [peer('ck_ring', 'ck'), peer('our design in C', 'slot')];
}

/** The JSON line of a peer's program; throws unless it says that no message was lost. */
async function measured(program: string, args: string[], canPin: boolean): Promise<unknown> {
  const { stdout } = await run(program, args, {
    timeout: TIMEOUT_MS,
    env: { ...process.env, ...(canPin ? {} : { NOPIN: '1' }) },
  });
  const result = JSON.parse(stdout) as { ok: boolean };
  if (!result.ok) throw new Error(`messages were lost or changed: ${program} ${args.join(' ')}`);
  return result;
}

function quantilesOf(result: unknown): Readonly<Record<string, number>> {
  return (result as { quantilesNs: Readonly<Record<string, number>> }).quantilesNs;
}
