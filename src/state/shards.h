/*
 * shards: the journal's record of each part of a run that is one batch.
 */
#ifndef NM_STATE_SHARDS_H
#define NM_STATE_SHARDS_H

#include "state/journal.h"

/*
 * Where a shard stands. UPLOADING and CREATING are intents: the act may or may not
 * have taken effect, and the tag has to be looked for before it is done again.
 */
enum nm_shard_state {
	NM_SHARD_PLANNED,
	NM_SHARD_UPLOADING,
	NM_SHARD_UPLOADED,  /* input_file_id is known */
	NM_SHARD_CREATING,
	NM_SHARD_CREATED,   /* batch_id is known */
	NM_SHARD_ENDED,     /* its status is final, its files are known */
	NM_SHARD_COLLECTED, /* its files are on this machine, whole */
	NM_SHARD_SPLIT,     /* too large for the account: smaller ones stand for it */
	NM_SHARD_REFUSED    /* the service will not take it; note says why */
};

enum { NM_SHARD_TAG_DIGITS = 24 };

struct nm_shard_record {
	int64_t             id;      /* 0 until added */
	const char         *run;
	int64_t             attempt; /* 1, 2, … of the questions in it */
	int64_t             number;  /* 1-based within its run */
	/* Its requests: count of them from ordinal `first` of the run's source, or,
	 * where members is not empty, those that its bytes name (run/members.h). */
	int64_t             first;
	int64_t             count;
	struct nm_text      members;
	int64_t             bytes;   /* of its JSONL; 0 = made elsewhere */
	int64_t             tokens;  /* prompt tokens, an estimate */
	const char         *tag;     /* random; in file name and metadata */
	enum nm_shard_state state;
	int64_t             intent_ms; /* wall time of the newest intent */
	const char         *input_file_id;
	int64_t             input_created; /* service's time, s; 0 = unknown */
	const char         *batch_id;
	const char         *status;  /* the service's last word, lower case */
	int64_t             created; /* service's times, s; 0 = not reached */
	int64_t             ended;
	const char         *output_file_id;
	const char         *error_file_id;
	/* On this machine, when collected: in the run's folder, wherever the state
	 * folder is now; of what is written the base name alone counts. */
	const char         *output_path;
	const char         *error_path;
	int64_t             refusals; /* creations, for want of room or of a file */
	/* The batch's own usage; each is -1 where it is untold. */
	int64_t             input_tokens;
	int64_t             cached_tokens;    /* of these */
	int64_t             output_tokens;
	int64_t             reasoning_tokens; /* of these */
	const char         *note;    /* why it failed or was refused */
};

/*
 * Adds shards and sets their ids. Inside a transaction of the caller's it is part
 * of that step, else it is one step of its own.
 */
enum nm_code nm_shards_add(struct nm_journal *journal,
                           struct nm_shard_record *shards, size_t n_shards,
                           struct nm_err *err) NM_MUST_USE;

/* Writes all that may change of a shard: its tag, and from `state` on. One durable
 * step. */
enum nm_code nm_shards_save(struct nm_journal *journal,
                            const struct nm_shard_record *shard,
                            struct nm_err *err) NM_MUST_USE;

/* A run's shards by number, in the arena. */
enum nm_code nm_shards_list(struct nm_journal *journal, const char *run,
                            struct nm_arena *arena,
                            struct nm_shard_record **shards, size_t *n_shards,
                            struct nm_err *err) NM_MUST_USE;

#endif
