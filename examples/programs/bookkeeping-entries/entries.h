/* Journal entries as CSV: date,debit_account,credit_account,amount_minor,description. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <stddef.h>
#include <stdint.h>

struct slice {
  const char *at;
  size_t length;
};

struct entry {
  struct slice date, debit, credit, amount_text, description;
  int64_t amount;
};

struct entries {
  struct entry *list;
  size_t count;
};

struct balance {
  struct slice account;
  int64_t minor;
};

/* A growing piece of text. */
struct text {
  char *at;
  size_t length, room;
};

/* Ends the program with exit code 1 and one line on stderr. */
_Noreturn void refuse(const char *what);

/* Reads all of a descriptor. */
struct text read_all(int fd);
void write_all(int fd, const char *at, size_t length);

void add_text(struct text *to, const char *text);
void add_slice(struct text *to, struct slice slice);
void add_number(struct text *to, int64_t number);

/* Parses and checks every line, or refuses the whole with the number of the first wrong line. Changes `text`. */
struct entries parse_entries(struct text text);

/* One entry as a canonical line of CSV. */
void add_entry(struct text *to, const struct entry *entry);

/* The balances (debits minus credits) as CSV, sorted by account. */
void add_balances(struct text *to, const struct entries *entries);

#endif
