// Preloaded into a broker: while the file that HOLD_STORE names is there, every transaction that makes a row of the table
// `events` fails at its commit. Whatever else is written to the store succeeds.
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_row(void* has_events, int operation, const char* database, const char* table, sqlite3_int64 row) {
  (void)database;
  (void)row;
  if (operation == SQLITE_INSERT && strcmp(table, "events") == 0) *(int*)has_events = 1;
}

static int on_commit(void* has_events) {
  const int fails = *(int*)has_events && access(getenv("HOLD_STORE"), F_OK) == 0;
  *(int*)has_events = 0;
  return fails;
}

static void on_rollback(void* has_events) { *(int*)has_events = 0; }

static int watch(sqlite3* database, char** error, const sqlite3_api_routines* routines) {
  (void)error;
  (void)routines;
  int* const has_events = sqlite3_malloc(sizeof *has_events);  // for as long as the process lives
  if (has_events == NULL) return SQLITE_NOMEM;
  *has_events = 0;
  sqlite3_update_hook(database, on_row, has_events);
  sqlite3_commit_hook(database, on_commit, has_events);
  sqlite3_rollback_hook(database, on_rollback, has_events);
  return SQLITE_OK;
}

__attribute__((constructor)) static void begin(void) {
  if (getenv("HOLD_STORE") != NULL) sqlite3_auto_extension((void (*)(void))watch);
}
