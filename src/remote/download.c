/*
 * download: a file's content, continued where it was cut; see files.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "remote/files.h"

enum {
	TRIES_IN_VAIN = 5, STALL_MS = 60000, HASH_BYTES = 64 << 10,
	RESTARTS_MAX = 2,
	/* Asked for again, where no tag promises that the rest is of the same file. */
	AGAIN_MAX_BYTES = 4096, AGAIN_MIN_BYTES = 256
};

/* A part file, and what is known of the whole. */
struct part {
	const struct nm_download *wish;
	struct nm_buf    path;
	int              fd;        /* -1 = not open */
	uint64_t         bytes;     /* in the file, all of them in the digest */
	uint64_t         at;        /* of the next byte that comes; one before the end is
	                             * to be the same as here */
	uint64_t         again_max; /* less after tries that ended within those */
	uint64_t         furthest;  /* bytes ever reached: what counts as progress */
	int64_t          total;     /* as announced; -1 = not yet */
	struct nm_digest digest;
	struct nm_buf    etag;      /* of the bytes so far; empty = not told */
	bool             begun;     /* this try's headers have been looked at */
	bool             from_zero; /* ask for the whole next time */
	bool             restarted; /* and it was this try that said so */
	int              restarts;
};

static void
restart_digest(struct part *part)
{
	nm_digest_release(&part->digest);
	nm_digest_init(&part->digest, NM_SHA256);
}

/* Takes what an earlier process left into the digest. */
static enum nm_code
hash_part(struct part *part, struct nm_err *err)
{
	static const size_t step = HASH_BYTES;
	char piece[HASH_BYTES];
	enum nm_code rc = NM_OK;

	for (uint64_t at = 0; at < part->bytes && !rc;) {
		size_t len = part->bytes - at < step
			? (size_t)(part->bytes - at) : step;

		rc = nm_file_read_at(part->fd, at, len, piece, err);
		if (!rc)
			nm_digest_add(&part->digest, piece, len);
		at += len;
	}
	return rc;
}

static enum nm_code
fail_on_disk(const struct part *part, int why, struct nm_err *err)
{
	return nm_fail(err, NM_IO, why, "cannot write %s: %s",
	               nm_buf_string(&part->path), strerror(why));
}

static enum nm_code
open_part(struct part *part, const struct nm_download *wish,
          struct nm_err *err)
{
	struct stat stat;

