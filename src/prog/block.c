/*
 * block: see the header.
 */
#include "prog/block.h"

#include "run/via_batch.h"

static const char rule[] =
	"========================================"
	"========================================\n";

static void
write_ids(const struct nm_job *job, struct nm_buf *out)
{
	size_t i;

	for (i = 0; i < job->run.n_shards; i++)
		if (job->run.shards[i].batch_id[0])
			nm_buf_addf(out, "Batch ID: %s\n",
			            job->run.shards[i].batch_id);
}

static void
write_block(struct nm_job *job, size_t n_jobs, struct nm_buf *out)
{
	size_t waiting = nm_via_batch_waiting(&job->run);

	nm_buf_add_string(out, rule);
	nm_buf_add_string(out, "DRY-RUN MODE: Batch created successfully!\n");
	write_ids(job, out);
	if (n_jobs > 1)
		nm_buf_addf(out, "Dataset: %s\n", job->run.record.name);
	if (waiting)
		nm_buf_addf(out, "%zu more batches of this run wait for room in"
		            " the account; resuming sends them\n", waiting);
	nm_buf_add_string(out, rule);
	nm_buf_addf(out, "\nTo resume and wait for this batch, run:\n  %s\n",
	            nm_job_resume_command(job));
	nm_buf_addf(out, "\nTo check batch status manually, use:\n  %s\n",
	            nm_job_status_command(job));
	nm_buf_add_string(out, rule);
}

void
nm_block_write(struct nm_job *jobs, size_t n_jobs, struct nm_buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < n_jobs; i++) {
		if (!nm_job_batch_id(&jobs[i])[0])
			continue;
		if (n++)
			nm_buf_add_byte(out, '\n');
		write_block(&jobs[i], n_jobs, out);
	}
}

static void
write_json(struct nm_job *job, struct nm_json_writer *w)
{
	size_t i;

	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "dataset", job->run.record.name);
	nm_json_put_string(w, "run", job->run.record.id);
	nm_json_put_true(w, "taken_up", job->run.origin == NM_RUN_RESUMED);
	nm_json_open_array(w, "batches");
	for (i = 0; i < job->run.n_shards; i++)
		if (job->run.shards[i].batch_id[0])
			nm_json_put_string(w, NULL,
			                   job->run.shards[i].batch_id);
	nm_json_close_array(w);
	nm_json_put_int(w, "waiting",
	                (int64_t)nm_via_batch_waiting(&job->run));
	nm_json_put_string(w, "resume", nm_job_resume_command(job));
	nm_json_put_string(w, "status", nm_job_status_command(job));
	nm_json_close_object(w);
}

void
nm_block_write_json(struct nm_job *jobs, size_t n_jobs, struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out, .indent = 2 };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_put_true(&w, "dry_run", 1);
	nm_json_open_array(&w, "runs");
	for (i = 0; i < n_jobs; i++)
		if (nm_job_batch_id(&jobs[i])[0])
			write_json(&jobs[i], &w);
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}
