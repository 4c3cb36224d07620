/*
 * The protocol of src/memory/ring.ts, small enough to look at every interleaving (sh test/model/check.sh, make model).
 *
 * Every access to shared memory is one step; plain stores between two atomic ones may come in any order, and so may the
 * plain loads of a copy. Sequences and block counts wrap at SEQS as int32 does at 2^32, and start just before the wrap.
 * A record is two words with its number, so a torn one shows. Names are those of ring.ts. Where a slot stands in memory
 * (ringSlotIndex) makes no difference here: it is the same slot for every record of the same number modulo SLOTS.
 *
 * Checked: a gating reader gets every record once, whole, in order; the writer touches no slot that a gating reader has not
 * released; a trailing reader gets whole records in order, and read + missed + skipped is its place in the stream; nobody
 * gets what is not published; `poll` says "none" only when there is none, so a batch appears as a whole; all this also
 * when the writer (or a gating reader) dies between any two steps and a new one goes on.
 *
 * BROKEN_… variants leave out one rule each. check.sh fails unless Spin finds what is wrong with every one of them.
 */
#ifndef SLOTS
#define SLOTS 4
#endif
#ifndef BLOCK
#define BLOCK 1     /* ring.ts: an eighth of the ring, at least one slot */
#endif
#ifndef SEQS
#define SEQS 32     /* a power of two */
#endif
#ifndef START
#define START (SEQS - 3)
#endif
#ifndef MESSAGES
#define MESSAGES 6
#endif
#ifndef BATCH
#define BATCH 1     /* 1: single records only; at most 4 */
#endif
#ifndef GATING
#define GATING 1
#endif
#ifndef TRAILING
#define TRAILING 0
#endif
#ifndef SKIPS
#define SKIPS 0     /* skipToEnd per trailing reader */
#endif
#ifndef DEATHS
#define DEATHS 0    /* of the writer */
#endif
#ifndef READER_DEATHS
#define READER_DEATHS 0
#endif

#define ADD(x, y)  (((x) + (y)) % SEQS)
#define SUB(x, y)  (((x) + SEQS - (y)) % SEQS)      /* for differences known to be >= 0 */
#define BEYOND(x, y) (x != y && SUB(x, y) < SEQS / 2) /* ((x - y) | 0) > 0 */
#define AT(s)      slot[(s) % SLOTS]
#define RECORD(n)  ((n) + 1)

typedef Slot { byte a; byte b; byte commit };

/* Shared memory. */
Slot slot[SLOTS];
byte claim, claimSeq;
byte cursor[GATING + 1];

/* What only the proof knows. */
byte published;               /* records, without wrap */
byte released[GATING + 1];    /* what cursor[] means, without wrap */
bool writerDies, readerDies, isReady;

/* ---- The writer. */

inline slowestGate() {
  lag = 0; k = 0;
  do
  :: k < GATING -> d_step { if :: SUB(seq, cursor[k]) > lag -> lag = SUB(seq, cursor[k]) :: else fi; k++ }
  :: else -> break
  od;
  gate = SUB(seq, lag)
}

inline claimBlocksUpTo() {
  blocks = (SUB(ADD(seq, slots), claimEnd) + BLOCK - 1) / BLOCK;
#ifndef BROKEN_WHOLE_RING_BATCH
  /* The batch must not reach into the block that it begins in, one lap later. */
  if
  :: SUB(ADD(claimEnd, blocks * BLOCK), seq) > SLOTS -> blocks--; slots = SUB(ADD(claimEnd, blocks * BLOCK), seq)
  :: else
  fi;
#endif
  claimEnd = ADD(claimEnd, blocks * BLOCK);
  claimSeq = seq;
#ifndef BROKEN_CLAIM_AFTER_WRITE
  claim = ADD(claim, blocks)
#endif
}

