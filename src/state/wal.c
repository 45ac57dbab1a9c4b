/*
 * wal: see the header.
 */
#include "state/wal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	HEADER_BYTES = 32,
	FRAME_HEADER_BYTES = 24,
	MAGIC = 0x377f0682, /* the lowest bit: checksums of big-endian words */
	PAGE_MIN = 512,
	PAGE_MAX = 65536,
	LOOKS = 100
};

struct sums {
	uint32_t a, b;
};

/* The index's head, which it has twice, in this machine's byte order. Its salt is as the
 * log has it. */
struct index_head {
	uint32_t      version, unused, changes;
	unsigned char is_made, big_endian;
	uint16_t      page_bytes;
	uint32_t      frames, pages, last_sums[2];
	unsigned char salt[8];
	uint32_t      sums[2];
};
_Static_assert(sizeof(struct index_head) == 48, "as SQLite lays it out");

/* Where the log is read, and by which rules. */
struct log {
	int            fd;
	bool           big_endian; /* the words of checksums */
	size_t         page_bytes;
	unsigned char *bytes;      /* of a frame, and what is before it in the file */
	off_t          next;       /* of the frame after it */
	struct index_head index;   /* 0 frames where it says nothing */
	uint32_t       in_database; /* of the index's frames */
};

/* A frame as its header tells it. */
struct frame {
	uint32_t    pages; /* of the database, where it ends a transaction; else 0 */
	uint32_t    salt[2];
	struct sums told;
};

static uint32_t
number_at(const unsigned char *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	return be32toh(number);
}

static struct sums
sums_at(const unsigned char *at)
{
	return (struct sums){ number_at(at), number_at(at + 4) };
}

static int
is_same(struct sums x, struct sums y)
{
	return x.a == y.a && x.b == y.b;
}

/* len is a multiple of 8. */
static struct sums
go_on(struct sums sums, const unsigned char *at, size_t len, bool big_endian)
{
	const unsigned char *end = at + len;
	uint32_t word[2];

	for (; at < end; at += 8) {
		memcpy(word, at, sizeof(word));
		if (big_endian) {
			word[0] = be32toh(word[0]);
			word[1] = be32toh(word[1]);
		} else {
			word[0] = le32toh(word[0]);
			word[1] = le32toh(word[1]);
		}
		sums.a += word[0] + sums.b;
		sums.b += word[1] + sums.a;
	}
	return sums;
}

/* 0 where there is no whole frame any more. */
static int
read_frame(struct log *log, struct frame *frame)
{
	size_t len = FRAME_HEADER_BYTES + log->page_bytes;
	ssize_t got = pread(log->fd, log->bytes, len, log->next);

	if (got != (ssize_t)len)
		return 0;
	log->next += (off_t)len;
	frame->pages = number_at(log->bytes + 4);
	frame->salt[0] = number_at(log->bytes + 8);
	frame->salt[1] = number_at(log->bytes + 12);
	frame->told = sums_at(log->bytes + 16);
	return 1;
}

/* What the frame that was read has for sums, after one with these. */
static struct sums
sums_of(const struct log *log, struct sums before)
{
	struct sums sums = go_on(before, log->bytes, 8, log->big_endian);

	return go_on(sums, log->bytes + FRAME_HEADER_BYTES, log->page_bytes,
	             log->big_endian);
}

static int
has_salt(const struct frame *frame, const uint32_t salt[2])
{
	return frame->salt[0] == salt[0] && frame->salt[1] == salt[1];
}

/*
 * Is there, from the given frame on, one that ends a transaction, and a next one that
 * stands on it? made: the sums that the given one ought to have, should those that it
 * tells be what is damaged. salt NULL: any, if the two have the same.
 */
static int
has_later(struct log *log, struct frame frame, struct sums made,
          const uint32_t *salt)
{
	struct frame next;

	while (read_frame(log, &next)) {
		if (frame.pages && has_salt(&next, salt ? salt : frame.salt) &&
		    (is_same(sums_of(log, frame.told), next.told) ||
		     is_same(sums_of(log, made), next.told)))
			return 1;
		frame = next;
		made = next.told;
	}
	return 0;
}

/* Is the index of this log, or of an older one? */
static int
is_of(const struct index_head *index, const unsigned char *salt)
{
	return index->frames && memcmp(index->salt, salt, 8) == 0;
}

/* As SQLite reads it, up to the frame that is no more of this log: which one it is (1 and
 * on) where there ought to be more of it, else 0. */
static uint32_t
find_cut(struct log *log, const unsigned char *header)
{
	const uint32_t salt[2] = { number_at(header + 16),
	                           number_at(header + 20) };
	struct sums sums = sums_at(header + 24);
	struct frame frame;
	uint32_t n;

	log->next = HEADER_BYTES;
	for (n = 1; read_frame(log, &frame); n++) {
		sums = sums_of(log, sums);
		if (has_salt(&frame, salt) && is_same(sums, frame.told))
			continue;
		if (has_later(log, frame, sums, salt))
			return n;
		break;
	}
	return is_of(&log->index, header + 16) && n <= log->index.frames ? n
	                                                                 : 0;
}

