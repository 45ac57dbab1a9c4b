/*
 * journal: what this machine has asked for, durable. One SQLite file.
 * Knows runs, shards, answers and learnt limits as plain records; must not know
 * the network, nor what a request or an answer says. doc/journal.md describes it.
 *
 * The rule that it serves: an intent is durable before each act that costs or
 * changes something, the outcome after it. Every call that writes has committed,
 * with full sync, when it returns NM_OK.
 *
 * Rows are sealed: one that is not as it was written is NM_STATE wherever it is read or
 * written anew, naming the file, the row and what to do.
 *
 * Calling sequence: open, calls of the records' headers, close. One journal
 * handle serves one thread, and a process has a journal open once at a time; several
 * processes may, and a writer waits up to 10 s for another.
 */
#ifndef NM_STATE_JOURNAL_H
#define NM_STATE_JOURNAL_H

#include "base/arena.h"
#include "base/err.h"

enum { NM_JOURNAL_VERSION = 5 };

struct nm_journal;

/*
 * Opens <folder>/journal.db, made with its folder (mode 0700) where missing, and
 * brings an older schema up to date. NM_STATE, naming the file and what to do,
 * for one that is damaged, or whose log is (state/wal.h), or of a newer version; NM_IO
 * where rights or the disk forbid it; NM_HELD when another process keeps it locked, or
 * has it open while its schema is older.
 */
enum nm_code nm_journal_open(const char *folder, struct nm_journal **journal,
                             struct nm_err *err) NM_MUST_USE;
void nm_journal_close(struct nm_journal *journal);

/* Reads what is known of runs and shards through, and sees whether an answer that comes
 * could be kept. NM_STATE, as above, where it does not agree with itself, or a row not
 * with its seal: what is not found in it may be there all the same. */
enum nm_code nm_journal_check(struct nm_journal *journal, struct nm_err *err)
	NM_MUST_USE;

/* Appends the folder of a run's downloads, runs/<id> of the state folder. */
void nm_journal_add_run_folder(const struct nm_journal *journal,
                               const char *run, struct nm_buf *out);

/* Several writes as one durable step. They may not be nested. */
enum nm_code nm_journal_begin(struct nm_journal *journal, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_journal_commit(struct nm_journal *journal, struct nm_err *err)
	NM_MUST_USE;
void nm_journal_rollback(struct nm_journal *journal);

#endif
