/*
 * ck_bench: Concurrency Kit's ck_ring (one producer, one consumer, 64-byte messages by value) beside ../ring.bench.ts, and
 * our own ring's design (commit word in the slot) in C, as the floor. Same work: eight words written, read and summed, 4096
 * slots. Prints one JSON line.
 *
 *   ck_bench tp|pp ck|slot COUNT      tp: throughput, pp: round trip
 *
 * Producer on the first core, consumer on the second (NOPIN set: wherever). Written for this project; ck_ring (BSD-2-Clause)
 * is Debian's libck-dev. Build: gcc -O3 -march=native -pthread -o ck_bench ck_bench.c -lck
 */
#define _GNU_SOURCE
#include <ck_ring.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 4096
#define CHUNK 32768
#define WARMUP (61 * CHUNK)
#define WARMUP_TRIPS 50000

struct message { uint64_t word[8]; } __attribute__((aligned(64)));
CK_RING_PROTOTYPE(message, message)

struct slot { uint32_t word[15]; atomic_int commit; } __attribute__((aligned(64)));
struct end { struct slot *slots; atomic_int *cursor; uint32_t position, gate; };

static ck_ring_t ck_there __attribute__((aligned(128))), ck_back __attribute__((aligned(128)));
static struct message messages_there[SLOTS], messages_back[SLOTS];
static struct slot slots_there[SLOTS], slots_back[SLOTS];
static struct { atomic_int value; char pad[124]; } cursor_there __attribute__((aligned(128))), cursor_back;
static int is_slot, is_round_trip;
static uint64_t count, sum;
static atomic_int ready;
static double whole, *samples;
static uint64_t *times;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void pin(int core) {
  cpu_set_t set;
  if (getenv("NOPIN")) return;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void arrive(void) {
  atomic_fetch_add(&ready, 1);
  while (atomic_load(&ready) < 2);
}

/* The last word of a slot says seq + 1 when the rest is written. */
static inline int slot_put(struct end *e, uint32_t value) {
  if (e->position - e->gate >= SLOTS) {
    e->gate = atomic_load_explicit(e->cursor, memory_order_acquire);
    if (e->position - e->gate >= SLOTS) return 0;
  }
  struct slot *s = &e->slots[e->position & (SLOTS - 1)];
  for (int k = 0; k < 8; k++) s->word[k] = value;
  e->position++;
  atomic_store_explicit(&s->commit, (int)e->position, memory_order_release);
  return 1;
}

static inline int slot_take(struct end *e, uint64_t *total) {
  struct slot *s = &e->slots[e->position & (SLOTS - 1)];
  if (atomic_load_explicit(&s->commit, memory_order_acquire) != (int)(e->position + 1)) return 0;
  for (int k = 0; k < 8; k++) *total += s->word[k];
  e->position++;
  if ((e->position & (SLOTS / 8 - 1)) == 0) atomic_store_explicit(e->cursor, (int)e->position, memory_order_release);
  return 1;
}

static inline void ck_put(ck_ring_t *ring, struct message *buffer, uint64_t value) {
  struct message m;
  for (int k = 0; k < 8; k++) m.word[k] = value;
  while (!ck_ring_enqueue_spsc_message(ring, buffer, &m));
}

static inline void ck_take(ck_ring_t *ring, struct message *buffer, uint64_t *total) {
  struct message m;
  while (!ck_ring_dequeue_spsc_message(ring, buffer, &m));
  for (int k = 0; k < 8; k++) *total += m.word[k];
}

static void trip(struct end *out, struct end *in, uint64_t value) {
  uint64_t total = 0;
  if (is_slot) {
    while (!slot_put(out, (uint32_t)value));
    while (!slot_take(in, &total));
  } else {
    ck_put(&ck_there, messages_there, value);
    ck_take(&ck_back, messages_back, &total);
  }
  sum += total;
}

static void *producer(void *unused) {
  struct end out = {slots_there, &cursor_there.value, 0, 0}, in = {slots_back, &cursor_back.value, 0, 0};
  pin(0);
  arrive();
  if (is_round_trip) {
    for (uint64_t k = 0; k < WARMUP_TRIPS; k++) trip(&out, &in, k);
    uint64_t last = now_ns();
    for (uint64_t k = 0; k < count; k++) {
      trip(&out, &in, k);
      uint64_t now = now_ns();
      samples[k] = now - last;
      last = now;
    }
    return 0;
  }
  for (uint64_t value = 0; value < WARMUP + count; value++) {
    if (value >= WARMUP && value % CHUNK == 0) times[(value - WARMUP) / CHUNK] = now_ns();
    if (is_slot) while (!slot_put(&out, (uint32_t)value));
    else ck_put(&ck_there, messages_there, value);
  }
  if (!is_slot) while (ck_ring_size(&ck_there));
  else while (atomic_load(&cursor_there.value) != (int)(WARMUP + count));
  whole = count * 1e3 / (double)(now_ns() - times[0]);
  return 0;
}

static void *consumer(void *unused) {
  struct end in = {slots_there, &cursor_there.value, 0, 0}, out = {slots_back, &cursor_back.value, 0, 0};
  uint64_t total = 0, all = is_round_trip ? WARMUP_TRIPS + count : WARMUP + count;
  pin(1);
  arrive();
  for (uint64_t k = 0; k < all; k++) {
    if (is_slot) while (!slot_take(&in, &total));
    else ck_take(&ck_there, messages_there, &total);
    if (!is_round_trip) continue;
    if (is_slot) while (!slot_put(&out, (uint32_t)k));
    else ck_put(&ck_back, messages_back, k);
  }
  if (is_slot) atomic_store(&cursor_there.value, (int)all);
  if (!is_round_trip) sum = total;
  return 0;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  is_round_trip = !strcmp(argv[1], "pp");
  is_slot = !strcmp(argv[2], "slot");
  count = is_round_trip ? (uint64_t)atoll(argv[3]) : (uint64_t)atoll(argv[3]) / CHUNK * CHUNK;
  ck_ring_init(&ck_there, SLOTS);
  ck_ring_init(&ck_back, SLOTS);
  samples = calloc(count, sizeof *samples);
  times = calloc(count / CHUNK + 1, sizeof *times);
  pthread_t a, b;
  pthread_create(&a, 0, producer, 0);
  pthread_create(&b, 0, consumer, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  uint64_t all = (is_round_trip ? WARMUP_TRIPS : WARMUP) + count;
  int ok = sum == 4 * all * (all - 1);
  if (!is_round_trip) {
    uint64_t chunks = count / CHUNK - 1;
    for (uint64_t k = 0; k < chunks; k++) samples[k] = CHUNK * 1e3 / (double)(times[k + 1] - times[k]);
    qsort(samples, chunks, sizeof *samples, by_value);
    printf("{\"whole\":%.3f,\"chunk\":%.3f,\"ok\":%s}\n", whole, samples[chunks / 2], ok ? "true" : "false");
    return !ok;
  }
  static const char *const quantiles[] = {"0.01", "0.1", "0.25", "0.5", "0.75", "0.9", "0.99", "0.999"};
  qsort(samples, count, sizeof *samples, by_value);
  printf("{\"ok\":%s,\"quantilesNs\":{", ok ? "true" : "false");
  for (int k = 0; k < 8; k++)
    printf("%s\"%s\":%.0f", k ? "," : "", quantiles[k], samples[(uint64_t)(atof(quantiles[k]) * count)]);
  printf("}}\n");
  return !ok;
}
