#include "server/multipart.h"

#include <strings.h>

/*
 * PREAMBLE and BODY end at a delimiter "\r\n--boundary". The body is taken as if
 * "\r\n" stood before it, so that a first boundary needs no special case.
 */
enum { PREAMBLE, AFTER_DELIMITER, HEAD, BODY, EPILOGUE, BROKEN };

static enum nm_part_event
broken(struct nm_multipart *parts, const char *reason)
{
	parts->state = BROKEN;
	parts->reason = reason;
	return NM_PART_BROKEN;
}

/*
 * One value, "…" with \" undone, or a bare token; returns where its parameter ends.
 * Browsers also write %22 for a quotation mark in it: left as it is.
 */
static size_t
read_value(struct nm_text header, size_t i, struct nm_arena *arena,
           struct nm_text *value)
{
	char *out = nm_arena_new(arena, header.len - i + 1);
	size_t n = 0;

	if (i < header.len && header.at[i] == '"') {
		for (i++; i < header.len && header.at[i] != '"'; i++) {
			if (header.at[i] == '\\' && i + 1 < header.len)
				i++;
			out[n++] = header.at[i];
		}
		while (i < header.len && header.at[i] != ';')
			i++;
	} else {
		while (i < header.len && header.at[i] != ';')
			out[n++] = header.at[i++];
		while (n && (out[n - 1] == ' ' || out[n - 1] == '\t'))
			n--;
	}
	*value = (struct nm_text){ out, n };
	return i;
}

/* The value of a header's parameter of that name. */
static bool
find_parameter(struct nm_text header, const char *name,
               struct nm_arena *arena, struct nm_text *value)
{
	size_t name_len = strlen(name), i = 0;
	struct nm_text found;

	while (i < header.len && header.at[i] != ';')
		i++;
	while (i < header.len) {
		i++;
		while (i < header.len && (header.at[i] == ' ' ||
		                          header.at[i] == '\t'))
			i++;
		bool wanted = header.len - i > name_len &&
		              header.at[i + name_len] == '=' &&
		              strncasecmp(header.at + i, name, name_len) == 0;
		while (i < header.len && header.at[i] != '=' &&
		       header.at[i] != ';')
			i++;
		if (i == header.len || header.at[i] == ';')
			continue;
		i = read_value(header, i + 1, arena, &found);
		if (wanted) {
			*value = found;
			return true;
		}
	}
	return false;
}

enum nm_code
nm_multipart_init(struct nm_multipart *parts, const char *content_type,
                  struct nm_err *err)
{
	struct nm_text boundary = NM_TEXT("");
	struct nm_arena arena = {0};
	enum nm_code rc = NM_OK;

	memset(parts, 0, sizeof(*parts));
	parts->held.max = NM_MULTIPART_HEAD_MAX + NM_MULTIPART_BOUNDARY_MAX;
	if (!content_type ||
	    strncasecmp(content_type, "multipart/form-data", 19) != 0)
		rc = nm_fail(err, NM_INPUT, 0,
		             "the body is not multipart/form-data");
	else if (!find_parameter(nm_text_of(content_type), "boundary", &arena,
	                         &boundary) || !boundary.len ||
	         boundary.len > NM_MULTIPART_BOUNDARY_MAX)
		rc = nm_fail(err, NM_INPUT, 0, "Content-Type names no boundary, "
		             "or one that is too long");
	if (!rc) {
		memcpy(parts->delimiter, "\r\n--", 4);
		memcpy(parts->delimiter + 4, boundary.at, boundary.len);
		parts->delimiter_len = boundary.len + 4;
		nm_buf_add(&parts->held, "\r\n", 2);
	}
	nm_arena_release(&arena);
	return rc;
}

void
nm_multipart_feed(struct nm_multipart *parts, const void *chunk, size_t len)
{
	parts->at = chunk;
	parts->len = len;
}

/* What ends a part's head is an empty line; what a line says is looked at here. */
static void
read_head_line(struct nm_multipart *parts, struct nm_text line)
{
	static const char disposition[] = "content-disposition:";
	static const char type[] = "content-type:";
	struct nm_text value;

	if (line.len >= sizeof(disposition) - 1 &&
	    strncasecmp(line.at, disposition, sizeof(disposition) - 1) == 0) {
		if (find_parameter(line, "name", &parts->arena, &value))
			parts->name = value;
		if (find_parameter(line, "filename", &parts->arena, &value)) {
			parts->filename = value;
			parts->named = true;
		}
	} else if (line.len >= sizeof(type) - 1 &&
	           strncasecmp(line.at, type, sizeof(type) - 1) == 0) {
		value.at = line.at + sizeof(type) - 1;
		value.len = line.len - (sizeof(type) - 1);
		while (value.len && value.at[0] == ' ') {
			value.at++;
			value.len--;
		}
		parts->type = nm_arena_text(&parts->arena, value);
	}
}

static void
forget_head(struct nm_multipart *parts)
{
	nm_arena_clear(&parts->arena);
	parts->name = parts->filename = parts->type = (struct nm_text){0};
	parts->named = false;
}

/* Takes one line (without "\r\n") of the chunk into held; false: not yet whole. */
static bool
take_line(struct nm_multipart *parts)
{
	const char *end = parts->len ? memchr(parts->at, '\n', parts->len)
	                             : NULL;
	size_t n = end ? (size_t)(end - parts->at) + 1 : parts->len;

	nm_buf_add(&parts->held, parts->at, n);
	parts->at += n;
	parts->len -= n;
	return end != NULL;
}

