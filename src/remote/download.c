/*
 * download: a file's content, continued where it was cut; see files.h.
 */
#include <stdio.h>

#include "remote/content_range.h"
#include "remote/files.h"
#include "remote/part_file.h"

enum {
	TRIES_IN_VAIN = 5, STALL_MS = 60000, RESTARTS_MAX = 2,
	/* Asked for again, where no tag promises that the rest is of the same file. */
	AGAIN_MAX_BYTES = 4096, AGAIN_MIN_BYTES = 256
};

/* What is here, and what is known of the whole. */
struct part {
	const struct nm_download *wish;
	struct nm_part_file file;
	uint64_t      at;        /* of the next byte that comes; one before the end is to
	                          * be the same as here */
	uint64_t      again_max; /* less after tries that ended within those */
	uint64_t      furthest;  /* bytes ever reached: what counts as progress */
	int64_t       total;     /* as announced; -1 = not yet */
	struct nm_buf etag;      /* of the bytes so far; empty = not told */
	bool          begun;     /* this try's headers have been looked at */
	bool          from_zero; /* ask for the whole next time */
	bool          restarted; /* and it was this try that said so */
	int           restarts;
};

static enum nm_code
forget_all(struct part *part, struct nm_err *err)
{
	enum nm_code rc = nm_part_file_empty(&part->file, err);

	if (rc)
		return rc;
	part->at = 0;
	part->total = -1;
	nm_buf_clear(&part->etag);
	return NM_OK;
}

/* What came so far is none of the file, or may be none: not for a later process
 * either. */
static enum nm_code
start_over(struct part *part, const char *why, struct nm_err *err)
{
	if (forget_all(part, err))
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
	struct nm_content_range came;

	if (!nm_content_range_read(nm_http_header(reply, "content-range"),
	                           &came) ||
	    came.first < 0 || (uint64_t)came.first != part->at)
		return start_over(part, "another range than asked for came",
		                  err);
	if (came.total >= 0 && (uint64_t)came.total < part->file.bytes)
		return start_over(part, "the part is longer than the whole",
		                  err);
	if (came.total >= 0 && part->total >= 0 && came.total != part->total)
		return start_over(part, "the length changed midway", err);
	if (came.total >= 0)
		part->total = came.total;
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
	if (part->file.bytes > 0)
		rc = forget_all(part, err);
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
	enum nm_code rc;
	int same;

	if (*len > part->file.bytes - part->at)
		*len = (size_t)(part->file.bytes - part->at);
	rc = nm_part_file_compare(&part->file, part->at, bytes, *len, &same,
	                          err);
	if (!rc && !same)
		rc = start_over(part, "other bytes than before came", err);
	else if (!rc)
		part->at += *len;
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
	if (!rc)
		rc = nm_part_file_add(&part->file, bytes + again, len - again,
		                      err);
	if (rc)
		return rc;
	part->at += len - again;
	if (part->wish->progress)
		part->wish->progress(part->wish->progress_user, part->file.bytes,
		                     part->total > 0 ? (uint64_t)part->total
		                     : (uint64_t)part->wish->expected_bytes);
	return NM_OK;
}

/* 416: there is nothing behind what we have; it may be all. */
static enum nm_code
look_at_unsatisfied(struct part *part, const struct nm_http_reply *reply,
                    struct nm_err *err)
{
	struct nm_content_range said;

	if (nm_content_range_read(nm_http_header(reply, "content-range"),
	                          &said) &&
	    said.total >= 0 && (uint64_t)said.total == part->file.bytes &&
	    part->at == part->file.bytes) {
		part->total = said.total;
		return NM_OK;
	}
	return start_over(part, "the part is longer than the whole", err);
}

/* The reply ended as it announced: is that all of the file? */
static enum nm_code
check_length(struct part *part, struct nm_err *err)
{
	int64_t expected = part->wish->expected_bytes;

	if (part->total >= 0 && part->file.bytes < (uint64_t)part->total)
		return nm_fail(err, NM_UNREACHABLE, 0,
		               "%llu of %lld bytes of %s came",
		               (unsigned long long)part->file.bytes,
		               (long long)part->total, part->wish->id);
	if (part->at < part->file.bytes)
		return start_over(part, "fewer bytes than before came", err);
	if (part->total >= 0 && part->file.bytes > (uint64_t)part->total)
		return start_over(part, "more bytes than announced came", err);
	if (expected > 0 && part->file.bytes != (uint64_t)expected)
		return refuse_length(part, part->file.bytes, err);
	return NM_OK;
}

/* From where to ask: a strong tag promises that the rest fits, else it has to be seen. */
static uint64_t
next_place(const struct part *part)
{
	if (part->from_zero)
		return 0;
	if (part->etag.len)
		return part->file.bytes;
	return part->file.bytes > part->again_max
	       ? part->file.bytes - part->again_max : 0;
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
	if (out->code == NM_OK && out->reply.status == 416 && part->file.bytes > 0)
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
		in_vain = part->file.bytes > part->furthest ? 0 : in_vain + 1;
		if (in_vain && part->begun && part->again_max > AGAIN_MIN_BYTES)
			part->again_max /= 2;
		if (part->file.bytes > part->furthest)
			part->furthest = part->file.bytes;
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

enum nm_code
nm_files_download(struct nm_api *api, const struct nm_download *wish,
                  struct nm_downloaded *out, struct nm_err *err)
{
	struct part part = {
		.wish = wish, .total = -1, .again_max = AGAIN_MAX_BYTES,
	};
	struct nm_downloaded done = {0};
	enum nm_code rc;

	rc = nm_part_file_open(&part.file, wish->path, wish->id, err);
	part.furthest = part.file.bytes;
	if (!rc)
		rc = fetch(api, &part, &done.tries, err);
	if (!rc)
		rc = nm_part_file_place(&part.file, err);
	if (!rc) {
		done.bytes = part.file.bytes;
		nm_digest_finish(&part.file.digest, done.sha256);
		*out = done;
	}
	nm_part_file_close(&part.file);
	nm_buf_release(&part.etag);
	return rc;
}
