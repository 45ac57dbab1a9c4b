#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/answers.h"
#include "server/model.h"

static const char key_text[] =
	"what films did [Ann Lee] act in\tFirst|Second\n"
	"what films did [Ann Lee] act in with\tNone\n"
	"[Ann Lee] directed\tThird\r\n"
	"\n"
	"no tab here\n"
	"who starred in [The Raven]\tBoris\n"
	"who starred in [The Raven]\tJohn|Boris\n"
	"{\"question\":\"Who, as \\u201cX\\u201d, wrote it?\",\"answers\":"
	"[\"A|B\",1994]}\n"
	"why\tBecause\n";

static const struct {
	const char *prompt, *gold;
	const char *why;
} finds[] = {
	{ "what films did [Ann Lee] act in", "First/Second", "alone" },
	{ "Answer: what films did [Ann Lee] act in?", "First/Second",
	  "within a line" },
	{ "Be brief.\nwhat films did [Ann Lee] act in with\nJSON", "None",
	  "the longest at one place" },
	{ "what films did [Ann Lee] act inside", NULL, "within a word" },
	{ "Question: [Ann Lee] directed", "Third", "a bracket first" },
	{ "Example: [Ann Lee] directed\nNow: what films did [Ann Lee] act in",
	  "First/Second", "the last one counts" },
	{ "who starred in [The Raven]", "Boris/John", "given twice: both" },
	{ "Q: Who, as \xe2\x80\x9cX\xe2\x80\x9d, wrote it?", "A|B/1994",
	  "JSON Lines, numbers too" },
	{ "\xe2\x80\x9cwho starred in [The Raven]\xe2\x80\x9d", "Boris/John",
	  "in curly quotes" },
	{ "Tell:\nwhy\n", "Because", "short: a whole line" },
	{ "why not", NULL, "short: not within a line" },
	{ "no tab here", NULL, "no question" },
	{ "", NULL, "nothing" },
};

static void
write_key(char *path)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, key_text, sizeof(key_text) - 1),
	                 sizeof(key_text) - 1);
	close(fd);
}

static void
test_answers(void **state)
{
	char path[] = "/tmp/nm_key_XXXXXX";
	struct nm_answers answers = {0};
	struct nm_buf joined = {0}, text = {0};
	struct nm_text answer;
	struct nm_gold gold;
	bool found;

	(void)state;
	write_key(path);
	assert_int_equal(nm_answers_add(&answers, path, NULL), NM_OK);
	assert_int_equal(nm_answers_index(&answers, NULL), NM_OK);
	assert_int_equal(answers.n_skipped, 1);
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		found = nm_answers_find(&answers, nm_text_of(finds[i].prompt),
		                        &text, &gold);
		if (found != (finds[i].gold != NULL))
			fail_msg("%s", finds[i].why);
		if (!found)
			continue;
		nm_buf_clear(&joined);
		while (nm_gold_next(&gold, &answer)) {
			if (joined.len)
				nm_buf_add_byte(&joined, '/');
			nm_buf_add_text(&joined, answer);
		}
		assert_string_equal(nm_buf_string(&joined), finds[i].gold);
	}
	nm_buf_release(&joined);
	nm_buf_release(&text);
	nm_answers_release(&answers);
	remove(path);
}

static void
ask(struct nm_ask *ask, struct nm_json *json, enum nm_endpoint endpoint,
    const char *text)
{
	const struct nm_value *root;
	struct nm_err err = {0};

	if (nm_json_read(json, text, strlen(text), &root, &err))
		fail_msg("%s", err.text);
	nm_ask_read(ask, endpoint, root);
}

