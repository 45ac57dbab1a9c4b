/*
 * block: see the header.
 */
#include "task/block.h"

#include "run/via_batch.h"

static const char rule[] =
	"========================================"
	"========================================\n";

static void
write_ids(const struct nm_task *task, struct nm_buf *out)
{
	size_t i;

	for (i = 0; i < task->run.n_shards; i++)
		if (task->run.shards[i].batch_id[0])
			nm_buf_addf(out, "Batch ID: %s\n",
			            task->run.shards[i].batch_id);
}

static void
write_block(struct nm_task *task, size_t n_tasks, struct nm_buf *out)
{
	size_t waiting = nm_via_batch_waiting(&task->run);

	nm_buf_add_string(out, rule);
	nm_buf_add_string(out, "DRY-RUN MODE: Batch created successfully!\n");
	write_ids(task, out);
	if (n_tasks > 1)
		nm_buf_addf(out, "Dataset: %s\n", task->run.record.name);
	if (waiting)
		nm_buf_addf(out, "%zu more batch%s of this run wait%s for room"
		            " in the account; resuming sends %s\n", waiting,
		            waiting == 1 ? "" : "es", waiting == 1 ? "s" : "",
		            waiting == 1 ? "it" : "them");
	nm_buf_add_string(out, rule);
	nm_buf_addf(out, "\nTo resume and wait for this batch, run:\n  %s\n",
	            nm_task_resume_command(task));
	nm_buf_addf(out, "\nTo check batch status manually, use:\n  %s\n",
	            nm_task_status_command(task));
	nm_buf_add_string(out, rule);
}

void
nm_block_write(struct nm_task *tasks, size_t n_tasks, struct nm_buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < n_tasks; i++) {
		if (!nm_task_batch_id(&tasks[i])[0])
			continue;
		if (n++)
			nm_buf_add_byte(out, '\n');
		write_block(&tasks[i], n_tasks, out);
	}
}

static void
write_json(struct nm_task *task, struct nm_json_writer *w)
{
	size_t i;

	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "dataset", task->run.record.name);
	nm_json_put_string(w, "run", task->run.record.id);
	nm_json_put_true(w, "taken_up", task->run.origin == NM_RUN_RESUMED);
	nm_json_open_array(w, "batches");
	for (i = 0; i < task->run.n_shards; i++)
		if (task->run.shards[i].batch_id[0])
			nm_json_put_string(w, NULL,
			                   task->run.shards[i].batch_id);
	nm_json_close_array(w);
	nm_json_put_int(w, "waiting",
	                (int64_t)nm_via_batch_waiting(&task->run));
	nm_json_put_string(w, "resume", nm_task_resume_command(task));
	nm_json_put_string(w, "status", nm_task_status_command(task));
	nm_json_close_object(w);
}

void
nm_block_write_json(struct nm_task *tasks, size_t n_tasks, struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out, .indent = 2 };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_put_true(&w, "dry_run", 1);
	nm_json_open_array(&w, "runs");
	for (i = 0; i < n_tasks; i++)
		if (nm_task_batch_id(&tasks[i])[0])
			write_json(&tasks[i], &w);
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}
