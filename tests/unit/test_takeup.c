/* takeup: a batch's run is found again, or it is said why it cannot be gone on with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "canned.h"
#include "own_scene.h"
#include "task/task.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define FOUR "a\tA\nb\tB\nc\tC\nd\tD\n"

/* A folder with four questions and a journal, and a service of one reply. */
struct scene {
	char                 folder[64], questions[80], copy[80], prompt[80];
	struct canned        canned;
	struct nm_buf        reply;
	struct canned_step   step;
	struct nm_service    service;
	struct nm_journal   *journal;
	struct nm_message    message;
	char                *said;
	size_t               said_len;
	struct nm_task_tools tools;
	struct nm_task       task;
};

static void
name_files(struct scene *s)
{
	snprintf(s->folder, sizeof(s->folder), "/tmp/nm_takeup.XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->questions, sizeof(s->questions), "%s/q.txt", s->folder);
	snprintf(s->copy, sizeof(s->copy), "%s/copy.txt", s->folder);
	snprintf(s->prompt, sizeof(s->prompt), "%s/p.txt", s->folder);
	own_write(s->questions, FOUR);
	own_write(s->copy, FOUR);
	own_write(s->prompt, "Say something of {question}\n");
}

/* reply: NULL = the service is not to be asked. */
static void
enter(struct scene *s, const char *status, const char *reply)
{
	struct nm_service_wish wish = { 0 };
	struct nm_buf url = { 0 };
	struct nm_err err = { 0 };

	memset(s, 0, sizeof(*s));
	name_files(s);
	nm_buf_addf(&s->reply, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
	            status, reply ? strlen(reply) : 0, reply ? reply : "");
	s->step.reply = nm_buf_string(&s->reply);
	canned_start(&s->canned, &s->step, reply ? 1 : 0);
	nm_buf_addf(&url, "%s/v1", s->canned.url);
	wish.base_url = nm_buf_string(&url);
	if (nm_service_open(&s->service, &wish, &err) ||
	    nm_journal_open(s->folder, &s->journal, &err))
		fail_msg("%s", err.text);
	s->message.to = open_memstream(&s->said, &s->said_len);
	assert_non_null(s->message.to);
	s->tools = (struct nm_task_tools){
		.service = &s->service, .journal = s->journal,
		.message = &s->message, .mode = "batch",
	};
	nm_buf_release(&url);
}

static void
leave(struct scene *s)
{
	char command[96];

	nm_task_release(&s->task);
	nm_service_close(&s->service);
	nm_journal_close(s->journal);
	canned_stop(&s->canned);
	canned_release(&s->canned);
	nm_buf_release(&s->reply);
	fclose(s->message.to);
	free(s->said);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	assert_int_equal(system(command), 0);
}

/* The run of the first two questions; its shard is batch_1. */
static void
send_two(struct scene *s, const char *prompt)
{
	struct nm_quiz_wish wish = { .path = s->questions, .name = "q",
		.limit = 2, .model = "m", .prompt_path = prompt };
	struct nm_shard_record *shard;
	struct nm_err err = { 0 };

	if (nm_task_read(&s->task, &s->tools, &wish, &err) ||
	    nm_task_record(&s->task, &err))
		fail_msg("%s", err.text);
	assert_int_equal(s->task.run.n_shards, 1);
	shard = &s->task.run.shards[0];
	shard->state = NM_SHARD_CREATED;
	shard->batch_id = "batch_1";
	assert_int_equal(nm_run_save(&s->task.run, shard, &err), NM_OK);
	nm_task_release(&s->task);
}

/* What becomes of the files meanwhile. */
enum change {
	NOTHING, OTHER_QUESTIONS, OTHER_REST, NO_FILE, OTHER_KEY, OTHER_PROMPT
};

static void
change(struct scene *s, enum change what)
{
	if (what == OTHER_QUESTIONS)
		own_write(s->questions, "a\tA\nx\tX\nc\tC\nd\tD\n");
	else if (what == OTHER_REST)
		own_write(s->questions, "a\tA\nb\tB\nz\tZ\n");
	else if (what == NO_FILE)
		unlink(s->questions);
	else if (what == OTHER_PROMPT)
		own_write(s->prompt, "Say nothing of {question}\n");
	else if (what == OTHER_KEY)
		nm_buf_add_byte(&s->service.account.identity, 'x');
}

static void
by_the_journal(void **state)
{
	static const struct {
		const char  *id;
		enum change  changed;
		int64_t      limit;
		enum { REMEMBERED, COPY } dataset; /* that a person names */
		enum { BUILT_IN, OWN, OWN_NAMED, NAMED } prompt;
		enum nm_code code;
		const char  *error, *why;
	} rows[] = {
		{ "batch_1", NOTHING, 0, REMEMBERED, BUILT_IN, NM_OK, "",
		  "as it was" },
		{ "batch_1", NOTHING, 2, REMEMBERED, BUILT_IN, NM_OK, "",
		  "the limit repeated" },
		{ "batch_1", NOTHING, 3, REMEMBERED, BUILT_IN, NM_USAGE,
		  "--limit 3 is not what the batch was made with (2 questions)",
		  "another limit" },
		{ "batch_1", OTHER_QUESTIONS, 0, REMEMBERED, BUILT_IN,
		  NM_INPUT, "does not hold the questions that were sent",
		  "a question is another" },
		{ "batch_1", OTHER_REST, 0, REMEMBERED, BUILT_IN, NM_OK, "",
		  "only what was not asked is" },
		{ "batch_1", NO_FILE, 0, REMEMBERED, BUILT_IN, NM_INPUT,
		  "cannot read", "the file is gone" },
		{ "batch_1", NO_FILE, 0, COPY, BUILT_IN, NM_OK, "",
		  "a copy stands in" },
		{ "batch_1", OTHER_KEY, 0, REMEMBERED, BUILT_IN, NM_USAGE,
		  "batch_1 was made with another service or key",
		  "another key" },
		{ "batch_1", OTHER_PROMPT, 0, REMEMBERED, OWN, NM_OK, "",
		  "the prompt is remembered, its file is not needed" },
		{ "batch_1", NOTHING, 0, REMEMBERED, OWN_NAMED, NM_OK, "",
		  "the prompt repeated" },
		{ "batch_1", OTHER_PROMPT, 0, REMEMBERED, OWN_NAMED, NM_USAGE,
		  "p.txt is not what the batch was made with: leave it out",
		  "another prompt" },
		{ "batch_1", NOTHING, 0, REMEMBERED, NAMED, NM_USAGE,
		  "p.txt is not what the batch was made with: leave it out",
		  "a prompt where there was none" },
		{ "..", NOTHING, 0, REMEMBERED, BUILT_IN, NM_USAGE,
		  "--batch-id: '..' is no batch id", "no id" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_quiz_wish wish = { .limit = rows[i].limit };
		struct nm_err err = { 0 };
		struct scene s;
		enum nm_code rc;

		enter(&s, "", NULL);
		send_two(&s, rows[i].prompt == OWN ||
		         rows[i].prompt == OWN_NAMED ? s.prompt : NULL);
		change(&s, rows[i].changed);
		if (rows[i].dataset == COPY)
			wish.typed = s.copy;
		if (rows[i].prompt == OWN_NAMED || rows[i].prompt == NAMED)
			wish.prompt_path = s.prompt;
		rc = nm_task_take_up(&s.task, &s.tools, rows[i].id, &wish,
		                     &err);
		if (rc != rows[i].code || !strstr(err.text, rows[i].error))
			fail_msg("%s: %d, \"%s\"", rows[i].why, (int)rc,
			         err.text);
		if (!rc && (s.task.scoring_only ||
		            s.task.run.origin != NM_RUN_RESUMED ||
		            nm_quiz_source(s.task.quiz)->count != 2 ||
		            strcmp(nm_task_batch_id(&s.task), "batch_1") != 0))
			fail_msg("%s: not that run", rows[i].why);
		leave(&s);
		assert_int_equal(s.canned.n_seen, 0);
	}
}

#define BATCH(metadata) "{\"id\":\"batch_x\",\"object\":\"batch\"," \
	"\"endpoint\":\"/v1/chat/completions\",\"input_file_id\":\"file-1\"," \
	"\"status\":\"completed\",\"created_at\":1774437191," \
	"\"request_counts\":{\"total\":2,\"completed\":2,\"failed\":0}," \
	"\"metadata\":" metadata "}"

/* Nothing of it is in the journal: the batch itself tells, and the person. */
static void
by_the_batch(void **state)
{
	static const struct {
		const char  *status, *reply;
		int          named; /* 1 = the person names the dataset */
		int64_t      limit;
		enum nm_code code;
		int64_t      questions; /* that are scored */
		const char  *error, *why;
	} rows[] = {
		{ "200 OK", BATCH("{\"num_questions\":\"2\"}"), 1, 0, NM_OK, 2,
		  "", "an older script's: the first ones" },
		{ "200 OK", BATCH("{\"num_questions\":\"2\"}"), 1, 2, NM_OK, 2,
		  "", "and the limit repeated" },
		{ "200 OK", BATCH("{\"num_questions\":\"2\"}"), 1, 3, NM_USAGE,
		  0, "--limit 3 is not what the batch was made with (2"
		  " questions)", "another limit" },
		{ "200 OK", BATCH("null"), 1, 0, NM_OK, 4, "",
		  "nothing is told: all of them" },
		{ "200 OK", BATCH("null"), 1, 3, NM_OK, 3, "",
		  "nothing is told, and the person says it" },
		{ "200 OK", BATCH("{\"limit\":\"3\"}"), 1, 0, NM_OK, 3, "",
		  "a limit is told, and no count" },
		{ "200 OK", BATCH("{\"limit\":\"3\"}"), 1, 3, NM_OK, 3, "",
		  "and repeated" },
		{ "200 OK", BATCH("{\"limit\":\"9\",\"num_questions\":\"4\"}"),
		  1, 4, NM_OK, 4, "", "what it came to may be said, too" },
		{ "200 OK", BATCH("{\"limit\":\"3\"}"), 1, 2, NM_USAGE, 0,
		  "--limit 2 is not what the batch was made with (limit 3)",
		  "and the person says another" },
		{ "200 OK", BATCH("{\"num_questions\":\"5\"}"), 1, 0, NM_INPUT,
		  0, "gives 4 questions, but 5 were sent",
		  "more than the file has" },
		{ "200 OK", BATCH("{\"dataset_digest\":\"00\"}"), 1, 0,
		  NM_INPUT, 0, "does not hold the questions that were sent",
		  "other questions" },
		{ "200 OK", BATCH("{\"description\":\"my batch\"}"), 0, 0,
		  NM_USAGE, 0, "which dataset batch_x was made from cannot be"
		  " told (its description is 'my batch'): name it by"
		  " --datasets", "nobody names it" },
		{ "404 No", "{}", 1, 0, NM_ABSENT, 0, "",
		  "the service does not know it either" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_quiz_wish wish = { .limit = rows[i].limit };
		struct nm_err err = { 0 };
		struct scene s;
		enum nm_code rc;

		enter(&s, rows[i].status, rows[i].reply);
		if (rows[i].named)
			wish.typed = s.questions;
		rc = nm_task_take_up(&s.task, &s.tools, "batch_x", &wish, &err);
		if (rc != rows[i].code || !strstr(err.text, rows[i].error))
			fail_msg("%s: %d, \"%s\"", rows[i].why, (int)rc,
			         err.text);
		if (!rc && (!s.task.scoring_only ||
		            nm_quiz_source(s.task.quiz)->count !=
		            rows[i].questions ||
		            strcmp(nm_task_batch_id(&s.task), "batch_x") != 0))
			fail_msg("%s: %d questions", rows[i].why,
			         (int)nm_quiz_source(s.task.quiz)->count);
		leave(&s);
		assert_int_equal(s.canned.n_seen, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_the_journal),
		cmocka_unit_test(by_the_batch),
	};

	/* No .env of a person's is read. */
	if (chdir("/") || setenv("OPENAI_API_KEY", "sk-test", 1) ||
	    setenv("NIGHTMAIL_CLOCK", "fast=1000", 1))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