/* Store number `nth` of a batch: words a, b and commit of slot nth / 3. */
inline plainStore(nth) {
  d_step {
    k = (nth) / 3;
    todo = todo & ~(1 << (nth));
    if
    :: (nth) % 3 == 2 -> AT(seq + k).commit = ADD(seq, k + 1)
    :: else ->
      g = 0;
      do
      :: g < GATING -> assert(published + k < released[g] + SLOTS); g++
      :: else -> break
      od;
      if
      :: (nth) % 3 == 0 -> AT(seq + k).a = RECORD(published + k)
      :: else -> AT(seq + k).b = RECORD(published + k)
      fi
    fi;
    k = 0; g = 0
  }
}

#ifdef IN_ORDER     /* fewer states: plain stores as they stand in the code */
#define CAN(nth) (((todo >> (nth)) & 1) && (todo & ((1 << (nth)) - 1)) == 0)
#else
#define CAN(nth) ((todo >> (nth)) & 1)
#endif

inline plainStores() {
  do
  :: CAN(0) -> plainStore(0)
  :: CAN(1) -> plainStore(1)
#if BATCH > 1
  :: CAN(3) -> plainStore(3)
  :: CAN(4) -> plainStore(4)
  :: CAN(5) -> plainStore(5)
#endif
#if BATCH > 2
  :: CAN(6) -> plainStore(6)
  :: CAN(7) -> plainStore(7)
  :: CAN(8) -> plainStore(8)
#endif
#if BATCH > 3
  :: CAN(9) -> plainStore(9)
  :: CAN(10) -> plainStore(10)
  :: CAN(11) -> plainStore(11)
#endif
  :: todo == 0 -> break
  od
}

inline storeFirstCommit() {
  d_step { AT(seq).commit = ADD(seq, 1); published = published + slots }
}

/* The writer may put anything into slots that are its own, before it has a record for them: claimed and released ones. */
inline touchAhead() {
  k = 0;
  free = SLOTS - SUB(seq, gate);
#ifdef BROKEN_TOUCHES_UNCLAIMED_SLOTS
  slots = free;
#else
  slots = SUB(claimEnd, seq);
#ifndef BROKEN_TOUCHES_UNRELEASED_SLOTS
  if :: free < slots -> slots = free :: else fi;
#endif
#endif
  do
  :: k < slots ->
    d_step {
      g = 0;
      do
      :: g < GATING -> assert(published + k < released[g] + SLOTS); g++
      :: else -> break
      od;
      g = 0;
      AT(seq + k).a = 0;
      k++
    }
  :: break
  od;
  k = 0
}

/* A new writer: the end of what was published; later commit words of an unfinished batch are taken back. */
inline resume() {
  seq = claimSeq;
  claimEnd = ADD(START, SUB(claim, START) * BLOCK);
  do
  :: seq != claimEnd ->
    if
    :: AT(seq).commit == ADD(seq, 1) -> seq = ADD(seq, 1)
    :: else -> break
    fi
  :: else -> break
  od;
  /* It has found exactly what was published. */
  assert(seq == ADD(START, published));
#ifndef BROKEN_RESUME_KEEPS_BATCH
  k = seq;
  do
  :: k != claimEnd ->
    if :: AT(k).commit == ADD(k, 1) -> AT(k).commit = ADD(SUB(k, SLOTS), 1) :: else fi;
    k = ADD(k, 1)
  :: else -> break
  od;
#endif
  slowestGate();
  k = 0
}

