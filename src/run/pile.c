/*
 * pile: see the header.
 */
#include "run/pile.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"

enum { CHUNK_BYTES = 256 << 10 };

uint64_t
nm_pile_end(const struct nm_pile *pile)
{
	return pile->written + pile->pending.len;
}

static const char *
folder_of(const struct nm_pile *pile)
{
	return pile->folder.len ? nm_buf_string(&pile->folder) : ".";
}

/* Writes what is pending. */
static enum nm_code
settle(struct nm_pile *pile, struct nm_err *err)
{
	struct nm_text bytes = nm_buf_text(&pile->pending);
	int fd = pile->fd_plus_one - 1;
	enum nm_code rc = NM_OK;
	struct nm_err why;

	if (fd < 0)
		rc = nm_file_open_unnamed(folder_of(pile), &fd, err);
	if (rc)
		return rc;
	pile->fd_plus_one = fd + 1;
	rc = nm_file_write_all(fd, bytes.at, bytes.len, &why);
	if (rc)
		return nm_fail(err, rc, why.detail, "cannot write in %s: %s",
		               folder_of(pile), strerror((int)why.detail));
	pile->written += bytes.len;
	nm_buf_clear(&pile->pending);
	return NM_OK;
}

enum nm_code
nm_pile_add(struct nm_pile *pile, struct nm_text piece, struct nm_err *err)
{
	nm_buf_add_text(&pile->pending, piece);
	return pile->pending.len < CHUNK_BYTES ? NM_OK : settle(pile, err);
}

/* Pieces that follow each other are read ahead; others one by one. */
static enum nm_code
fill_window(struct nm_pile *pile, uint64_t from, size_t len,
            struct nm_err *err)
{
	bool follows = from >= pile->read_to &&
	               from - pile->read_to < CHUNK_BYTES;
	size_t want = follows && len < CHUNK_BYTES ? CHUNK_BYTES : len;
	enum nm_code rc;
	char *room;

	if (want > pile->written - from)
		want = (size_t)(pile->written - from);
	nm_buf_clear(&pile->window);
	room = nm_buf_room(&pile->window, want);
	rc = nm_file_read_at(pile->fd_plus_one - 1, from, want, room, err);
	if (rc)
		return rc;
	nm_buf_took(&pile->window, want);
	pile->window_from = from;
	return NM_OK;
}

enum nm_code
nm_pile_read(struct nm_pile *pile, uint64_t from, size_t len,
             const char **bytes, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (from >= pile->written) {
		*bytes = pile->pending.at + (from - pile->written);
		return NM_OK;
	}
	if (from < pile->window_from ||
	    from + len > pile->window_from + pile->window.len)
		rc = fill_window(pile, from, len, err);
	if (rc)
		return rc;
	pile->read_to = from + len;
	*bytes = pile->window.at + (from - pile->window_from);
	return NM_OK;
}

void
nm_pile_release(struct nm_pile *pile)
{
	if (pile->fd_plus_one)
		close(pile->fd_plus_one - 1);
	nm_buf_release(&pile->folder);
	nm_buf_release(&pile->pending);
	nm_buf_release(&pile->window);
	memset(pile, 0, sizeof(*pile));
}
