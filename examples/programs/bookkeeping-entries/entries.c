#include "entries.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS 5
#define MAX_ACCOUNT 64
#define MAX_DESCRIPTION 200
#define MAX_AMOUNT_DIGITS 15

static const char HEADER[] = "date,debit_account,credit_account,amount_minor,description";

void write_all(int fd, const char *at, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, at, length);
    if (written < 0) {
      if (errno == EINTR) continue;
      _exit(2);
    }
    at += written;
    length -= (size_t)written;
  }
}

_Noreturn void refuse(const char *what) {
  struct text line = {0};
  add_text(&line, what);
  add_text(&line, "\n");
  write_all(2, line.at, line.length);
  _exit(1);
}

static void make_room(struct text *text, size_t more) {
  if (text->room - text->length >= more) return;
  size_t room = text->room * 2 + more + 4096;
  char *at = realloc(text->at, room);
  if (!at) {
    write_all(2, "out of memory\n", 14);
    _exit(2);
  }
  text->at = at;
  text->room = room;
}

struct text read_all(int fd) {
  struct text text = {0};
  for (;;) {
    make_room(&text, 65536);
    ssize_t got = read(fd, text.at + text.length, 65536);
    if (got < 0) {
      if (errno == EINTR) continue;
      refuse("the input cannot be read");
    }
    if (got == 0) return text;
    text.length += (size_t)got;
  }
}

void add_slice(struct text *to, struct slice slice) {
  if (slice.length == 0) return;
  make_room(to, slice.length);
  memcpy(to->at + to->length, slice.at, slice.length);
  to->length += slice.length;
}

void add_text(struct text *to, const char *text) { add_slice(to, (struct slice){text, strlen(text)}); }

void add_number(struct text *to, int64_t number) {
  char digits[21];
  char *at = digits + sizeof digits;
  uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
  do *--at = (char)('0' + left % 10);
  while ((left /= 10) > 0);
  if (number < 0) *--at = '-';
  add_slice(to, (struct slice){at, (size_t)(digits + sizeof digits - at)});
}

static _Noreturn void refuse_line(size_t line, const char *what) {
  struct text message = {0};
  add_text(&message, "line ");
  add_number(&message, (int64_t)line);
  add_text(&message, ": ");
  add_text(&message, what);
  make_room(&message, 1);
  message.at[message.length] = 0;
  refuse(message.at);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int number_at(const char *at, int digits) {
  int number = 0;
  for (int i = 0; i < digits; i++) {
    if (!is_digit(at[i])) return -1;
    number = number * 10 + (at[i] - '0');
  }
  return number;
}

static bool is_date(struct slice text) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (text.length != 10 || text.at[4] != '-' || text.at[7] != '-') return false;
  int year = number_at(text.at, 4), month = number_at(text.at + 5, 2), day = number_at(text.at + 8, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= days[month - 1] + (month == 2 && leap);
}

static bool is_account(struct slice text) {
  if (text.length == 0 || text.length > MAX_ACCOUNT) return false;
  if (text.at[0] == ' ' || text.at[text.length - 1] == ' ') return false;
  for (size_t i = 0; i < text.length; i++) {
    char c = text.at[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !is_digit(c) && !strchr(" :._-/", c)) return false;
    if (c == 0) return false;
  }
  return true;
}

static bool parse_amount(struct slice text, int64_t *amount) {
  if (text.length == 0 || text.length > MAX_AMOUNT_DIGITS || text.at[0] == '0') return false;
  *amount = 0;
  for (size_t i = 0; i < text.length; i++) {
    if (!is_digit(text.at[i])) return false;
    *amount = *amount * 10 + (text.at[i] - '0');
  }
  return true;
}

/* UTF-8 without control characters. */
static bool is_description(struct slice text) {
  if (text.length > MAX_DESCRIPTION) return false;
  for (size_t i = 0; i < text.length;) {
    unsigned char c = (unsigned char)text.at[i++];
    if (c < 0x20 || c == 0x7f) return false;
    if (c < 0x80) continue;
    int more = c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
    if (more == 0 || text.length - i < (size_t)more) return false;
    unsigned char next = (unsigned char)text.at[i];
    if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f)) return false;
    if ((c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f)) return false;
    for (; more > 0; more--, i++) if (((unsigned char)text.at[i] & 0xc0) != 0x80) return false;
  }
  return true;
}

/* Splits a line into its fields, quotes removed in place; returns their number, -1 for wrong quotes. */
static int split(char *at, char *end, struct slice fields[COLUMNS]) {
  int count = 0;
  for (;;) {
    char *start = at, *to = at;
    if (at < end && *at == '"') {
      start = to = ++at;
      for (;; at++) {
        if (at == end) return -1;
        if (*at == '"') {
          if (at + 1 == end || at[1] != '"') break;
          at++;
        }
        *to++ = *at;
      }
      at++;
      if (at < end && *at != ',') return -1;
    } else {
      while (at < end && *at != ',') {
        if (*at == '"') return -1;
        at++;
      }
      to = at;
    }
    if (count < COLUMNS) fields[count] = (struct slice){start, (size_t)(to - start)};
    count++;
    if (at == end) return count;
    at++;
  }
}