	*part = (struct part){
		.wish = wish, .fd = -1, .total = -1,
		.again_max = AGAIN_MAX_BYTES,
	};
	nm_buf_addf(&part->path, "%s.", wish->path);
	/* Named by the id too: a part of another file is never continued. */
	nm_path_add_safe(&part->path, nm_text_of(wish->id));
	nm_buf_add_string(&part->path, ".part");
	part->fd = open(nm_buf_string(&part->path),
	                O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (part->fd < 0 || fstat(part->fd, &stat))
		return fail_on_disk(part, errno, err);
	if (flock(part->fd, LOCK_EX | LOCK_NB))
		return nm_fail(err, NM_HELD, 0,
		               "%s is being downloaded by another process",
		               wish->path);
	part->bytes = part->furthest = (uint64_t)stat.st_size;
	restart_digest(part);
	if (lseek(part->fd, 0, SEEK_END) < 0)
		return fail_on_disk(part, errno, err);
	return hash_part(part, err);
}

static void
close_part(struct part *part)
{
	if (part->fd >= 0)
		close(part->fd);
	nm_digest_release(&part->digest);
	nm_buf_release(&part->path);
	nm_buf_release(&part->etag);
}

static enum nm_code
empty_part(struct part *part, struct nm_err *err)
{
	if (ftruncate(part->fd, 0) || lseek(part->fd, 0, SEEK_SET) < 0)
		return fail_on_disk(part, errno, err);
	part->bytes = part->at = 0;
	part->total = -1;
	nm_buf_clear(&part->etag);
	restart_digest(part);
	return NM_OK;
}

static int64_t
read_number(struct nm_text *text)
{
	int64_t value = 0;
	size_t digits = 0;

	while (text->len > 0 && text->at[0] >= '0' && text->at[0] <= '9' &&
	       digits < 18) {
		value = value * 10 + (text->at[0] - '0');
		text->at++;
		text->len--;
		digits++;
	}
	return digits ? value : -1;
}

static bool
skip_byte(struct nm_text *text, char byte)
{
	if (text->len == 0 || text->at[0] != byte)
		return false;
	text->at++;
	text->len--;
	return true;
}

/* "bytes 5-9/10" or, with first -1, a 416's "bytes * /10"; total -1 for '*'. */
static bool
read_range(struct nm_text text, int64_t *first, int64_t *total)
{
	int64_t last = -1;

	*first = *total = -1;
	if (text.len < 6 || memcmp(text.at, "bytes ", 6) != 0)
		return false;
	text.at += 6;
	text.len -= 6;
	if (!skip_byte(&text, '*')) {
		*first = read_number(&text);
		if (*first < 0 || !skip_byte(&text, '-'))
			return false;
		last = read_number(&text);
		if (last < *first)
			return false;
	}
	if (!skip_byte(&text, '/'))
		return false;
	if (!skip_byte(&text, '*'))
		*total = read_number(&text);
	return text.len == 0;
}

/* What came so far is none of the file, or may be none: not for a later process
 * either. */
static enum nm_code
start_over(struct part *part, const char *why, struct nm_err *err)
{
	if (empty_part(part, err))
		return err->code;
	part->from_zero = part->restarted = true;
	if (++part->restarts > RESTARTS_MAX)
		return nm_fail(err, NM_PROTOCOL, 0, "%s of %s", why,
		               part->wish->id);
	/* Not the caller's code: the next try asks for the whole. */
	return nm_fail(err, NM_UNREACHABLE, 0, "%s of %s", why,
	               part->wish->id);
}

/* Of another length than the file, be it announced or here: it is not the file. */
static enum nm_code
refuse_length(struct part *part, uint64_t bytes, struct nm_err *err)
{
	char why[96];

	snprintf(why, sizeof(why), "%llu bytes came instead of the %lld",
	         (unsigned long long)bytes,
	         (long long)part->wish->expected_bytes);
	return start_over(part, why, err);
}

static void
keep_etag(struct part *part, const struct nm_http_reply *reply)
{
	struct nm_text etag = nm_http_header(reply, "etag");

	nm_buf_clear(&part->etag);
	/* A weak one does not promise the same bytes (RFC 9110, 13.1.5). */
	if (etag.len > 2 && etag.len < 256 && etag.at[0] == '"')
		nm_buf_add_text(&part->etag, etag);
}

/* The rest comes: is it the one asked for? */
static enum nm_code
look_at_rest(struct part *part, const struct nm_http_reply *reply,
             struct nm_err *err)
{
	int64_t first, total;

	if (!read_range(nm_http_header(reply, "content-range"), &first, &total)
	    || first < 0 || (uint64_t)first != part->at)
		return start_over(part, "another range than asked for came",
		                  err);
	if (total >= 0 && (uint64_t)total < part->bytes)
		return start_over(part, "the part is longer than the whole",
		                  err);
	if (total >= 0 && part->total >= 0 && total != part->total)
		return start_over(part, "the length changed midway", err);
	if (total >= 0)
		part->total = total;
	part->from_zero = false;
	return NM_OK;
}

static enum nm_code
look_at_head(struct part *part, const struct nm_http_reply *reply,
             struct nm_err *err)
{
	struct nm_text encoding = nm_http_header(reply, "content-encoding");
	int64_t expected = part->wish->expected_bytes;
	enum nm_code rc = NM_OK;

	part->begun = true;
	if (encoding.len > 0 && !nm_text_is(encoding, "identity"))
		return nm_fail(err, NM_PROTOCOL, reply->status,
		               "the content of %s came encoded (%.*s), "
		               "unasked", part->wish->id,
		               NM_TEXT_ARGS(encoding));
	if (reply->status == 206)
		return look_at_rest(part, reply, err);
	/* The whole comes, asked for or because Range is not known there. */
	part->at = 0;
	if (part->bytes > 0)
		rc = empty_part(part, err);
	part->from_zero = false;
	part->total = nm_http_header_int(reply, "content-length", -1);
	keep_etag(part, reply);
	if (!rc && expected > 0 && part->total >= 0 && part->total != expected)
		rc = refuse_length(part, (uint64_t)part->total, err);
	return rc;
}

/* Of what comes, that which is here already; *len says how much that is. */
static enum nm_code
compare_again(struct part *part, const char *bytes, size_t *len,
              struct nm_err *err)
{
	char kept[AGAIN_MAX_BYTES];
	enum nm_code rc = NM_OK;

