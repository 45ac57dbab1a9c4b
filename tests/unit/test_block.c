/* block: what a dry run leaves a person with: ids, and commands that can be pasted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "task/block.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define RULE "========================================" \
	"========================================\n"
#define HEAD RULE "DRY-RUN MODE: Batch created successfully!\n"
#define TAIL(program, id, flags) RULE \
	"\nTo resume and wait for this batch, run:\n" \
	"  " program "variant0_llm_baseline --mode batch --batch-id " id flags \
	"\n\nTo check batch status manually, use:\n" \
	"  " program "batch_manager --status " id flags "\n" RULE

/* Up to two runs, each of up to three shards: "" is one without a batch yet. */
struct case_ {
	const char *why;
	struct {
		const char *name;
		enum { NEW, RESUMED } origin;
		const char *ids[3];
	} runs[2];
	const char *typed, *flags;
	const char *text, *json;
};

static const struct case_ cases[] = {
	{ "one batch, as the guide has it",
	  { { "1-hop-test", NEW, { "batch_1" } } },
	  "variant0_llm_baseline", "",
	  HEAD "Batch ID: batch_1\n" TAIL("", "batch_1", ""),
	  "{\"dataset\":\"1-hop-test\",\"run\":\"r0\",\"taken_up\":false,"
	  "\"batches\":[\"batch_1\"],\"waiting\":0,"
	  "\"resume\":\"variant0_llm_baseline --mode batch --batch-id batch_1\","
	  "\"status\":\"batch_manager --status batch_1\"}" },
	{ "several batches of one run: any of them takes it up",
	  { { "1-hop-test", RESUMED, { "batch_1", "batch_2" } } },
	  "variant0_llm_baseline", "",
	  HEAD "Batch ID: batch_1\nBatch ID: batch_2\n"
	  TAIL("", "batch_1", ""),
	  "{\"dataset\":\"1-hop-test\",\"run\":\"r0\",\"taken_up\":true,"
	  "\"batches\":[\"batch_1\",\"batch_2\"],\"waiting\":0,"
	  "\"resume\":\"variant0_llm_baseline --mode batch --batch-id batch_1\","
	  "\"status\":\"batch_manager --status batch_1\"}" },
	{ "one waits for room",
	  { { "1-hop-test", NEW, { "batch_1", "" } } },
	  "variant0_llm_baseline", "",
	  HEAD "Batch ID: batch_1\n"
	  "1 more batch of this run waits for room in the account; resuming"
	  " sends it\n" TAIL("", "batch_1", ""),
	  "{\"dataset\":\"1-hop-test\",\"run\":\"r0\",\"taken_up\":false,"
	  "\"batches\":[\"batch_1\"],\"waiting\":1,"
	  "\"resume\":\"variant0_llm_baseline --mode batch --batch-id batch_1\","
	  "\"status\":\"batch_manager --status batch_1\"}" },
	{ "two wait, and the first that does not names the run",
	  { { "1-hop-test", NEW, { "", "", "batch_3" } } },
	  "variant0_llm_baseline", "",
	  HEAD "Batch ID: batch_3\n"
	  "2 more batches of this run wait for room in the account; resuming"
	  " sends them\n" TAIL("", "batch_3", ""),
	  "{\"dataset\":\"1-hop-test\",\"run\":\"r0\",\"taken_up\":false,"
	  "\"batches\":[\"batch_3\"],\"waiting\":2,"
	  "\"resume\":\"variant0_llm_baseline --mode batch --batch-id batch_3\","
	  "\"status\":\"batch_manager --status batch_3\"}" },
	{ "two datasets: each block names its own",
	  { { "1-hop-test", NEW, { "batch_1" } },
	    { "2-hop-test", NEW, { "batch_2" } } },
	  "variant0_llm_baseline", "",
	  HEAD "Batch ID: batch_1\nDataset: 1-hop-test\n"
	  TAIL("", "batch_1", "") "\n"
	  HEAD "Batch ID: batch_2\nDataset: 2-hop-test\n"
	  TAIL("", "batch_2", ""),
	  "{\"dataset\":\"1-hop-test\",\"run\":\"r0\",\"taken_up\":false,"
	  "\"batches\":[\"batch_1\"],\"waiting\":0,"
	  "\"resume\":\"variant0_llm_baseline --mode batch --batch-id batch_1\","
	  "\"status\":\"batch_manager --status batch_1\"},"
	  "{\"dataset\":\"2-hop-test\",\"run\":\"r1\",\"taken_up\":false,"
	  "\"batches\":[\"batch_2\"],\"waiting\":0,"
	  "\"resume\":\"variant0_llm_baseline --mode batch --batch-id batch_2\","
	  "\"status\":\"batch_manager --status batch_2\"}" },
	{ "the first of two has no batch: no blank line stands for it",
	  { { "1-hop-test", NEW, { "" } },
	    { "2-hop-test", NEW, { "batch_2" } } },
	  "variant0_llm_baseline", "",
	  HEAD "Batch ID: batch_2\nDataset: 2-hop-test\n"
	  TAIL("", "batch_2", ""),
	  "{\"dataset\":\"2-hop-test\",\"run\":\"r1\",\"taken_up\":false,"
	  "\"batches\":[\"batch_2\"],\"waiting\":0,"
	  "\"resume\":\"variant0_llm_baseline --mode batch --batch-id batch_2\","
	  "\"status\":\"batch_manager --status batch_2\"}" },
	{ "no batch at all", { { "1-hop-test", NEW, { "" } } },
	  "variant0_llm_baseline", "", "", "" },
	{ "called by a path, of another service, with an id that a shell reads",
	  { { "a \"b\"", NEW, { "batch_1;2" } } },
	  "./bin/variant0_llm_baseline", " --local",
	  HEAD "Batch ID: batch_1;2\n"
	  TAIL("./bin/", "'batch_1;2'", " --local"),
	  "{\"dataset\":\"a \\\"b\\\"\",\"run\":\"r0\",\"taken_up\":false,"
	  "\"batches\":[\"batch_1;2\"],\"waiting\":0,"
	  "\"resume\":\"./bin/variant0_llm_baseline --mode batch --batch-id"
	  " 'batch_1;2' --local\","
	  "\"status\":\"./bin/batch_manager --status 'batch_1;2' --local\"}" },
};