static bool equal(struct slice a, struct slice b) { return a.length == b.length && memcmp(a.at, b.at, a.length) == 0; }

static struct entry parse_line(char *at, char *end, size_t line) {
  struct slice field[COLUMNS];
  int count = split(at, end, field);
  if (count < 0) refuse_line(line, "a quote is out of place");
  if (count != COLUMNS) {
    struct text what = {0};
    add_text(&what, "expected 5 columns, found ");
    add_number(&what, count);
    make_room(&what, 1);
    what.at[what.length] = 0;
    refuse_line(line, what.at);
  }
  struct entry entry = {field[0], field[1], field[2], field[3], field[4], 0};
  if (!is_date(entry.date)) refuse_line(line, "the date is not a day as YYYY-MM-DD");
  if (!is_account(entry.debit)) refuse_line(line, "the debit account is not 1 to 64 of A-Z a-z 0-9 : . _ - / and spaces");
  if (!is_account(entry.credit)) refuse_line(line, "the credit account is not 1 to 64 of A-Z a-z 0-9 : . _ - / and spaces");
  if (equal(entry.debit, entry.credit)) refuse_line(line, "unbalanced: debit and credit are the same account");
  if (!parse_amount(entry.amount_text, &entry.amount)) refuse_line(line, "the amount is not a whole number of 1 to 15 digits above 0");
  if (!is_description(entry.description)) refuse_line(line, "the description is not up to 200 bytes of printable UTF-8");
  return entry;
}

struct entries parse_entries(struct text text) {
  struct entries entries = {0};
  size_t room = 0, line = 0;
  char *at = text.at, *end = text.at + text.length;
  while (at < end) {
    char *newline = memchr(at, '\n', (size_t)(end - at));
    char *next = newline ? newline + 1 : end;
    char *last = newline ? newline : end;
    if (last > at && last[-1] == '\r') last--;
    line++;
    bool header = line == 1 && equal((struct slice){at, (size_t)(last - at)}, (struct slice){HEADER, sizeof HEADER - 1});
    if (last > at && !header) {
      if (entries.count == room) {
        room = room * 2 + 64;
        entries.list = realloc(entries.list, room * sizeof *entries.list);
        if (!entries.list) _exit(2);
      }
      entries.list[entries.count++] = parse_line(at, last, line);
    }
    at = next;
  }
  return entries;
}

void add_entry(struct text *to, const struct entry *entry) {
  add_slice(to, entry->date);
  add_text(to, ",");
  add_slice(to, entry->debit);
  add_text(to, ",");
  add_slice(to, entry->credit);
  add_text(to, ",");
  add_slice(to, entry->amount_text);
  add_text(to, ",");
  struct slice text = entry->description;
  if (!memchr(text.at, ',', text.length) && !memchr(text.at, '"', text.length)) {
    add_slice(to, text);
  } else {
    add_text(to, "\"");
    for (size_t i = 0; i < text.length; i++) add_slice(to, text.at[i] == '"' ? (struct slice){"\"\"", 2} : (struct slice){text.at + i, 1});
    add_text(to, "\"");
  }
  add_text(to, "\n");
}

static int by_account(const void *left, const void *right) {
  const struct balance *a = left, *b = right;
  size_t shorter = a->account.length < b->account.length ? a->account.length : b->account.length;
  int order = memcmp(a->account.at, b->account.at, shorter);
  return order ? order : (a->account.length > b->account.length) - (a->account.length < b->account.length);
}

void add_balances(struct text *to, const struct entries *entries) {
  struct balance *parts = malloc((entries->count * 2 + 1) * sizeof *parts);
  if (!parts) _exit(2);
  for (size_t i = 0; i < entries->count; i++) {
    parts[i * 2] = (struct balance){entries->list[i].debit, entries->list[i].amount};
    parts[i * 2 + 1] = (struct balance){entries->list[i].credit, -entries->list[i].amount};
  }
  qsort(parts, entries->count * 2, sizeof *parts, by_account);
  add_text(to, "account,balance_minor\n");
  for (size_t i = 0; i < entries->count * 2;) {
    struct slice account = parts[i].account;
    int64_t minor = 0;
    for (; i < entries->count * 2 && equal(parts[i].account, account); i++) {
      if (__builtin_add_overflow(minor, parts[i].minor, &minor)) refuse("a balance is too large");
    }
    add_slice(to, account);
    add_text(to, ",");
    add_number(to, minor);
    add_text(to, "\n");
  }
}
