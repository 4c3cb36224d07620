/*
 * The wait word of src/memory/wake.ts: a sleeper that arms, looks once more and waits; writers that publish and then signal.
 *
 *   sleeper  arm, look, wait (if still armed), disarm        writer  publish, then signal: load, compare-exchange, notify
 *
 * Checked: nobody sleeps while there is something to read. A lost wake-up leaves a sleeper waiting for ever, which Spin
 * reports as an invalid end state. Waits here have no end of time, so no nap hides a lost one.
 * Two writers may signal one sleeper (an agent with two rings); several sleepers each have a word of their own.
 * EVENT_LOOP: the sleeper of src/runtime/agent-thread.ts that keeps one Atomics.waitAsync over several sleeps; between
 * them it gets up by itself NAPS times.
 * BROKEN_… variants leave out one rule each, and Spin must find it.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef SLEEPERS
#define SLEEPERS 1
#endif
#ifndef MESSAGES
#define MESSAGES 2    /* of each writer */
#endif

#ifndef NAPS
#define NAPS 2
#endif

#ifdef BROKEN_ONE_WORD_FOR_ALL
#define WORD(sleeper) 0
#else
#define WORD(sleeper) (sleeper)
#endif

bool armed[SLEEPERS];          /* the words */
bool sleeps[SLEEPERS];         /* inside Atomics.wait, or waitAsync is pending: who can be notified */
bool isDue;                    /* EVENT_LOOP: the promise of waitAsync is settled, its callback has not run yet */
byte published[WRITERS];

/* Atomics.notify(word, 1): wakes one of those who sleep on that word. */
inline notifyOne(word) {
  atomic {
    if
#if SLEEPERS > 1
    :: sleeps[1] && WORD(1) == (word) -> sleeps[1] = false
#endif
    :: sleeps[0] && WORD(0) == (word) ->
      sleeps[0] = false;
#ifdef EVENT_LOOP
      isDue = true
#endif
    :: else
    fi
  }
}

proctype writer(byte me) {
  byte count, s;
  bool seen;
  do
  :: count == MESSAGES -> break
  :: else ->
    count++;
#ifndef BROKEN_SIGNAL_BEFORE_PUBLISH
    published[me] = count;
#endif
    s = 0;
    do
    :: s < SLEEPERS ->
      seen = armed[WORD(s)];
      if
      :: seen ->
        atomic { seen = armed[WORD(s)]; armed[WORD(s)] = false };
        if
        :: seen -> notifyOne(WORD(s))
        :: else
        fi
      :: else
      fi;
      s++
    :: else -> break
    od;
#ifdef BROKEN_SIGNAL_BEFORE_PUBLISH
    published[me] = count
#endif
  od
}

/* One word per ring: what this sleeper has read of each writer. */
inline look() {
  w = 0;
  hasNew = false;
  do
  :: w < WRITERS ->
    if
    :: published[w] > seenCount[w] -> seenCount[w]++; hasNew = true
    :: else
    fi;
    w++
  :: else -> break
  od
}

inline sumUp() {
  d_step {
    sum = 0;
    w = 0;
    do
    :: w < WRITERS -> sum = sum + seenCount[w]; w++
    :: else -> break
    od
  }
}

proctype sleeper(byte me) {
  byte seenCount[WRITERS];
  byte w, sum;
  bool hasNew;
  do
  :: sum == WRITERS * MESSAGES -> break
  :: else ->
    look();
    if
    :: !hasNew ->
#ifdef BROKEN_LOOK_BEFORE_ARM
      look();
      armed[WORD(me)] = true;
#else
      armed[WORD(me)] = true;
#ifndef BROKEN_NO_SECOND_LOOK
      look();
#endif
#endif
      if
      :: !hasNew ->
        /* Atomics.wait: compares and goes to sleep in one step. */
#ifdef BROKEN_WAIT_WITHOUT_COMPARE
        sleeps[me] = true;
#else
        atomic {
          if
          :: armed[WORD(me)] -> sleeps[me] = true
          :: else
          fi
        };
#endif
        !sleeps[me]
      :: else
      fi;
      armed[WORD(me)] = false
    :: else
    fi;
    sumUp()
  od
}

/* Callbacks run one at a time, between the turns; a settled promise's may come before or after the next turn. */
proctype loopSleeper() {
  byte seenCount[WRITERS];
  byte w, sum, naps, sleepNumber, waiterOf;
  bool hasNew, hasWaiter;
turn:
  if
  :: isDue -> isDue = false; hasWaiter = false   /* not parked: nothing to do */
  :: skip
  fi;
  look();
  sumUp();
  if
  :: sum == WRITERS * MESSAGES -> goto end
  :: sum != WRITERS * MESSAGES && hasNew -> goto turn
  :: else
  fi;
  armed[0] = true;
  look();
  if
  :: hasNew -> armed[0] = false; goto turn
  :: else
  fi;
  sleepNumber++;
  if
  :: !hasWaiter ->
    hasWaiter = true;
    waiterOf = sleepNumber;
    atomic {
      if
      :: armed[0] -> sleeps[0] = true
      :: else -> isDue = true
      fi
    }
  :: else
  fi;
asleep:
  if
#ifdef BROKEN_OLD_WAITER_DOES_NOT_COUNT
  :: isDue && waiterOf != sleepNumber -> isDue = false; hasWaiter = false; goto asleep
  :: isDue && waiterOf == sleepNumber ->
#else
  :: isDue ->
#endif
    isDue = false;
    hasWaiter = false;
    armed[0] = false;
    goto turn
  :: naps < NAPS ->
    naps++;
    look();
    if
    :: hasNew -> armed[0] = false; goto turn
    :: else -> goto asleep
    fi
  fi;
end:
  skip
}

init {
  byte n;
  atomic {
    do
    :: n < WRITERS -> run writer(n); n++
    :: else -> break
    od;
    n = 0;
    do
#ifdef EVENT_LOOP
    :: n < 1 -> run loopSleeper(); n++
#else
    :: n < SLEEPERS -> run sleeper(n); n++
#endif
    :: else -> break
    od
  }
}
