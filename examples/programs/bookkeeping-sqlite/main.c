/*
 * A bookkeeping ledger kept in SQLite. State: the database. Input: entries as CSV. Output: the balance of every account.
 * This entry checks the input, then has Debian's sqlite3 do the rest in one transaction; one wrong entry refuses it all.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../bookkeeping-entries/entries.h"

#define STATE "/sprf/state"
#define SQLITE "/usr/bin/sqlite3"

/*
 * Nothing in the file may vary: fixed page size, ids that count up, no journal beside it, removed content overwritten.
 */
static const char OPEN[] = ".bail on\n"
                           "PRAGMA page_size = 4096;\n"
                           "PRAGMA auto_vacuum = NONE;\n"
                           "PRAGMA temp_store = MEMORY;\n"
                           ".output /dev/null\n"
                           "PRAGMA journal_mode = MEMORY;\n"
                           "PRAGMA secure_delete = ON;\n"
                           ".output stdout\n";
static const char CREATE[] = "CREATE TABLE entry (\n"
                             "  id INTEGER PRIMARY KEY,\n"
                             "  date TEXT NOT NULL,\n"
                             "  debit_account TEXT NOT NULL,\n"
                             "  credit_account TEXT NOT NULL CHECK (credit_account <> debit_account),\n"
                             "  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),\n"
                             "  description TEXT NOT NULL\n"
                             ") STRICT;\n"
                             "CREATE VIEW balance AS\n"
                             "  SELECT account, sum(minor) AS balance_minor FROM (\n"
                             "    SELECT debit_account AS account, amount_minor AS minor FROM entry\n"
                             "    UNION ALL SELECT credit_account, -amount_minor FROM entry\n"
                             "  ) GROUP BY account;\n";
static const char SELECT[] = "SELECT account || ',' || balance_minor FROM balance ORDER BY account;\n";

static void add_quoted(struct text *to, struct slice text) {
  add_text(to, "'");
  for (size_t i = 0; i < text.length; i++) {
    if (text.at[i] == '\'') add_text(to, "'");
    add_slice(to, (struct slice){text.at + i, 1});
  }
  add_text(to, "'");
}

static void add_insert(struct text *to, const struct entry *entry) {
  add_text(to, "INSERT INTO entry (date, debit_account, credit_account, amount_minor, description) VALUES (");
  add_quoted(to, entry->date);
  add_text(to, ",");
  add_quoted(to, entry->debit);
  add_text(to, ",");
  add_quoted(to, entry->credit);
  add_text(to, ",");
  add_slice(to, entry->amount_text);
  add_text(to, ",");
  add_quoted(to, entry->description);
  add_text(to, ");\n");
}

static int run_sqlite(const struct text *sql) {
  int ends[2];
  if (pipe(ends)) refuse("no pipe");
  pid_t child = fork();
  if (child < 0) refuse("no process");
  if (child == 0) {
    dup2(ends[0], 0);
    close(ends[0]);
    close(ends[1]);
    execl(SQLITE, SQLITE, "-batch", "-init", "/dev/null", STATE, (char *)NULL);
    _exit(127);
  }
  close(ends[0]);
  write_all(ends[1], sql->at, sql->length);
  close(ends[1]);
  int status;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 2;
  return WEXITSTATUS(status);
}

int main(void) {
  struct entries added = parse_entries(read_all(0));
  struct stat state;
  if (stat(STATE, &state)) refuse("the state cannot be read");

  write_all(1, "account,balance_minor\n", 22);
  if (added.count == 0 && state.st_size == 0) return 0;

  struct text sql = {0};
  add_text(&sql, OPEN);
  if (added.count > 0) {
    add_text(&sql, "BEGIN;\n");
    if (state.st_size == 0) add_text(&sql, CREATE);
    for (size_t i = 0; i < added.count; i++) add_insert(&sql, &added.list[i]);
    add_text(&sql, "COMMIT;\n");
  }
  add_text(&sql, SELECT);
  return run_sqlite(&sql);
}
