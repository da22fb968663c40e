// Preloaded into a broker: while the file that HOLD_STORE names is there, every transaction that makes a row of the
// table `events` fails at its commit. Whatever else is written to the store succeeds.
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// One for every connection, for as long as the process lives: a list, so that none of it counts as leaked.
struct transaction {
  int has_events;
  struct transaction* next;
};
static _Atomic(struct transaction*) transactions;

static void on_row(void* transaction, int operation, const char* database, const char* table, sqlite3_int64 row) {
  (void)database;
  (void)row;
  if (operation == SQLITE_INSERT && strcmp(table, "events") == 0) {
    ((struct transaction*)transaction)->has_events = 1;
  }
}

static void on_rollback(void* transaction) { ((struct transaction*)transaction)->has_events = 0; }

static int on_commit(void* transaction) {
  const int fails = ((struct transaction*)transaction)->has_events && access(getenv("HOLD_STORE"), F_OK) == 0;
  on_rollback(transaction);
  return fails;
}

static int watch(sqlite3* database, char** error, const sqlite3_api_routines* routines) {
  (void)error;
  (void)routines;
  struct transaction* const transaction = malloc(sizeof *transaction);
  if (transaction == NULL) return SQLITE_NOMEM;
  transaction->has_events = 0;
  transaction->next = atomic_load(&transactions);
  while (!atomic_compare_exchange_weak(&transactions, &transaction->next, transaction)) {
  }
  sqlite3_update_hook(database, on_row, transaction);
  sqlite3_commit_hook(database, on_commit, transaction);
  sqlite3_rollback_hook(database, on_rollback, transaction);
  return SQLITE_OK;
}

__attribute__((constructor)) static void begin(void) {
  if (getenv("HOLD_STORE") != NULL) sqlite3_auto_extension((void (*)(void))watch);
}