/* The tasks of a case, as they are when its batches are sent. */
struct scene {
	struct nm_service      service;
	struct nm_task_tools   tools;
	struct nm_task         tasks[2];
	struct nm_shard_record shards[2][3];
	size_t                 n_tasks;
};

static void
add_shards(const struct case_ *c, size_t which, struct scene *s)
{
	struct nm_run *run = &s->tasks[which].run;

	run->shards = s->shards[which];
	for (size_t i = 0; i < 3 && c->runs[which].ids[i]; i++) {
		const char *id = c->runs[which].ids[i];

		run->shards[run->n_shards++] = (struct nm_shard_record){
			.batch_id = id,
			.state = id[0] ? NM_SHARD_CREATED : NM_SHARD_UPLOADED,
		};
	}
}

static void
set_up(const struct case_ *c, struct scene *s)
{
	static const char *const ids[] = { "r0", "r1" };

	memset(s, 0, sizeof(*s));
	nm_buf_add_string(&s->service.flags, c->flags);
	s->tools = (struct nm_task_tools){ .service = &s->service,
	                                   .typed = c->typed };
	for (size_t i = 0; i < COUNT(c->runs) && c->runs[i].name; i++) {
		s->tasks[i].tools = &s->tools;
		s->tasks[i].run.record.id = ids[i];
		s->tasks[i].run.record.name = c->runs[i].name;
		s->tasks[i].run.origin = c->runs[i].origin == NEW
			? NM_RUN_NEW : NM_RUN_RESUMED;
		add_shards(c, i, s);
		s->n_tasks++;
	}
}

static void
tear_down(struct scene *s)
{
	for (size_t i = 0; i < s->n_tasks; i++)
		nm_arena_release(&s->tasks[i].arena);
	nm_buf_release(&s->service.flags);
}

static void
as_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nm_buf out = { 0 };
		struct scene s;

		set_up(&cases[i], &s);
		nm_block_write(s.tasks, s.n_tasks, &out);
		if (strcmp(nm_buf_string(&out), cases[i].text) != 0)
			fail_msg("%s:\n%s", cases[i].why, nm_buf_string(&out));
		nm_buf_release(&out);
		tear_down(&s);
	}
}

/* Compared without its line breaks and indents. */
static void
as_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nm_buf out = { 0 }, wanted = { 0 }, got = { 0 };
		struct nm_json json = { 0 };
		const struct nm_value *root;
		struct nm_err err = { 0 };
		struct scene s;

		set_up(&cases[i], &s);
		nm_block_write_json(s.tasks, s.n_tasks, &out);
		assert_int_equal(out.at[out.len - 1], '\n');
		if (nm_json_read(&json, out.at, out.len, &root, &err))
			fail_msg("%s: %s", cases[i].why, err.text);
		nm_json_write(&got, root);
		nm_buf_addf(&wanted, "{\"dry_run\":true,\"runs\":[%s]}",
		            cases[i].json);
		if (strcmp(nm_buf_string(&got), nm_buf_string(&wanted)) != 0)
			fail_msg("%s:\n%s\n%s", cases[i].why,
			         nm_buf_string(&got), nm_buf_string(&wanted));
		nm_json_release(&json);
		nm_buf_release(&out);
		nm_buf_release(&wanted);
		nm_buf_release(&got);
		tear_down(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