static struct nm_text
held_line(const struct nm_multipart *parts)
{
	struct nm_text line = nm_buf_text(&parts->held);

	while (line.len && (line.at[line.len - 1] == '\n' ||
	                    line.at[line.len - 1] == '\r'))
		line.len--;
	return line;
}

/* The rest of the delimiter's line: "--" closes, white space is padding. */
static enum nm_part_event
after_delimiter(struct nm_multipart *parts)
{
	struct nm_text line;

	/* The close needs no line end after it. */
	while (parts->held.len < 2 && parts->len) {
		nm_buf_add_byte(&parts->held, *parts->at++);
		parts->len--;
	}
	if (parts->held.len >= 2 && memcmp(parts->held.at, "--", 2) == 0) {
		parts->state = EPILOGUE;
		return NM_PART_CLOSE;
	}
	if (parts->held.len < 2)
		return NM_PART_MORE;
	if (memcmp(parts->held.at, "\r\n", 2) != 0 && !take_line(parts))
		return parts->held.over ? broken(parts, "a boundary's line is too "
		                                 "long") : NM_PART_MORE;
	line = held_line(parts);
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] != ' ' && line.at[i] != '\t')
			return broken(parts, "bytes follow a boundary");
	nm_buf_clear(&parts->held);
	forget_head(parts);
	parts->state = HEAD;
	return nm_multipart_next(parts);
}

static enum nm_part_event
read_head(struct nm_multipart *parts)
{
	struct nm_text line;
	size_t begin = parts->held_sent;

	/* held keeps the whole head, so that its ceiling is the head's;
	 * held_sent is where the present line begins. */
	while (take_line(parts)) {
		line = held_line(parts);
		if (parts->held.over)
			break;
		if (line.len <= begin) {
			nm_buf_clear(&parts->held);
			parts->held_sent = 0;
			parts->state = BODY;
			return NM_PART_BEGIN;
		}
		if (memchr(line.at + begin, 0, line.len - begin))
			return broken(parts, "a part's head holds a NUL");
		read_head_line(parts, (struct nm_text){ line.at + begin,
		                                        line.len - begin });
		begin = parts->held_sent = parts->held.len;
	}
	if (parts->held.over)
		return broken(parts, "a part's head is too long");
	return NM_PART_MORE;
}

/*
 * A delimiter that began in an earlier chunk. Only its first byte is '\r', so
 * that what was held is wholly of a delimiter or wholly data.
 */
static enum nm_part_event
go_on_with_held(struct nm_multipart *parts)
{
	size_t have = parts->held.len;
	size_t n = parts->delimiter_len - have;

	if (n > parts->len)
		n = parts->len;
	if (memcmp(parts->at, parts->delimiter + have, n) == 0) {
		nm_buf_add(&parts->held, parts->at, n);
		parts->at += n;
		parts->len -= n;
		if (have + n < parts->delimiter_len)
			return NM_PART_MORE;
		nm_buf_clear(&parts->held);
		parts->state = AFTER_DELIMITER;
		return NM_PART_END;
	}
	parts->bytes = nm_buf_text(&parts->held);
	parts->held_sent = have;
	return NM_PART_BYTES;
}

/* Data up to the next delimiter, or to what may be the beginning of one. */
static enum nm_part_event
scan_body(struct nm_multipart *parts)
{
	const char *end = parts->at + parts->len, *p = parts->at;
	size_t left = 0, n;

	while ((p = memchr(p, '\r', (size_t)(end - p)))) {
		left = (size_t)(end - p);
		n = left < parts->delimiter_len ? left : parts->delimiter_len;
		if (memcmp(p, parts->delimiter, n) == 0)
			break;
		p++;
	}
	parts->bytes.at = parts->at;
	parts->bytes.len = p ? (size_t)(p - parts->at) : parts->len;
	parts->at += parts->bytes.len;
	parts->len -= parts->bytes.len;
	if (parts->bytes.len)
		return NM_PART_BYTES;
	return go_on_with_held(parts);
}

static enum nm_part_event
read_body(struct nm_multipart *parts)
{
	if (parts->held_sent) {
		nm_buf_clear(&parts->held);
		parts->held_sent = 0;
	}
	if (!parts->len)
		return NM_PART_MORE;
	return parts->held.len ? go_on_with_held(parts) : scan_body(parts);
}

enum nm_part_event
nm_multipart_next(struct nm_multipart *parts)
{
	enum nm_part_event event;

	switch (parts->state) {
	case PREAMBLE:
		/* What precedes the first boundary is nobody's. */
		do
			event = read_body(parts);
		while (event == NM_PART_BYTES);
		return event == NM_PART_END ? after_delimiter(parts) : event;
	case AFTER_DELIMITER:
		return after_delimiter(parts);
	case HEAD:
		return read_head(parts);
	case BODY:
		return read_body(parts);
	case EPILOGUE:
		parts->len = 0;
		return NM_PART_MORE;
	default:
		return NM_PART_BROKEN;
	}
}

bool
nm_multipart_complete(const struct nm_multipart *parts)
{
	return parts->state == EPILOGUE;
}

void
nm_multipart_release(struct nm_multipart *parts)
{
	nm_buf_release(&parts->held);
	nm_arena_release(&parts->arena);
	memset(parts, 0, sizeof(*parts));
}
