#!/bin/sh
# Every interleaving of the protocols of shared memory, by Spin: `make model`, under two minutes.
# The variants as built must have no error; every deliberately broken variant must have one, else this fails: a model that
# finds nothing proves nothing. A line per run: variant, states looked at, outcome.
set -u
cd "$(dirname "$0")" || exit 1
here="$(pwd)"

if ! command -v spin >/dev/null 2>&1 || ! command -v cc >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo 'installing spin (Debian package)'
    packages='spin gcc libc6-dev'
    # shellcheck disable=SC2086 # Several packages.
    { apt-get install -y --no-install-recommends $packages ||
      { apt-get update && apt-get install -y --no-install-recommends $packages; }; } >/dev/null 2>&1 </dev/null
  fi
  if ! command -v spin >/dev/null 2>&1 || ! command -v cc >/dev/null 2>&1; then
    echo 'missing: spin or cc. To install:  sudo apt-get update && sudo apt-get install -y spin gcc libc6-dev' >&2
    exit 2
  fi
fi

work="$(mktemp -d)" || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
runs=0

# check WANTED MODEL DEFINE...: WANTED is `safe` or `caught`.
check() {
  wanted="$1"
  model="$2"
  shift 2
  runs=$((runs + 1))
  defines=""
  for define in "$@"; do defines="$defines -D$define"; done
  outcome=broken-run
  # A fault is found in no time: there the compiler is what costs.
  if [ "$wanted" = safe ]; then optimize=-O2; else optimize=-O0; fi
  # shellcheck disable=SC2086 # One argument per define.
  if (cd "$work" && rm -f pan* _spin* && spin -a $defines "$here/$model" && cc $optimize -DSAFETY -w -o pan pan.c) >"$work/log" 2>&1; then
    (cd "$work" && timeout 300 ./pan -m1000000) >"$work/out" 2>&1
    if grep -q 'errors: 0$' "$work/out" && ! grep -q 'Search not completed\|too small\|out of memory' "$work/out"; then
      outcome=safe
    elif grep -q 'assertion violated\|invalid end state' "$work/out" && grep -q 'errors: [1-9]' "$work/out"; then
      outcome=caught
    else
      tail -n 5 "$work/out" >&2
    fi
  else
    tail -n 5 "$work/log" >&2
  fi
  states="$(awk '/states, stored/ { print $1 }' "$work/out" 2>/dev/null)"
  if [ "$outcome" = "$wanted" ]; then verdict="$outcome"; else
    verdict="FAILED: $outcome, should be $wanted"
    failures=$((failures + 1))
  fi
  printf '%-8s %9s states  %s  (%s)\n' "${model%.pml}" "${states:-0}" "$verdict" "$*"
}

# As built: gating readers, batches, the wrap.
check safe ring.pml SLOTS=2 MESSAGES=6 GATING=2 BATCH=2
check safe ring.pml SLOTS=2 MESSAGES=6 GATING=1 BATCH=2 START=0
check safe ring.pml SLOTS=4 BLOCK=2 MESSAGES=8 GATING=1 BATCH=3
check safe ring.pml SLOTS=4 MESSAGES=7 GATING=2 BATCH=2
# Trailing readers, blocks of one and of two slots, batches up to the whole ring, skips.
check safe ring.pml SLOTS=2 MESSAGES=8 GATING=0 TRAILING=1 BATCH=2 SKIPS=1
check safe ring.pml SLOTS=4 MESSAGES=7 GATING=0 TRAILING=1 BATCH=3 SKIPS=1
check safe ring.pml SLOTS=4 BLOCK=2 MESSAGES=7 GATING=0 TRAILING=1 BATCH=4
check safe ring.pml IN_ORDER SLOTS=4 BLOCK=2 MESSAGES=8 GATING=0 TRAILING=1 BATCH=4 SKIPS=1
check safe ring.pml SLOTS=2 MESSAGES=4 GATING=0 TRAILING=2
# Both kinds on one ring.
check safe ring.pml SLOTS=2 MESSAGES=6 GATING=1 TRAILING=1 BATCH=2
# The writer, and a gating reader, die between any two steps, and another goes on.
check safe ring.pml SLOTS=2 MESSAGES=5 GATING=1 BATCH=2 DEATHS=2 READER_DEATHS=1
check safe ring.pml IN_ORDER SLOTS=4 BLOCK=2 MESSAGES=6 GATING=1 BATCH=3 DEATHS=2
check safe ring.pml SLOTS=2 MESSAGES=4 GATING=0 TRAILING=1 BATCH=2 DEATHS=1
check safe ring.pml IN_ORDER SLOTS=4 BLOCK=2 MESSAGES=6 GATING=0 TRAILING=1 BATCH=4 DEATHS=1
check safe ring.pml IN_ORDER SLOTS=2 MESSAGES=4 GATING=1 TRAILING=1 BATCH=2 DEATHS=1
# The wait word: two rings and one sleeper; one ring and two sleepers; two of both.
check safe wake.pml WRITERS=2 SLEEPERS=1 MESSAGES=3
check safe wake.pml WRITERS=1 SLEEPERS=2 MESSAGES=3
check safe wake.pml WRITERS=2 SLEEPERS=2 MESSAGES=1
# An event loop that keeps its waiter over several sleeps and gets up by itself between them.
check safe wake.pml EVENT_LOOP WRITERS=1 MESSAGES=4
check safe wake.pml EVENT_LOOP WRITERS=2 MESSAGES=2

# Broken on purpose, each in one place.
check caught ring.pml BROKEN_COMMIT_BEFORE_PAYLOAD SLOTS=2
check caught ring.pml BROKEN_WRITER_IGNORES_CURSORS SLOTS=2
check caught ring.pml BROKEN_RELEASED_BEFORE_READ SLOTS=2
check caught ring.pml BROKEN_COMPARED_WITHOUT_WRAP SLOTS=2
check caught ring.pml BROKEN_COMMIT_WORDS_START_AT_ZERO SLOTS=2 START=31
check caught ring.pml BROKEN_FIRST_COMMIT_FIRST BATCH=3
check caught ring.pml BROKEN_RESUME_KEEPS_BATCH BATCH=3 DEATHS=1
check caught ring.pml BROKEN_NO_SECOND_LOOK SLOTS=2 GATING=0 TRAILING=1
check caught ring.pml BROKEN_SECOND_LOOK_BEFORE_COPY SLOTS=2 GATING=0 TRAILING=1
check caught ring.pml BROKEN_CLAIM_AFTER_WRITE SLOTS=2 GATING=0 TRAILING=1
check caught ring.pml BROKEN_TOUCHES_UNCLAIMED_SLOTS BLOCK=2 GATING=0 TRAILING=1
check caught ring.pml BROKEN_TOUCHES_UNRELEASED_SLOTS BLOCK=2
check caught ring.pml BROKEN_WHOLE_RING_BATCH BLOCK=2 MESSAGES=7 GATING=0 TRAILING=1 BATCH=4
check caught wake.pml BROKEN_NO_SECOND_LOOK
check caught wake.pml BROKEN_LOOK_BEFORE_ARM
check caught wake.pml BROKEN_SIGNAL_BEFORE_PUBLISH
check caught wake.pml BROKEN_WAIT_WITHOUT_COMPARE
check caught wake.pml BROKEN_OLD_WAITER_DOES_NOT_COUNT EVENT_LOOP
check caught wake.pml BROKEN_ONE_WORD_FOR_ALL WRITERS=1 SLEEPERS=2

echo "$runs runs, $failures failed"
[ "$failures" = 0 ]
