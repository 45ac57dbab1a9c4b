/*
 * selection: see selection.h.
 */
#include "eval/selection.h"

#include <stdlib.h>

#include "eval/bound.h"
#include "eval/random.h"

/* Knuth, The Art of Computer Programming, volume 2, section 3.4.2. */
static const char GENERATOR[] = "selection sampling (Knuth's algorithm S), "
                                NM_RANDOM_NAME;

struct nm_selection {
	struct nm_dataset          *ds;
	struct nm_selection_options options;
	struct nm_selection_facts   facts;
	struct nm_random            random;
	bool                        sampling; /* else all questions are taken */
	uint64_t                    passed;   /* questions seen on this walk */
	uint64_t                    chosen;   /* of these, taken */
};

void
nm_selection_close(struct nm_selection *selection)
{
	if (!selection)
		return;
	nm_dataset_close(selection->ds);
	free(selection);
}

static bool
past_limit(const struct nm_selection *s, uint64_t id)
{
	return s->options.limit && id >= s->options.limit;
}

/* Counts the question that the dataset just gave; true when it is taken. */
static bool
choose(struct nm_selection *s)
{
	uint64_t left = s->facts.questions - s->passed++;

	if (s->sampling
	    && nm_random_below(&s->random, left)
	       >= s->facts.taken - s->chosen)
		return false;
	s->chosen++;
	return true;
}

static enum nm_code
start_walk(struct nm_selection *s, struct nm_err *err)
{
	s->passed = 0;
	s->chosen = 0;
	nm_random_init(&s->random, s->options.seed);
	return nm_dataset_rewind(s->ds, err);
}

/* ---- the first walk ---- */

enum { PENDING_BYTES = 32 << 10, NUMBER_BYTES = 8 };

/* Where taken questions go while they are counted and digested. */
struct sum {
	struct nm_digest digest;
	struct nm_buf    pending; /* not yet digested: many small texts at once */
	uint64_t         taken;
	uint64_t         last_id;
	uint64_t         text_bytes;
	uint64_t         text_bytes_max;
	uint64_t         text_weight;
	uint64_t         text_weight_max;
};

/* Both return where they ended. */
static char *
put_number(char *at, uint64_t number)
{
	for (int i = 0; i < NUMBER_BYTES; i++)
		at[i] = (char)(number >> 8 * i & 0xff);
	return at + NUMBER_BYTES;
}

static char *
put_text(char *at, struct nm_text text)
{
	at = put_number(at, text.len);
	if (text.len)
		memcpy(at, text.at, text.len);
	return at + text.len;
}

static void
digest_pending(struct sum *sum)
{
	nm_digest_add(&sum->digest, sum->pending.at, sum->pending.len);
	nm_buf_clear(&sum->pending);
}

static void
measure(struct sum *sum, const struct nm_question *q)
{
	uint64_t weight = nm_bound_weigh(q->text, q->text_len);

	sum->text_bytes += q->text_len;
	if (q->text_len > sum->text_bytes_max)
		sum->text_bytes_max = q->text_len;
	sum->text_weight += weight;
	if (weight > sum->text_weight_max)
		sum->text_weight_max = weight;
}

static void
add_question(struct sum *sum, const struct nm_question *q)
{
	size_t room = (3 + q->n_gold) * NUMBER_BYTES + q->text_len;
	char *at;

	sum->taken++;
	sum->last_id = q->id;
	measure(sum, q);
	for (size_t i = 0; i < q->n_gold; i++)
		room += q->gold[i].len;
	at = nm_buf_room(&sum->pending, room);
	if (!at)
		abort(); /* a line's ceiling is far below the buffer's */
	at = put_number(at, q->id);
	at = put_text(at, (struct nm_text){ q->text, q->text_len });
	at = put_number(at, q->n_gold);
	for (size_t i = 0; i < q->n_gold; i++)
		at = put_text(at, q->gold[i]);
	nm_buf_took(&sum->pending, room);
	if (sum->pending.len >= PENDING_BYTES)
		digest_pending(sum);
}

static void
tell(const struct nm_selection *s, const struct nm_err *err)
{
	if (s->options.bad_line)
		s->options.bad_line(s->options.bad_line_context, err,
		                    nm_dataset_spot(s->ds));
}

static void
note_lines(struct nm_selection *s)
{
	uint64_t lines = nm_dataset_counts(s->ds)->lines;

	if (s->options.limit && lines > s->options.limit)
		lines = s->options.limit;
	s->facts.lines = lines;
	s->facts.blank_lines = lines - s->facts.questions - s->facts.bad_lines;
}

/* Walks the lines within the limit: counts all, and adds each question to
 * sum. */
