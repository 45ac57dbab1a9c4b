/*
 * direct_inner: direct mode at work, for its own files alone: via_direct goes round,
 * direct_send sends, direct_reply takes what came.
 */
#ifndef NM_RUN_DIRECT_INNER_H
#define NM_RUN_DIRECT_INNER_H

#include "eval/row.h"
#include "remote/chat.h"
#include "run/members.h"
#include "run/pace.h"
#include "run/pouch.h"
#include "run/via_direct.h"

enum nm_slot_state { SLOT_FREE, SLOT_FLYING, SLOT_WAITING };

struct nm_slot {
	struct nm_direct  *direct;
	enum nm_slot_state state;
	int64_t            ordinal;
	struct nm_buf      body;
	struct nm_buf      custom_id;
	int                tries;
	int                spared;   /* 429s that were not counted as one */
	int64_t            began_ms; /* mono, of its first try */
	int64_t            sent_ms;  /* of its last */
	int64_t            due_ms;   /* while it waits */
	struct nm_chat    *chat;
};

struct nm_direct {
	struct nm_run         *run;
	int64_t                attempt;
	struct nm_members_walk walk;
	unsigned char         *done; /* a bit an ordinal: answered already */
	struct nm_slot        *slots;
	size_t                 n_slots;
	int64_t                flying;
	int64_t                waiting;
	int64_t                lost;      /* without a reply, perhaps paid for: of all
	                                   * processes of the run */
	int64_t                intended;  /* fly or are lost, as the journal has it */
	int64_t                next;      /* walked to, not sent yet; -1 = none */
	int                    asked_all; /* the walk is at its end */
	struct nm_pace        *pace;      /* the run's */
	const struct nm_direct_purse *purse; /* NULL = nobody asks */
	struct nm_row_reader   reader;    /* for wrapping replies */
	struct nm_buf          row;
	struct nm_pouch        pouch;   /* answers that are not durable yet */
	int64_t                pending_since_ms;
	int64_t                full_since_ms; /* the journal takes none; 0 = it does */
	int64_t                offer_ms; /* not offered to it again before */
	struct nm_err          trouble; /* the last one's words */
	int                    told;    /* that an outage is borne */
	struct nm_part        *part;
	const char            *path; /* of the endpoint, without its version */
	enum nm_code           stop; /* why it has to end early */
	struct nm_err          why;
};

/* Sends what may go now; the journal knows of it before. Errors of the journal and of
 * the source. */
enum nm_code nm_direct_send(struct nm_direct *direct, struct nm_err *err)
	NM_MUST_USE;

/* At the end: what flies, and what could not be kept, is left, and may be paid for. */
void nm_direct_leave(struct nm_direct *direct);

/* Ends one try of a slot (`user`): a row, another try, or the end of all (stop). */
void nm_direct_take(void *user, const struct nm_chat_reply *reply);

#endif
