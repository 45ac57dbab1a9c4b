#include "server/answer.h"

#include <unistd.h>

void
nm_answer_release(struct nm_call_answer *answer)
{
	nm_buf_release(&answer->body);
	if (answer->fd_plus_one)
		close(answer->fd_plus_one - 1);
	memset(answer, 0, sizeof(*answer));
}

uint64_t
nm_answer_bytes(const struct nm_call_answer *answer)
{
	switch (answer->kind) {
	case NM_ANSWER_BUF:
		return answer->body.len;
	case NM_ANSWER_FILE:
		return answer->bytes;
	case NM_ANSWER_STATIC:
		return answer->fixed.len;
	default:
		return 0;
	}
}
