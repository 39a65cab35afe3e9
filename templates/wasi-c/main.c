/*
 * A tally. Input: whole numbers, one a line, such as 3 or -1. Output: the sum of all that ever came. State: that sum.
 * One wrong line refuses the whole input: exit code 1, and the state stays as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define STATE "/sprf/state"
#define LARGEST 1000000000L

/* Read by the engine: CPU seconds that a run may take. They are gas, so declare no more than it needs. */
__asm__(".section .custom_section.sprf.seconds,\"\",@\n.ascii \"1\"\n.text\n");

static void refuse(const char *why, long line) {
  fprintf(stderr, "line %ld: %s\n", line, why);
  exit(1);
}

/* Empty at first: nothing has been counted. */
static long long read_sum(void) {
  long long sum = 0;
  FILE *state = fopen(STATE, "r");
  if (state != NULL) {
    if (fscanf(state, "%lld", &sum) != 1) sum = 0;
    fclose(state);
  }
  return sum;
}

int main(void) {
  long long sum = read_sum();
  long lines = 0;
  char text[64];
  while (fgets(text, sizeof text, stdin) != NULL) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    lines++;
    if (end == text || (*end != '\n' && *end != '\0')) refuse("expected a whole number", lines);
    if (errno != 0 || number > LARGEST || number < -LARGEST) refuse("the number is too large", lines);
    sum += number;
  }
  /* Without input the state stays untouched, so that is how the sum is read: no change is anchored, and none is paid for. */
  if (lines > 0) {
    FILE *state = fopen(STATE, "w");
    if (state == NULL || fprintf(state, "%lld\n", sum) < 0 || fclose(state) != 0) refuse("the state cannot be written", 0);
  }
  printf("%lld\n", sum);
  return 0;
}