active proctype writer() {
  byte seq, gate, claimEnd, lag, blocks, slots, free, k, g;
  short todo;
  d_step {
    k = 0;
    do
    :: k < SLOTS ->
#ifdef BROKEN_COMMIT_WORDS_START_AT_ZERO
      AT(START + k).commit = 0;
#else
      AT(START + k).commit = ADD(SUB(ADD(START, k), SLOTS), 1);
#endif
      k++
    :: else -> break
    od;
    k = 0; claim = START; claimSeq = START;
    do
    :: k < GATING -> cursor[k] = START; k++
    :: else -> break
    od;
    isReady = true
  }
begin:
  {
    resume();
    do
    :: published == MESSAGES -> break
    :: published < MESSAGES ->
      if
      :: slots = 1
#if BATCH > 1
      :: published + 2 <= MESSAGES && SLOTS >= 2 -> slots = 2
#endif
#if BATCH > 2
      :: published + 3 <= MESSAGES && SLOTS >= 3 -> slots = 3
#endif
#if BATCH > 3
      :: published + 4 <= MESSAGES && SLOTS >= 4 -> slots = 4
#endif
      fi;
#if defined(BROKEN_WRITER_IGNORES_CURSORS)
      free = SLOTS;
#elif defined(BROKEN_COMPARED_WITHOUT_WRAP)
      free = (gate + SLOTS > seq -> gate + SLOTS - seq : 0);
      if
      :: seq < gate -> free = SLOTS
      :: else
      fi;
      if :: free < slots -> slowestGate(); free = SLOTS - SUB(seq, gate) :: else fi;
#else
      free = SLOTS - SUB(seq, gate);
      if :: free < slots -> slowestGate(); free = SLOTS - SUB(seq, gate) :: else fi;
#endif
      if
      :: free == 0 -> skip   /* claim gives -1: try again later */
      :: else ->
        if :: free < slots -> slots = free :: else fi;
        if :: BEYOND(ADD(seq, slots), claimEnd) -> claimBlocksUpTo() :: else -> blocks = 0 fi;
        todo = (1 << (3 * slots)) - 1 - 4;                      /* all words but the first commit */
#if defined(BROKEN_COMMIT_BEFORE_PAYLOAD)
        storeFirstCommit();
        published = published - slots;
        plainStores();
        published = published + slots;
#elif defined(BROKEN_FIRST_COMMIT_FIRST)
        todo = todo & 1755;                                     /* payloads; then the first; then the others */
        plainStores();
        storeFirstCommit();
        k = 1;
        do
        :: k < slots -> AT(seq + k).commit = ADD(seq, k + 1); k++
        :: else -> break
        od;
        k = 0;
#else
        plainStores();
#ifdef BROKEN_CLAIM_AFTER_WRITE
        claim = ADD(claim, blocks);
#endif
        storeFirstCommit();
#endif
        seq = ADD(seq, slots);
        touchAhead()
      fi
    od
  } unless { writerDies };
  if
  :: writerDies ->
    d_step {
      seq = 0; gate = 0; claimEnd = 0; lag = 0; blocks = 0; slots = 0; free = 0; k = 0; g = 0; todo = 0;
      writerDies = false
    };
    goto begin
  :: else
  fi
}

/* ---- A reader that the writer waits for. */

proctype gating(byte me) {
  byte pos, from, a, b;   /* #seq and #releasedSeq, without wrap */
  bool isWritten;
begin:
  {
    do
    :: pos == MESSAGES && from == pos -> break
    :: else ->
      d_step {
        isWritten = (AT(START + pos).commit == ADD(START, pos + 1));
        assert(isWritten == (pos < published))
      }
      if
      :: isWritten ->
#ifdef BROKEN_RELEASED_BEFORE_READ
        d_step { cursor[me] = ADD(START, pos + 1); released[me] = pos + 1 };
#endif
        if
        :: a = AT(START + pos).a; b = AT(START + pos).b
        :: b = AT(START + pos).b; a = AT(START + pos).a
        fi;
        d_step { assert(a == RECORD(pos) && b == RECORD(pos)); a = 0; b = 0; pos++ };
        if
        :: pos - from >= BLOCK -> d_step { cursor[me] = ADD(START, pos); released[me] = pos; from = pos }
        :: else
        fi
      :: !isWritten && pos != from -> d_step { cursor[me] = ADD(START, pos); released[me] = pos; from = pos }
      :: else
      fi
    od
  } unless { me == 0 && readerDies };
  if
  :: me == 0 && readerDies -> d_step { pos = released[me]; from = pos; a = 0; b = 0; readerDies = false }; goto begin
  :: else
  fi;
  assert(pos == MESSAGES)
}

