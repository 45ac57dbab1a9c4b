/*
 * recorded: the bodies under tests/data/recorded, for the tests of their readers.
 */
#ifndef NM_TESTS_RECORDED_H
#define NM_TESTS_RECORDED_H

#include "base/file.h"

/* Appends the body to out; a body that is not there fails the test. */
static inline void
recorded(struct nm_buf *out, const char *name)
{
	struct nm_buf path = {0};
	struct nm_err err = {0};

	nm_buf_addf(&path, "tests/data/recorded/%s", name);
	if (nm_file_read(nm_buf_string(&path), out, &err))
		fail_msg("%s", err.text);
	nm_buf_release(&path);
}

#endif
