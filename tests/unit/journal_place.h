/*
 * journal_place: what the tests of the journal begin from: a folder of a test's own with
 * an open journal in it.
 *
 * Calling sequence: enter and leave as a test's setup and teardown.
 */
#ifndef NM_TESTS_JOURNAL_PLACE_H
#define NM_TESTS_JOURNAL_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "state/runs.h"

struct place {
	char               folder[64];
	char               file[96];
	struct nm_journal *journal;
	struct nm_arena    arena;
	struct nm_err      err;
};

static inline int
enter(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	snprintf(p->folder, sizeof(p->folder), "/tmp/nm_journal.XXXXXX");
	*state = p;
	if (!mkdtemp(p->folder))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/journal.db", p->folder);
	return nm_journal_open(p->folder, &p->journal, &p->err) ? -1 : 0;
}

static inline int
leave(void **state)
{
	struct place *p = *state;
	char command[128];

	nm_journal_close(p->journal);
	nm_arena_release(&p->arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", p->folder);
	free(p);
	return system(command);
}

static inline void
reopen(struct place *p)
{
	nm_journal_close(p->journal);
	p->journal = NULL;
	assert_int_equal(nm_journal_open(p->folder, &p->journal, &p->err),
	                 NM_OK);
}

static inline struct nm_run_record
some_run(const char *id, const char *key, int64_t created_ms)
{
	return (struct nm_run_record){
		.id = id, .key = key, .mode = "batch",
		.created_ms = created_ms, .updated_ms = created_ms,
		.name = "1-hop-test", .model = "m",
		.endpoint = "/v1/chat/completions", .account = "a",
		.requests = 5, .spec = "{}", .results_path = "",
	};
}

#endif