/* ---- A reader that nobody waits for. */

#define LIMIT ADD(START, pos / BLOCK + SLOTS / BLOCK)
#define IS_LAPPED BEYOND(claim, LIMIT)

proctype trailing(byte me) {
  byte pos, readCount, lapped, skipped, a, b, oldest, skips;
  bool isWritten, isAtEnd, isLapped;
  do
  :: pos == MESSAGES -> break
#if SKIPS > 0
  :: pos < MESSAGES && skips < SKIPS ->
    skips++;
    do
    :: oldest = SUB(claim, START) * BLOCK;
      /* known = claimed * BLOCK - back, where back may be negative. */
      d_step {
        if
        :: BEYOND(ADD(START, oldest), claimSeq) -> oldest = oldest - SUB(ADD(START, oldest), claimSeq)
        :: else -> oldest = oldest + SUB(claimSeq, ADD(START, oldest))
        fi
      };
      if :: oldest > pos -> skipped = skipped + oldest - pos; pos = oldest :: else fi;
      do
      :: AT(START + pos).commit == ADD(START, pos + 1) -> pos++; skipped++
      :: else -> break
      od;
      if :: !IS_LAPPED -> break :: else fi
    od;
    oldest = 0;
    assert(pos <= published)
#endif
  :: pos < MESSAGES ->
    d_step {
      isWritten = (AT(START + pos).commit == ADD(START, pos + 1));
      isAtEnd = (pos == published)
    }
#ifdef BROKEN_SECOND_LOOK_BEFORE_COPY
    if :: isWritten -> a = AT(START + pos).a :: else fi;
    isLapped = IS_LAPPED;
    if :: isWritten -> b = AT(START + pos).b :: else fi;
#else
    if
    :: isWritten -> a = AT(START + pos).a; b = AT(START + pos).b
    :: isWritten -> b = AT(START + pos).b; a = AT(START + pos).a
    :: else
    fi;
#ifdef BROKEN_NO_SECOND_LOOK
    isLapped = (isWritten -> 0 : IS_LAPPED);
#else
    isLapped = IS_LAPPED;
#endif
#endif
    if
    :: !isLapped && isWritten ->
      d_step { assert(a == RECORD(pos) && b == RECORD(pos) && pos < published); pos++; readCount++ }
    :: !isLapped && !isWritten -> assert(isAtEnd)
    :: isLapped ->
      /* jumpToOldest: everything from here on was whole when we looked, and nothing before it is certain. */
      d_step {
        oldest = (SUB(claim, START) - SLOTS / BLOCK) * BLOCK;
        assert(oldest > pos && oldest <= published);
        lapped = lapped + oldest - pos;
        pos = oldest;
        oldest = 0
      }
    fi;
    d_step { a = 0; b = 0; isLapped = false; isAtEnd = false; isWritten = false }
  od;
  assert(readCount + lapped + skipped == MESSAGES)
}

/* ---- Everybody. */

init {
  byte n;
  isReady;
  atomic {
    do
    :: n < GATING -> run gating(n); n++
    :: else -> break
    od;
    n = 0;
    do
    :: n < TRAILING -> run trailing(n); n++
    :: else -> break
    od
  }
#if DEATHS > 0 || READER_DEATHS > 0
  n = 0;
  do
  :: n < DEATHS -> n++; writerDies = true;
endWriter: !writerDies   /* it may have ended before */
  :: break
  od;
  n = 0;
  do
  :: n < READER_DEATHS -> n++; readerDies = true;
endReader: !readerDies
  :: break
  od
#endif
}
