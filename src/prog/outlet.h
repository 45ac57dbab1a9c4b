/*
 * outlet: where the lines of --download go: a file, which has all of them or stays as
 * it was, or standard output, which gets them when all are there. Knows no batch.
 *
 * Calling sequence: name; open a draft, add to it, close; release.
 */
#ifndef NM_PROG_OUTLET_H
#define NM_PROG_OUTLET_H

#include "base/file.h"

struct nm_outlet {
	struct nm_buf path;
	bool          standard; /* output: "-" was its name, or that of the file
	                           that standard output is already */
};

/* Zeroed before. */
void nm_outlet_name(struct nm_outlet *outlet, const char *path);

/* Is it the file that `path` names (NULL: it is not)? */
bool nm_outlet_is(const struct nm_outlet *outlet, const char *path);

/* The draft of a file, or one in `folder` that never gets a name. */
enum nm_code nm_outlet_open(const struct nm_outlet *outlet, const char *folder,
                            struct nm_draft *draft, struct nm_err *err)
	NM_MUST_USE;

/* Commits the draft, or copies it to standard output. It is open no more. */
enum nm_code nm_outlet_close(const struct nm_outlet *outlet,
                             struct nm_draft *draft, struct nm_err *err)
	NM_MUST_USE;

void nm_outlet_release(struct nm_outlet *outlet);

#endif
