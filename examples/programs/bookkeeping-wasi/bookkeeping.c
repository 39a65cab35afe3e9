/*
 * A bookkeeping ledger. State: the journal, as canonical CSV after a line that names the format. Input: entries as CSV.
 * Output: the balance of every account. One wrong entry refuses the whole input.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../bookkeeping-entries/entries.h"

#define STATE "/sprf/state"
#define FORMAT "sprf-bookkeeping/1\n"

/* Read by the engine: CPU seconds that a run may take. */
__asm__(".section .custom_section.sprf.seconds,\"\",@\n.ascii \"5\"\n.text\n");

int main(void) {
  struct entries added = parse_entries(read_all(0));

  int fd = open(STATE, O_RDONLY);
  if (fd < 0) refuse("the state cannot be read");
  struct text journal = read_all(fd);
  close(fd);
  size_t format = sizeof FORMAT - 1;
  if (journal.length == 0) add_text(&journal, FORMAT);
  else if (journal.length < format || memcmp(journal.at, FORMAT, format)) refuse("the state is not a journal of this program");
  for (size_t i = 0; i < added.count; i++) add_entry(&journal, &added.list[i]);

  /* Parsing takes quotes out in place, so it works on a copy: the journal is still to be written. */
  struct text copy = {0};
  add_slice(&copy, (struct slice){journal.at + format, journal.length - format});
  struct entries all = parse_entries(copy);
  struct text balances = {0};
  add_balances(&balances, &all);

  if (added.count > 0) {
    fd = open(STATE, O_WRONLY | O_TRUNC);
    if (fd < 0) refuse("the state cannot be written");
    write_all(fd, journal.at, journal.length);
    close(fd);
  }
  write_all(1, balances.at, balances.length);
  return 0;
}