	if (*len > part->bytes - part->at)
		*len = (size_t)(part->bytes - part->at);
	for (size_t done = 0, step; !rc && done < *len; done += step) {
		step = *len - done < sizeof(kept) ? *len - done : sizeof(kept);
		rc = nm_file_read_at(part->fd, part->at, step, kept, err);
		if (!rc && memcmp(bytes + done, kept, step) != 0)
			return start_over(part, "other bytes than before came",
			                  err);
		part->at += step;
	}
	return rc;
}

static enum nm_code
take_bytes(void *user, const struct nm_http_reply *reply, const char *bytes,
           size_t len, struct nm_err *err)
{
	struct part *part = user;
	enum nm_code rc = NM_OK;
	size_t again = len;

	if (!part->begun)
		rc = look_at_head(part, reply, err);
	if (!rc)
		rc = compare_again(part, bytes, &again, err);
	if (rc)
		return rc;
	bytes += again;
	len -= again;
	if (nm_file_write_all(part->fd, bytes, len, err))
		return fail_on_disk(part, (int)err->detail, err);
	nm_digest_add(&part->digest, bytes, len);
	part->bytes += len;
	part->at += len;
	if (part->wish->progress)
		part->wish->progress(part->wish->progress_user, part->bytes,
		                     part->total > 0 ? (uint64_t)part->total
		                     : (uint64_t)part->wish->expected_bytes);
	return NM_OK;
}

/* 416: there is nothing behind what we have; it may be all. */
static enum nm_code
look_at_unsatisfied(struct part *part, const struct nm_http_reply *reply,
                    struct nm_err *err)
{
	int64_t first, total;

	if (read_range(nm_http_header(reply, "content-range"), &first, &total)
	    && total >= 0 && (uint64_t)total == part->bytes &&
	    part->at == part->bytes) {
		part->total = total;
		return NM_OK;
	}
	return start_over(part, "the part is longer than the whole", err);
}

/* The reply ended as it announced: is that all of the file? */
static enum nm_code
check_length(struct part *part, struct nm_err *err)
{
	int64_t expected = part->wish->expected_bytes;

	if (part->total >= 0 && part->bytes < (uint64_t)part->total)
		return nm_fail(err, NM_UNREACHABLE, 0,
		               "%llu of %lld bytes of %s came",
		               (unsigned long long)part->bytes,
		               (long long)part->total, part->wish->id);
	if (part->at < part->bytes)
		return start_over(part, "fewer bytes than before came", err);
	if (part->total >= 0 && part->bytes > (uint64_t)part->total)
		return start_over(part, "more bytes than announced came", err);
	if (expected > 0 && part->bytes != (uint64_t)expected)
		return refuse_length(part, part->bytes, err);
	return NM_OK;
}

/* From where to ask: a strong tag promises that the rest fits, else it has to be seen. */
static uint64_t
next_place(const struct part *part)
{
	if (part->from_zero)
		return 0;
	if (part->etag.len)
		return part->bytes;
	return part->bytes > part->again_max ? part->bytes - part->again_max : 0;
}

static void
set_range(const struct part *part, struct nm_http_request *request,
          struct nm_buf lines[2], const char **headers)
{
	/* Those of the address come first. */
	for (size_t i = 0; i < request->n_headers; i++)
		headers[i] = request->headers[i];
	request->headers = headers;
	if (part->at == 0)
		return;
	nm_buf_addf(&lines[0], "Range: bytes=%llu-",
	            (unsigned long long)part->at);
	headers[request->n_headers++] = nm_buf_string(&lines[0]);
	if (part->etag.len == 0)
		return;
	nm_buf_addf(&lines[1], "If-Range: %s", nm_buf_string(&part->etag));
	headers[request->n_headers++] = nm_buf_string(&lines[1]);
}

/* How one request ended: `code` as http has it, `rc` as this file judges it. */
struct outcome {
	enum nm_code         code;
	enum nm_code         rc;
	struct nm_http_reply reply;
	struct nm_err        err;
};

static void
request_once(struct nm_api *api, struct part *part, const char *path,
             struct outcome *out)
{
	struct nm_http_request request = {
		.encoding = NM_HTTP_IDENTITY, .sink = take_bytes,
		.sink_user = part, .total_ms = NM_HTTP_NEVER,
		.stall_ms = STALL_MS, .reply_max_bytes = 1 << 20,
	};
	struct nm_api_address address;
	struct nm_buf lines[2] = {0};
	const char *headers[5];