/* A reply is JSON, named simulated, and the same each time. */
static void
test_replies(void **state)
{
	static const struct {
		enum nm_endpoint endpoint;
		const char      *body, *path, *expected;
	} rows[] = {
		{ NM_ENDPOINT_CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":"
		  "\"user\",\"content\":\"hi\"}]}", "object", "chat.completion" },
		{ NM_ENDPOINT_CHAT, "{\"model\":\"m\",\"n\":3,\"messages\":[{\"role\":"
		  "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
		  "\"text\",\"text\":\"b\"}]}]}", "model", "simulated-m" },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"gpt-5-mini\",\"input\":\"hi\"}",
		  "status", "completed" },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":\"hi\","
		  "\"max_output_tokens\":2}", "incomplete_details.reason",
		  "max_output_tokens" },
		{ NM_ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}",
		  "object", "list" },
		{ NM_ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[1,2,3],"
		  "\"encoding_format\":\"base64\"}", "object", "list" },
		{ NM_ENDPOINT_COMPLETIONS, "{\"model\":\"simulated-m\",\"prompt\":"
		  "\"hi\"}", "model", "simulated-m" },
	};
	struct nm_reply_wish wish = { .salt = 5, .now_s = 7 };
	struct nm_buf out = {0}, again = {0}, scratch = {0};
	struct nm_json body = {0}, reply = {0};
	const struct nm_value *root;
	struct nm_ask asked = {0};
	struct nm_model *model;
	struct nm_usage usage;

	(void)state;
	assert_int_equal(nm_model_open(NULL, 1, &model, NULL), NM_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&asked, &body, rows[i].endpoint, rows[i].body);
		nm_buf_clear(&out);
		nm_buf_clear(&again);
		nm_model_reply(model, &asked, &wish, &scratch, &out, &usage);
		nm_model_reply(model, &asked, &wish, &scratch, &again, &usage);
		assert_string_equal(nm_buf_string(&out), nm_buf_string(&again));
		assert_int_equal(nm_json_read(&reply, out.at, out.len, &root, NULL),
		                 NM_OK);
		assert_string_equal(nm_json_string(nm_json_path(root, rows[i].path)),
		                    rows[i].expected);
		assert_true(usage.input_tokens > 0);
	}
	nm_model_close(model);
	nm_ask_release(&asked);
	nm_json_release(&body);
	nm_json_release(&reply);
	nm_buf_release(&out);
	nm_buf_release(&again);
	nm_buf_release(&scratch);
}

/* Over many questions the shares are those of the mix. */
static void
test_mix(void **state)
{
	char folder[] = "/tmp/nm_keys_XXXXXX", path[64];
	struct nm_buf content = {0};
	struct nm_ask asked = { .endpoint = NM_ENDPOINT_CHAT,
	                        .model = NM_TEXT("m") };
	struct nm_model *model;
	struct nm_said said;
	int perfect = 0, empty = 0;
	char prompt[64] = "";
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 4000; i++)
		fprintf(file, "what is [thing %d] made of\tX|Y\n", i);
	fclose(file);
	assert_int_equal(nm_model_open(folder, 1, &model, NULL), NM_OK);
	for (int i = 0; i < 4000; i++) {
		asked.prompt = (struct nm_text){ prompt, (size_t)snprintf(prompt,
			sizeof(prompt), "Q: what is [thing %d] made of?", i) };
		nm_model_say(model, &asked, NM_TWIST_NONE, 0, &content, &said);
		perfect += nm_text_is(said.content, "{\"answers\":[\"X\",\"Y\"]}");
		empty += nm_text_is(said.content, "{\"answers\":[]}");
	}
	assert_in_range(perfect, 2050, 2350);
	assert_in_range(empty, 150, 250);
	nm_model_close(model);
	nm_buf_release(&content);
	remove(path);
	remove(folder);
}

static void
test_mix_texts(void **state)
{
	static const char *const bad[] = { "", "1/2/3/4", "20/20/20/20/21",
		"55/10/20/10/5x", "-5/10/20/70/5", "55/10/20/10/5/0" };
	struct nm_model *model;

	(void)state;
	assert_int_equal(nm_model_open(NULL, 1, &model, NULL), NM_OK);
	assert_int_equal(nm_model_mix(model, "100/0/0/0/0", NULL), NM_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(nm_model_mix(model, bad[i], NULL), NM_USAGE);
	nm_model_close(model);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_mix),
		cmocka_unit_test(test_mix_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