static enum nm_code
count(struct nm_selection *s, struct sum *sum, struct nm_err *err)
{
	for (;;) {
		struct nm_question q;
		struct nm_err why = { 0 };
		enum nm_code rc = nm_dataset_next(s->ds, &q, &why);

		if (rc == NM_INPUT) {
			if (past_limit(s, nm_dataset_spot(s->ds)->line - 1))
				break;
			s->facts.bad_lines++;
			tell(s, &why);
			continue;
		}
		if (rc)
			return nm_fail(err, rc, why.detail, "%s", why.text);
		if (!q.text || past_limit(s, q.id))
			break;
		s->facts.questions++;
		if (sum)
			add_question(sum, &q);
	}
	note_lines(s);
	return nm_dataset_drain(s->ds, err);
}

/* Walks once more and adds what the sample takes to sum. */
static enum nm_code
digest_sample(struct nm_selection *s, struct sum *sum, struct nm_err *err)
{
	struct nm_question q = { 0 };
	enum nm_code rc = start_walk(s, err);

	while (rc == NM_OK) {
		rc = nm_selection_next(s, &q, err);
		if (rc || !q.text)
			break;
		add_question(sum, &q);
	}
	return rc;
}

static enum nm_code
first_walk(struct nm_selection *s, struct nm_err *err)
{
	bool may_sample = s->options.sample > 0;
	struct sum sum = { 0 };
	enum nm_code rc;

	nm_digest_init(&sum.digest, NM_SHA256);
	nm_digest_apart(&sum.digest);
	rc = count(s, may_sample ? NULL : &sum, err);
	if (rc == NM_OK && s->facts.questions == 0)
		rc = nm_fail(err, NM_INPUT, 0, "%s: no question in %s",
		             nm_dataset_path(s->ds),
		             s->options.limit ? "the lines within the limit"
		                              : "it");
	if (rc)
		goto done;
	s->facts.taken = s->facts.questions;
	s->sampling = may_sample && s->options.sample < s->facts.questions;
	if (s->sampling) {
		s->facts.taken = s->options.sample;
		s->facts.generator = GENERATOR;
	}
	if (may_sample)
		rc = digest_sample(s, &sum, err);
	s->facts.last_id = sum.last_id;
	s->facts.text_bytes = sum.text_bytes;
	s->facts.text_bytes_max = sum.text_bytes_max;
	s->facts.text_weight = sum.text_weight;
	s->facts.text_weight_max = sum.text_weight_max;
	nm_dataset_file_digest(s->ds, s->facts.file_sha256);
	digest_pending(&sum);
	nm_digest_finish(&sum.digest, s->facts.digest);
done:
	nm_buf_release(&sum.pending);
	nm_digest_release(&sum.digest);
	return rc;
}

enum nm_code
nm_selection_open(struct nm_selection **out, const char *path,
                  const struct nm_selection_options *options,
                  struct nm_err *err)
{
	struct nm_selection *s = calloc(1, sizeof(*s));
	enum nm_code rc;

	if (!s)
		nm_die("out of memory");
	s->options = *options;
	s->facts.generator = "";
	rc = nm_dataset_open(&s->ds, path, err);
	if (rc == NM_OK)
		rc = first_walk(s, err);
	if (rc == NM_OK)
		rc = start_walk(s, err);
	if (rc)
		nm_selection_close(s);
	else
		*out = s;
	return rc;
}

/* ---- the later walks ---- */

static enum nm_code
changed(const struct nm_selection *s, struct nm_err *err)
{
	return nm_fail(err, NM_INPUT, 0, "%s was changed while it was being "
	               "read: run again", nm_dataset_path(s->ds));
}

/* `read` is nm_dataset_next or nm_dataset_next_text. */
static enum nm_code
next_taken(struct nm_selection *s,
           enum nm_code (*read)(struct nm_dataset *, struct nm_question *,
                                struct nm_err *),
           struct nm_question *q, struct nm_err *err)
{
	while (s->chosen < s->facts.taken) {
		struct nm_question next;
		enum nm_code rc = read(s->ds, &next, err);

		if (rc == NM_INPUT)
			continue; /* told on the first walk */
		if (rc)
			return rc;
		if (!next.text || s->passed == s->facts.questions)
			return changed(s, err);
		if (choose(s)) {
			*q = next;
			return NM_OK;
		}
	}
	*q = (struct nm_question){ 0 };
	return nm_dataset_check(s->ds, err);
}

enum nm_code
nm_selection_next(struct nm_selection *s, struct nm_question *q,
                  struct nm_err *err)
{
	return next_taken(s, nm_dataset_next, q, err);
}

enum nm_code
nm_selection_next_text(struct nm_selection *s, struct nm_question *q,
                       struct nm_err *err)
{
	return next_taken(s, nm_dataset_next_text, q, err);
}

enum nm_code
nm_selection_rewind(struct nm_selection *s, struct nm_err *err)
{
	return start_walk(s, err);
}

const struct nm_selection_facts *
nm_selection_facts(const struct nm_selection *s)
{
	return &s->facts;
}

const char *
nm_selection_path(const struct nm_selection *s)
{
	return nm_dataset_path(s->ds);
}
