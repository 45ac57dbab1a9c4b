#include "server/errand.h"

void
nm_errands_init(struct nm_errands *errands, struct nm_vclock *clock)
{
	pthread_mutex_init(&errands->lock, NULL);
	errands->last = &errands->came;
	errands->ring.before = errands->ring.after = &errands->ring;
	errands->clock = clock;
}

void
nm_errands_release(struct nm_errands *errands)
{
	struct nm_errand *ring = &errands->ring;

	while (ring->after != ring) /* shrinks the ring by one */
		nm_errand_free(ring->after); /* NOLINT(clang-analyzer-*) */
	pthread_mutex_destroy(&errands->lock);
}

struct nm_errand *
nm_errand_new(struct nm_errands *errands, const struct nm_result_head *head,
              const struct nm_row_fault *fault)
{
	struct nm_errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		abort();
	errand->errands = errands;
	errand->salt = head->salt;
	nm_buf_add_text(&errand->custom_id, head->custom_id);
	errand->fault = *fault;
	if (fault->code) {
		nm_buf_add_string(&errand->code, fault->code);
		errand->fault.code = nm_buf_string(&errand->code);
	}
	if (fault->message) {
		nm_buf_add_string(&errand->message, fault->message);
		errand->fault.message = nm_buf_string(&errand->message);
	}
	errand->after = &errands->ring;
	errand->before = errands->ring.before;
	errand->before->after = errand->after->before = errand;
	errands->under_way++;
	return errand;
}

void
nm_errand_free(struct nm_errand *errand)
{
	errand->before->after = errand->after;
	errand->after->before = errand->before;
	errand->errands->under_way--;
	nm_buf_release(&errand->code);
	nm_buf_release(&errand->message);
	nm_buf_release(&errand->custom_id);
	nm_buf_release(&errand->body);
	free(errand);
}

void
nm_errand_arrive(struct nm_errand *errand)
{
	struct nm_errands *errands = errand->errands;

	pthread_mutex_lock(&errands->lock);
	errand->next = NULL;
	*errands->last = errand;
	errands->last = &errand->next;
	pthread_mutex_unlock(&errands->lock);
}

void
nm_errand_reply(void *user, const struct nm_upstream_reply *reply)
{
	struct nm_errand *errand = user;
	struct nm_vclock *clock = errand->errands->clock;

	errand->status = reply->status;
	errand->usage = reply->usage;
	nm_buf_add_text(&errand->body, reply->body);
	nm_errand_arrive(errand);
	nm_vclock_wake(clock);
}

struct nm_errand *
nm_errands_take(struct nm_errands *errands)
{
	struct nm_errand *came;

	pthread_mutex_lock(&errands->lock);
	came = errands->came;
	errands->came = NULL;
	errands->last = &errands->came;
	pthread_mutex_unlock(&errands->lock);
	return came;
}

void
nm_errands_put_back(struct nm_errands *errands, struct nm_errand *came)
{
	struct nm_errand **end = &came;

	pthread_mutex_lock(&errands->lock);
	while (*end)
		end = &(*end)->next;
	*end = errands->came;
	if (!errands->came)
		errands->last = end;
	errands->came = came;
	if (errands->last == &came)
		errands->last = &errands->came;
	pthread_mutex_unlock(&errands->lock);
}