	*out = (struct outcome){0};
	part->begun = part->restarted = false;
	part->at = next_place(part);
	nm_api_address(api, path, &address, &request);
	set_range(part, &request, lines, headers);
	out->code = nm_http_call(api->http, &request, &out->reply, &out->err);
	if (out->code == NM_OK && out->reply.status == 416 && part->bytes > 0)
		out->rc = look_at_unsatisfied(part, &out->reply, &out->err);
	else
		out->rc = nm_api_judge(api, NM_API_READS, out->code,
		                       &out->reply, &out->err);
	/* A body of no bytes never met the sink. */
	if (!out->rc && !part->begun && out->reply.status < 300)
		out->rc = look_at_head(part, &out->reply, &out->err);
	if (!out->rc)
		out->rc = check_length(part, &out->err);
	nm_api_address_release(&address);
	nm_buf_release(&lines[0]);
	nm_buf_release(&lines[1]);
}

static void
tell(struct nm_api *api, const char *path, int tries,
     const struct outcome *out, struct nm_retry_verdict verdict)
{
	struct nm_api_event event = {
		.method = "GET", .path = path, .try_number = tries,
		.status = out->reply.status, .verdict = verdict,
		.elapsed_ms = out->reply.elapsed_ms,
		.request_id = nm_http_header(&out->reply, "x-request-id"),
		.err = out->rc ? &out->err : NULL,
	};

	api->tries++;
	if (api->log)
		api->log(api->log_user, &event);
}

/*
 * Whether and when to ask again. A cut that brought new bytes costs no try; what
 * we ended ourselves in order to begin anew is counted by start_over.
 */
static struct nm_retry_verdict
decide(struct nm_api *api, const struct part *part,
       const struct outcome *out, int in_vain)
{
	int max = part->wish->tries_max > 0 ? part->wish->tries_max
	                                    : TRIES_IN_VAIN;
	struct nm_retry_policy usual = api->retry;
	struct nm_retry_verdict verdict = {0};
	enum nm_code code = out->code;

	if (out->rc != NM_UNREACHABLE)
		return verdict;
	if (part->restarted)
		return (struct nm_retry_verdict){
			.when = NM_RETRY_NOW, .transient = true,
			.reason = "the whole is asked for"
		};
	/* It ended as announced, and yet is short of the whole: as if cut. */
	if (code == NM_OK && out->reply.status < 300)
		code = NM_AMBIGUOUS;
	api->retry.retries_max = max - 1 > 0 ? max - 1 : -1;
	api->retry.budget_ms = 0;
	verdict = nm_api_retry(api, code, &out->reply, NM_RETRY_409,
	                       in_vain > 0 ? in_vain : 1, 0);
	api->retry = usual;
	return verdict;
}

static enum nm_code
fetch(struct nm_api *api, struct part *part, int *tries, struct nm_err *err)
{
	struct nm_buf path = {0};
	enum nm_code rc = NM_OK;
	int in_vain = 0;

	nm_buf_add_string(&path, "/files/");
	nm_api_add_escaped(&path, part->wish->id);
	nm_buf_add_string(&path, "/content");
	for (;;) {
		struct nm_retry_verdict verdict;
		struct outcome out;

		++*tries;
		request_once(api, part, nm_buf_string(&path), &out);
		in_vain = part->bytes > part->furthest ? 0 : in_vain + 1;
		if (in_vain && part->begun && part->again_max > AGAIN_MIN_BYTES)
			part->again_max /= 2;
		if (part->bytes > part->furthest)
			part->furthest = part->bytes;
		verdict = decide(api, part, &out, in_vain);
		tell(api, nm_buf_string(&path), *tries, &out, verdict);
		rc = out.rc;
		if (rc && verdict.when == NM_RETRY_NEVER && err)
			*err = out.err;
		nm_http_reply_release(&out.reply);
		if (!rc || verdict.when == NM_RETRY_NEVER)
			break;
		rc = nm_clock_sleep(api->clock, verdict.pause_ms, err);
		if (rc)
			break;
	}
	nm_buf_release(&path);
	return rc;
}

static enum nm_code
put_in_place(const struct part *part, struct nm_err *err)
{
	if (fsync(part->fd) ||
	    rename(nm_buf_string(&part->path), part->wish->path))
		return nm_fail(err, NM_IO, errno, "cannot write %s: %s",
		               part->wish->path, strerror(errno));
	return nm_file_sync_folder(part->wish->path, err);
}

enum nm_code
nm_files_download(struct nm_api *api, const struct nm_download *wish,
                  struct nm_downloaded *out, struct nm_err *err)
{
	struct nm_downloaded done = {0};
	struct part part;
	enum nm_code rc;

	rc = open_part(&part, wish, err);
	if (!rc)
		rc = fetch(api, &part, &done.tries, err);
	if (!rc)
		rc = put_in_place(&part, err);
	if (!rc) {
		done.bytes = part.bytes;
		nm_digest_finish(&part.digest, done.sha256);
		*out = done;
	}
	close_part(&part);
	return rc;
}
