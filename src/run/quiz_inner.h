/*
 * quiz_inner: what quiz.c and quiz_memory.c share. Nobody else's.
 */
#ifndef NM_RUN_QUIZ_INNER_H
#define NM_RUN_QUIZ_INNER_H

#include "run/quiz.h"

struct nm_quiz {
	struct nm_source     source; /* first */
	struct nm_selection *selection;
	struct nm_place      place;
	struct nm_buf        absolute;
	struct nm_prompt     prompt;
	struct nm_request    request;
	struct nm_quiz_wish  wish;   /* texts in the arena */
	struct nm_arena      arena;
	struct nm_buf        line;   /* the item lent last */
	uint32_t            *ids;    /* by ordinal; NULL = the same numbers */
};

#endif
