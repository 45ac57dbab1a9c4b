/*
 * answer_keys: the folder of answer-key files as one key, read anew when they change.
 * Knows files; must not know prompts or models.
 *
 * Calling sequence: init; refresh, and lock, find, unlock, of any thread; release.
 */
#ifndef NM_SERVER_ANSWER_KEYS_H
#define NM_SERVER_ANSWER_KEYS_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/answers.h"

struct nm_answer_keys {
	struct nm_buf        folder;   /* empty = none */
	uint64_t             seen;     /* the folder's listing, hashed; 0 = none yet */
	struct nm_answers    answers;
	atomic_int_least64_t looked_s; /* when refresh_lately last looked */
	pthread_rwlock_t     lock;     /* guards answers and seen */
};

/* folder NULL: no keys. Reads nothing yet. keys is zeroed before. */
void nm_answer_keys_init(struct nm_answer_keys *keys, const char *folder);
void nm_answer_keys_release(struct nm_answer_keys *keys);

/* Reads the keys anew when the folder's files have changed; cheap otherwise. On error
 * those of before stay. */
enum nm_code nm_answer_keys_refresh(struct nm_answer_keys *keys,
                                    struct nm_err *err) NM_MUST_USE;
/* The same, at most once a second. */
enum nm_code nm_answer_keys_refresh_lately(struct nm_answer_keys *keys,
                                           struct nm_err *err) NM_MUST_USE;

/* The key, lent until unlock; to be held briefly. */
const struct nm_answers *nm_answer_keys_lock(struct nm_answer_keys *keys);
void nm_answer_keys_unlock(struct nm_answer_keys *keys);

#endif