/* Of a header that says nothing that can be believed, the frames say it all. */
static uint32_t
find_transactions(struct log *log)
{
	struct frame frame;
	int order;

	for (log->page_bytes = PAGE_MIN; log->page_bytes <= PAGE_MAX;
	     log->page_bytes *= 2)
		for (order = 0; order < 2; order++) {
			log->big_endian = order;
			log->next = HEADER_BYTES;
			if (read_frame(log, &frame) &&
			    (is_of(&log->index, log->bytes + 8) ||
			     has_later(log, frame, frame.told, NULL)))
				return 1;
		}
	return 0;
}

/* Nothing of it is believed that its own sums do not hold. */
static void
read_index(struct log *log, const char *database)
{
	struct {
		struct index_head heads[2];
		uint32_t          in_database;
	} begin;
	const struct index_head *heads = begin.heads;
	struct nm_buf path = { 0 };
	struct sums sums;
	int fd;

	nm_buf_addf(&path, "%s-shm", database);
	fd = open(nm_buf_string(&path), O_RDONLY | O_CLOEXEC);
	nm_buf_release(&path);
	if (fd < 0)
		return;
	if (pread(fd, &begin, sizeof(begin), 0) == sizeof(begin) &&
	    memcmp(&heads[0], &heads[1], sizeof(heads[0])) == 0) {
		sums = go_on((struct sums){ 0, 0 },
		             (const unsigned char *)heads,
		             offsetof(struct index_head, sums),
		             BYTE_ORDER == BIG_ENDIAN);
		if (heads[0].is_made && sums.a == heads[0].sums[0] &&
		    sums.b == heads[0].sums[1]) {
			log->index = heads[0];
			log->in_database = begin.in_database;
		}
	}
	close(fd);
}

/* Takes the rules that the header tells; 0 where it is none. */
static int
take_header(struct log *log, const unsigned char *header)
{
	uint32_t magic = number_at(header), bytes = number_at(header + 8);

	if ((magic & ~1u) != MAGIC || bytes < PAGE_MIN || bytes > PAGE_MAX ||
	    (bytes & (bytes - 1)))
		return 0;
	log->big_endian = magic & 1;
	log->page_bytes = bytes;
	return is_same(go_on((struct sums){ 0, 0 }, header, 24,
	                     log->big_endian), sums_at(header + 24));
}

static int
read_header(const struct log *log, unsigned char *header)
{
	return log->fd >= 0 && pread(log->fd, header, HEADER_BYTES, 0) == HEADER_BYTES;
}

/*
 * A frame that is not whole and is followed by others may have been written while one
 * looked; but then it is whole when the others are seen. And whoever begins the log anew
 * writes its header first: then what was read was of two logs.
 */
static enum nm_wal_verdict
look(struct log *log)
{
	unsigned char header[HEADER_BYTES], before[HEADER_BYTES];
	uint32_t cut, cut_before = 0;
	int i;

	if (!read_header(log, before))
		return NM_WAL_SOUND;
	for (i = 0; i < LOOKS; i++) {
		cut = take_header(log, before) ? find_cut(log, before)
		                               : find_transactions(log);
		if (!cut || !read_header(log, header))
			return NM_WAL_SOUND;
		if (memcmp(header, before, HEADER_BYTES) != 0)
			cut = 0;
		if (cut && cut == cut_before)
			return NM_WAL_DAMAGED;
		cut_before = cut;
		memcpy(before, header, HEADER_BYTES);
	}
	return NM_WAL_SOUND;
}

/*
 * There was no log. Whoever takes it away in order does so when the database has all of
 * it, and takes the index away before.
 */
static int
is_missed(const struct log *log, const char *database)
{
	struct log now = { 0 };

	read_index(&now, database);
	return log->index.frames > log->in_database &&
	       memcmp(&now.index, &log->index, sizeof(now.index)) == 0 &&
	       now.in_database == log->in_database &&
	       access(database, F_OK) == 0;
}

static enum nm_wal_verdict
look_at(struct log *log, const char *database)
{
	unsigned char header[HEADER_BYTES];
	enum nm_wal_verdict verdict;

	if (!read_header(log, header))
		return is_missed(log, database) ? NM_WAL_GONE : NM_WAL_SOUND;
	log->bytes = malloc(FRAME_HEADER_BYTES + PAGE_MAX);
	if (!log->bytes)
		nm_die("out of memory");
	verdict = look(log);
	free(log->bytes);
	return verdict;
}

enum nm_wal_verdict
nm_wal_look(const char *database)
{
	enum nm_wal_verdict verdict = NM_WAL_SOUND;
	struct nm_buf path = { 0 };
	struct log log = { 0 };

	/* The index first: a log is never younger than what is said of it. */
	read_index(&log, database);
	nm_buf_addf(&path, "%s-wal", database);
	log.fd = open(nm_buf_string(&path), O_RDONLY | O_CLOEXEC);
	nm_buf_release(&path);
	if (log.fd >= 0 || errno == ENOENT)
		verdict = look_at(&log, database);
	if (log.fd >= 0)
		close(log.fd);
	return verdict;
}
