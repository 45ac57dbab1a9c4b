/*
 * relic: see the header.
 */
#include "report/relic.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"

enum {
	LOOK_BYTES = 64 << 10,
	FILE_MODE = 0644
};

/* What we write has its ledger well within the first bytes. */
static bool
is_ours(int fd, uint64_t size)
{
	size_t len = size < LOOK_BYTES ? (size_t)size : LOOK_BYTES;
	struct nm_buf text = {0};
	struct nm_err err;
	bool ours = false;
	char *room = nm_buf_room(&text, len);

	if (nm_file_read_at(fd, 0, len, room, &err) == NM_OK)
		ours = memmem(room, len, "\n  \"ledger\": {", 14) != NULL;
	nm_buf_release(&text);
	return ours;
}

/* Whether another tool wrote what stands at the known path, and when. */
static enum nm_code
look_at_known(const char *known, bool *foreign, int64_t *when_ms,
              struct nm_err *err)
{
	struct stat info = {0};
	int fd = open(known, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int why = fd < 0 ? errno : 0;

	*foreign = false;
	if (why == ENOENT)
		return NM_OK;
	if (!why && fstat(fd, &info))
		why = errno;
	if (!why && S_ISREG(info.st_mode) && info.st_size > 0)
		*foreign = !is_ours(fd, (uint64_t)info.st_size);
	if (fd >= 0)
		close(fd);
	*when_ms = (int64_t)info.st_mtim.tv_sec * 1000;
	return why ? nm_fail(err, NM_IO, why, "cannot read %s, to keep what may "
	                     "be an older tool's: %s", known, strerror(why))
	           : NM_OK;
}

/* A name of which there is no file: two may be of the same second. */
static void
name_kept(const char *known, const char *beside, int64_t when_ms,
          struct nm_buf *kept)
{
	struct nm_text folder = { beside, (size_t)(nm_path_base(beside) -
	                                           beside) };
	struct nm_text stem = nm_path_stem(known);
	char when[NM_CLOCK_TEXT_MAX];
	unsigned n = 1;

	nm_clock_compact(when_ms, when);
	do {
		nm_buf_clear(kept);
		nm_buf_addf(kept, "%.*s%.*s_kept_%s", NM_TEXT_ARGS(folder),
		            NM_TEXT_ARGS(stem), when);
		if (n > 1)
			nm_buf_addf(kept, "_%u", n);
		nm_buf_add_string(kept, ".json");
		n++;
	} while (access(nm_buf_string(kept), F_OK) == 0);
}

enum nm_code
nm_relic_keep(const char *known, const char *beside, struct nm_buf *kept,
              struct nm_err *err)
{
	int64_t when_ms = 0;
	bool foreign;
	enum nm_code rc = look_at_known(known, &foreign, &when_ms, err);

	if (rc || !foreign)
		return rc;
	name_kept(known, beside, when_ms, kept);
	return nm_file_copy(known, nm_buf_string(kept), FILE_MODE, err);
}
