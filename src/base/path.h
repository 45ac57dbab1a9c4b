/*
 * path: names of files and folders, and where this program keeps its own.
 * Looks whether a name is there; must not open, make or remove anything.
 */
#ifndef NM_BASE_PATH_H
#define NM_BASE_PATH_H

#include "base/buf.h"

/* "a" + "b/c" -> "a/b/c"; an absolute second part stands alone. */
void nm_path_join(struct nm_buf *out, const char *folder, const char *name);

/* Base name without its last ending: "x/y.tar.gz" -> "y.tar". Lent from path. */
struct nm_text nm_path_stem(const char *path);

/* Base name; lent from path. */
const char *nm_path_base(const char *path);

/*
 * The file that `path` names where that is a symbolic link, or a chain of them, there
 * or not yet; else `path` itself. Appended to out.
 */
void nm_path_follow(struct nm_buf *out, const char *path);

/*
 * Where state lives: $NIGHTMAIL_STATE, else $XDG_STATE_HOME/nightmail, else
 * ~/.local/state/nightmail. Appended to out; nothing is made.
 * NM_USAGE when none of the three can be told.
 */
enum nm_code nm_path_state(struct nm_buf *out, struct nm_err *err)
	NM_MUST_USE;

/*
 * A shipped data file (such as "prices.json"): under $NIGHTMAIL_DATA, the
 * installed data folder, or the source folder; the first that exists.
 * NM_INPUT when it is nowhere.
 */
enum nm_code nm_path_data(struct nm_buf *out, const char *name,
                          struct nm_err *err) NM_MUST_USE;

/*
 * Appends `text` with every byte outside [A-Za-z0-9._-] as '_', so that it can
 * be one part of a path; a leading '.' too. At most 100 bytes of it; of nothing '_'.
 */
void nm_path_add_safe(struct nm_buf *out, struct nm_text text);

#endif
