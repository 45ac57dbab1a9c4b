/*
 * pair: see the header.
 */
#include "report/pair.h"

enum {
	FILE_MODE = 0644,
	HEAVY_BYTES = 2 << 20 /* of a text that waits for no others */
};

enum nm_code
nm_pair_open(struct nm_pair *pair, const char *run_path,
             const char *known_path, struct nm_err *err)
{
	struct nm_pair new = { .known_path = known_path };
	enum nm_code rc = nm_draft_open(&new.run, run_path, FILE_MODE, err);

	if (rc)
		return rc;
	if (nm_draft_open(&new.known, known_path, FILE_MODE,
	                  &new.known_failed) == NM_OK)
		new.clones = nm_draft_clone(&new.known, &new.run);
	*pair = new;
	return NM_OK;
}

/* Frees its room at once: the run's file may want it. */
static void
leave_known(struct nm_pair *pair, int why)
{
	(void)nm_fail(&pair->known_failed, NM_IO, why, "cannot write %s: %s",
	              pair->known_path, strerror(why));
	nm_draft_abandon(&pair->known);
}

static void
put_known(struct nm_pair *pair, struct nm_text text)
{
	struct nm_draft *known = &pair->known;

	nm_draft_add(known, text.at, text.len);
	if (!nm_draft_flush(known))
		leave_known(pair, (int)known->failed.detail);
}

static bool
writes_known(const struct nm_pair *pair)
{
	return !pair->clones && !pair->known_failed.code;
}

/* To both files. Where the disk has room for one alone, it is the run's, whichever of
 * them is the first to find it full. */
static void
put_both(struct nm_pair *pair, struct nm_text text)
{
	struct nm_draft *run = &pair->run;

	if (writes_known(pair))
		put_known(pair, text);
	nm_draft_add(run, text.at, text.len);
	if (nm_draft_flush(run) || !writes_known(pair))
		return;
	leave_known(pair, (int)run->failed.detail);
	(void)nm_draft_retry(run);
}

/* What is written beside the caller. */
struct load {
	struct nm_pair *pair;
	struct nm_buf   text;
};

static void
carry(void *piece)
{
	struct load *load = piece;

	put_both(load->pair, nm_buf_text(&load->text));
	nm_buf_recycle(&load->text, HEAVY_BYTES);
}

static void
drop(void *piece)
{
	nm_buf_release(&((struct load *)piece)->text);
}

/* The drafts are the caller's again. */
static void
settle(struct nm_pair *pair)
{
	while (pair->porter && nm_crew_rest(pair->porter))
		;
}

static void
give(struct nm_pair *pair, struct nm_buf *text)
{
	const struct nm_crew_options options = {
		.piece_bytes = sizeof(struct load),
		.work = carry, .release = drop, .in_turn = 1,
	};
	struct nm_buf empty;
	struct load *load;

	if (!pair->porter)
		pair->porter = nm_crew_open(&options);
	load = nm_crew_turn(pair->porter);
	load->pair = pair;
	empty = load->text;
	load->text = *text;
	*text = empty;
	nm_crew_give(pair->porter);
}

void
nm_pair_add(struct nm_pair *pair, struct nm_text text)
{
	settle(pair);
	put_both(pair, text);
}

void
nm_pair_take(struct nm_pair *pair, struct nm_buf *text)
{
	if (text->len <= HEAVY_BYTES) {
		if (text->len)
			give(pair, text);
		return;
	}
	nm_pair_add(pair, nm_buf_text(text));
	nm_buf_recycle(text, HEAVY_BYTES);
}

void
nm_pair_put_at_front(struct nm_pair *pair, struct nm_text text)
{
	struct nm_draft *run = &pair->run, *known = &pair->known;

	settle(pair);
	nm_draft_put_at(run, 0, text.at, text.len);
	if (!writes_known(pair))
		return;
	if (run->failed.code) {
		leave_known(pair, (int)run->failed.detail);
		(void)nm_draft_retry(run);
		nm_draft_put_at(run, 0, text.at, text.len);
		return;
	}
	nm_draft_put_at(known, 0, text.at, text.len);
	if (known->failed.code)
		leave_known(pair, (int)known->failed.detail);
}

void
nm_pair_restart(struct nm_pair *pair)
{
	settle(pair);
	nm_draft_restart(&pair->run);
	if (writes_known(pair))
		nm_draft_restart(&pair->known);
}

/* A file system that clones what is empty need not clone the rest. */
static void
clone_known(struct nm_pair *pair)
{
	struct nm_draft *run = &pair->run, *known = &pair->known;

	if (run->failed.code || nm_draft_clone(known, run))
		return;
	nm_draft_add_file(known, run->fd_plus_one - 1, 0, run->bytes);
	if (known->failed.code)
		leave_known(pair, (int)known->failed.detail);
}

enum nm_code
nm_pair_commit_run(struct nm_pair *pair, struct nm_err *err)
{
	settle(pair);
	if (pair->clones)
		clone_known(pair);
	return nm_draft_commit(&pair->run, err);
}

enum nm_code
nm_pair_commit_known(struct nm_pair *pair, struct nm_err *err)
{
	return nm_draft_commit(&pair->known, err);
}

void
nm_pair_release(struct nm_pair *pair)
{
	nm_crew_close(pair->porter);
	nm_draft_abandon(&pair->run);
	nm_draft_abandon(&pair->known);
	memset(pair, 0, sizeof(*pair));
}
