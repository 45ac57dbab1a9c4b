/*
 * dotenv: the text of a .env file -> names and values.
 * Knows the syntax that most tools share: comments, "export", single quotes (as
 * they stand), double quotes (with \n \r \t \" \\ \$), values over several lines in
 * quotes; no expansion. Must not know what the names mean.
 *
 * Calling sequence: init, next until name.at is NULL, release.
 */
#ifndef NM_REMOTE_DOTENV_H
#define NM_REMOTE_DOTENV_H

#include "base/buf.h"

struct nm_dotenv {
	const char    *path;  /* for messages */
	struct nm_text left;
	unsigned       line;  /* of the next byte, from 1 */
	struct nm_buf  value; /* wiped by release */
};

void nm_dotenv_init(struct nm_dotenv *dotenv, const char *path,
                    struct nm_text text);

/*
 * Lends the next setting until the next call. NM_INPUT with path:line, and not a
 * byte of what stands there, for a line that is none.
 */
enum nm_code nm_dotenv_next(struct nm_dotenv *dotenv, struct nm_text *name,
                            struct nm_text *value, struct nm_err *err)
	NM_MUST_USE;

void nm_dotenv_release(struct nm_dotenv *dotenv);

#endif
