// In:    on stdin "load COUNT", then COUNT times a length and that many octets; "rehearse"; "run TIMES".
// Out:   on stdout for "rehearse" a line a head, then "sum SUM"; for "run" a line "NANOSECONDS SUM" of TIMES buffers in turn.
//        A head's line: the buffer's number, the version, the method, then offset and length of the request-target, names and values.
// Never: prints while the clock runs.

#define _POSIX_C_SOURCE 200809L

#include "loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct buffer {
  char *octets;
  size_t length;
};

bool rehearsing = false;

static struct buffer *buffers;
static size_t count;
/* The buffer that a rehearsal reads: its spans are printed as offsets in it. */
static size_t current;

void tell_span(const char *at, size_t length) { printf(" %td %zu", at - buffers[current].octets, length); }

void tell_request(const char *method, size_t method_length, const char *target, size_t target_length, int version) {
  printf("%zu %d %.*s", current, version, (int)method_length, method);
  tell_span(target, target_length);
}

void tell_end(void) { putchar('\n'); }

static void load(size_t wanted) {
  count = wanted;
  buffers = calloc(count, sizeof *buffers);
  for (size_t i = 0; i < count; i++) {
    if (scanf("%zu", &buffers[i].length) != 1 || getchar() != '\n') exit(1);
    buffers[i].octets = malloc(buffers[i].length);
    if (fread(buffers[i].octets, 1, buffers[i].length, stdin) != buffers[i].length) exit(1);
  }
}

static void rehearse(void) {
  uint64_t sum = 0;
  rehearsing = true;
  for (current = 0; current < count; current++) sum += read_heads(buffers[current].octets, buffers[current].length);
  rehearsing = false;
  printf("sum %" PRIu64 "\n", sum);
}

static void run(uint64_t times) {
  struct timespec begin, end;
  uint64_t sum = 0;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (uint64_t i = 0, turn = 0; i < times; i++) {
    sum += read_heads(buffers[turn].octets, buffers[turn].length);
    if (++turn == count) turn = 0;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  int64_t nanoseconds = (int64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + (end.tv_nsec - begin.tv_nsec);
  printf("%" PRId64 " %" PRIu64 "\n", nanoseconds, sum);
}

int main(void) {
  char command[16];
  uint64_t times;
  while (scanf("%15s", command) == 1) {
    if (command[0] == 'l' && scanf("%" SCNu64, &times) == 1) load(times);
    else if (command[0] == 'r' && command[1] == 'u' && scanf("%" SCNu64, &times) == 1) run(times);
    else if (command[0] == 'r' && command[1] == 'e') rehearse();
    else return 1;
    fflush(stdout);
  }
  return 0;
}
