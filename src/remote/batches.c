/*
 * batches: see batches.h.
 */
#include "remote/batches.h"

enum { BODY_MAX_BYTES = 1 << 20 };

static enum nm_code
write_wish(struct nm_buf *body, const struct nm_batch_wish *wish,
           struct nm_err *err)
{
	struct nm_json_writer w = { .out = body };

	body->max = BODY_MAX_BYTES;
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "input_file_id", wish->input_file_id);
	nm_json_put_string(&w, "endpoint", wish->endpoint);
	nm_json_put_string(&w, "completion_window",
	                   wish->completion_window
	                   ? wish->completion_window : "24h");
	if (wish->n_metadata > 0) {
		nm_json_open_object(&w, "metadata");
		for (size_t i = 0; i < wish->n_metadata; i++)
			nm_json_put_string(&w, wish->metadata[i].name,
			                   wish->metadata[i].value);
		nm_json_close_object(&w);
	}
	if (wish->output_expires_after_s > 0) {
		nm_json_open_object(&w, "output_expires_after");
		nm_json_put_string(&w, "anchor", "created_at");
		nm_json_put_int(&w, "seconds", wish->output_expires_after_s);
		nm_json_close_object(&w);
	}
	nm_json_close_object(&w);
	return nm_buf_check(body, "a batch's description", err);
}

enum nm_code
nm_batches_create(struct nm_api *api, const struct nm_batch_wish *wish,
                  struct nm_arena *arena, struct nm_batch *out,
                  struct nm_err *err)
{
	struct nm_reply reply = {0};
	struct nm_buf body = {0};
	enum nm_code rc;

	rc = write_wish(&body, wish, err);
	if (rc)
		goto done;
	rc = nm_api_post_once(api, "/batches", nm_buf_text(&body), &reply, err);
	if (rc)
		goto done;
	rc = nm_batch_read(reply.root, arena, out, NULL);
	/* It was created, only its id is not known: that is to be looked for. */
	if (rc)
		rc = nm_fail(err, NM_AMBIGUOUS, reply.http.status,
		             "the reply to a batch's creation (status %d) names "
		             "no batch", reply.http.status);
done:
	nm_reply_release(&reply);
	nm_buf_release(&body);
	return rc;
}

static void
put_path(struct nm_buf *out, const char *id, const char *verb)
{
	nm_buf_add_string(out, "/batches/");
	nm_api_add_escaped(out, id);
	nm_buf_add_string(out, verb);
}

enum nm_code
nm_batches_get(struct nm_api *api, const char *id, struct nm_arena *arena,
               struct nm_batch *out, struct nm_err *err)
{
	struct nm_reply reply = {0};
	struct nm_buf path = {0};
	enum nm_code rc;

	put_path(&path, id, "");
	rc = nm_api_get(api, nm_buf_string(&path), &reply, err);
	if (!rc)
		rc = nm_batch_read(reply.root, arena, out, err);
	nm_reply_release(&reply);
	nm_buf_release(&path);
	return rc;
}

enum nm_code
nm_batches_cancel(struct nm_api *api, const char *id, struct nm_arena *arena,
                  struct nm_batch *out, struct nm_err *err)
{
	struct nm_reply reply = {0};
	struct nm_buf path = {0};
	enum nm_code rc;

	put_path(&path, id, "/cancel");
	rc = nm_api_post(api, nm_buf_string(&path), (struct nm_text){0},
	                 &reply, err);
	if (!rc)
		rc = nm_batch_read(reply.root, arena, out, err);
	nm_reply_release(&reply);
	nm_buf_release(&path);
	return rc;
}

/* A page; a vendor's bare array is one too. */
static void
read_page(const struct nm_value *root, const char *after,
          struct nm_arena *arena, struct nm_batches_page *out)
{
	const struct nm_value *data = root, *element;
	struct nm_batches_page page = { .after = "" };
	struct nm_json_walk walk;

	if (nm_json_kind(root) == NM_JSON_OBJECT)
		data = nm_json_get(root, "data");
	page.batches = nm_arena_array(arena, nm_json_count(data) + 1,
	                              sizeof(*page.batches));
	nm_json_walk_init(&walk, data);
	while ((element = nm_json_walk_next(&walk, NULL)))
		if (!nm_batch_read(element, arena, &page.batches[page.count],
		                   NULL))
			page.count++;
	if (page.count > 0)
		page.after = page.batches[page.count - 1].id;
	page.more = page.count > 0 &&
		nm_json_true(nm_json_get(root, "has_more"));
	/* A service that does not know `after` gives the same for ever. */
	if (page.more && after && strcmp(page.after, after) == 0)
		page.count = 0;
	*out = page;
}

enum nm_code
nm_batches_list(struct nm_api *api, const char *after, int limit,
                struct nm_arena *arena, struct nm_batches_page *out,
                struct nm_err *err)
{
	struct nm_reply reply = {0};
	struct nm_buf path = {0};
	enum nm_code rc;
	char joint = '?';

	nm_buf_add_string(&path, "/batches");
	if (limit > 0) {
		nm_buf_addf(&path, "?limit=%d", limit);
		joint = '&';
	}
	if (after && *after) {
		nm_buf_addf(&path, "%cafter=", joint);
		nm_api_add_escaped(&path, after);
	}
	rc = nm_api_get(api, nm_buf_string(&path), &reply, err);
	if (!rc)
		read_page(reply.root, after, arena, out);
	nm_reply_release(&reply);
	nm_buf_release(&path);
	return rc;
}
