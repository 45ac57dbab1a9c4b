/*
 * path: see path.h.
 */
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAFE_MAX_BYTES = 100, LINKS_MAX = 40 };

void
nm_path_join(struct nm_buf *out, const char *folder, const char *name)
{
	size_t len = folder ? strlen(folder) : 0;

	if (len && name[0] != '/') {
		nm_buf_add(out, folder, len);
		if (folder[len - 1] != '/')
			nm_buf_add_byte(out, '/');
	}
	nm_buf_add_string(out, name);
}

const char *
nm_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct nm_text
nm_path_stem(const char *path)
{
	const char *base = nm_path_base(path);
	const char *dot = strrchr(base, '.');

	/* A leading dot hides a file; it begins no ending. */
	if (!dot || dot == base)
		return nm_text_of(base);
	return (struct nm_text){ base, (size_t)(dot - base) };
}

void
nm_path_follow(struct nm_buf *out, const char *path)
{
	struct nm_buf at = { 0 };
	char text[PATH_MAX];
	ssize_t len;

	nm_buf_add_string(&at, path);
	for (int i = 0; i < LINKS_MAX; i++) {
		len = readlink(nm_buf_string(&at), text, sizeof(text));
		if (len <= 0 || (size_t)len == sizeof(text))
			break;
		/* It is relative to where the link is. */
		at.len = text[0] == '/'
			? 0 : (size_t)(nm_path_base(at.at) - at.at);
		nm_buf_add(&at, text, (size_t)len);
	}
	nm_buf_add_text(out, nm_buf_text(&at));
	nm_buf_release(&at);
}

static const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

enum nm_code
nm_path_state(struct nm_buf *out, struct nm_err *err)
{
	const char *own = setting("NIGHTMAIL_STATE");
	const char *state = setting("XDG_STATE_HOME");
	const char *home = setting("HOME");

	if (own)
		nm_buf_add_string(out, own);
	else if (state && state[0] == '/') /* the XDG rule: a relative one is void */
		nm_path_join(out, state, "nightmail");
	else if (home)
		nm_path_join(out, home, ".local/state/nightmail");
	else
		return nm_fail(err, NM_USAGE, 0, "no place for state: set "
		               "NIGHTMAIL_STATE, XDG_STATE_HOME or HOME");
	return NM_OK;
}

enum nm_code
nm_path_data(struct nm_buf *out, const char *name, struct nm_err *err)
{
	const char *folders[] = {
		setting("NIGHTMAIL_DATA"),
		NM_DATA_INSTALLED,
		NM_DATA_SOURCE,
	};
	struct nm_buf path = { 0 };
	enum nm_code rc = NM_INPUT;

	for (size_t i = 0; i < 3 && rc; i++) {
		if (!folders[i])
			continue;
		nm_buf_clear(&path);
		nm_path_join(&path, folders[i], name);
		if (access(path.at, F_OK) == 0) {
			nm_buf_add_text(out, nm_buf_text(&path));
			rc = NM_OK;
		}
	}
	nm_buf_release(&path);
	if (rc)
		return nm_fail(err, rc, ENOENT, "no data file %s in %s (set "
		               "NIGHTMAIL_DATA to its folder)", name,
		               folders[0] ? folders[0] : NM_DATA_INSTALLED);
	return NM_OK;
}

static bool
is_safe(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
	    || (byte >= '0' && byte <= '9')
	    || byte == '.' || byte == '_' || byte == '-';
}

void
nm_path_add_safe(struct nm_buf *out, struct nm_text text)
{
	size_t len = text.len < SAFE_MAX_BYTES ? text.len : SAFE_MAX_BYTES;

	if (len == 0)
		nm_buf_add_byte(out, '_');
	for (size_t i = 0; i < len; i++) {
		bool keep = is_safe(text.at[i]) && (i || text.at[i] != '.');

		nm_buf_add_byte(out, keep ? text.at[i] : '_');
	}
}
