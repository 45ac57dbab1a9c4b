/*
 * verdict: two readings of the rules for request files, the client's (input) and the
 * server's (check), made apart on purpose. Thousands of files by chance, most lines
 * of them bad: both name the same lines, by the same code, param and words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "remote/input.h"
#include "server/check.h"

enum { FILES = 4000, LINES_MAX = 12 };

static const char *const endpoints[] = {
	[NM_ENDPOINT_CHAT] = "/v1/chat/completions",
	[NM_ENDPOINT_RESPONSES] = "/v1/responses",
	[NM_ENDPOINT_EMBEDDINGS] = "/v1/embeddings",
	[NM_ENDPOINT_COMPLETIONS] = "/v1/completions",
};

static const char *const members[] = {
	[NM_ENDPOINT_CHAT] = "messages",
	[NM_ENDPOINT_RESPONSES] = "input",
	[NM_ENDPOINT_EMBEDDINGS] = "input",
	[NM_ENDPOINT_COMPLETIONS] = "prompt",
};

/* Any JSON value, and what is none. */
static const char *const oddities[] = {
	"null",         "true", "7",   "\"\"",        "\"x\"",    "[]",
	"{}",           "[1]",  "nul", "\"\\ud800\"", "\"\xff\"", "1e999",
	"\"\xc3\xa9\"",
};

/* Lines that are no request at all. */
static const struct nm_text strays[] = {
	{ "", 0 },
	{ " \t", 2 },
	{ "\r", 1 },
	{ "\0\0", 2 },
	{ " \0", 2 },
	{ "\f", 1 },
	{ "[]", 2 },
	{ "null", 4 },
	{ "\"a\"", 3 },
	{ "{", 1 },
	{ "{}", 2 },
	{ "{}{}", 4 },
	{ "{},", 3 },
	{ "\xef\xbb\xbf{}", 5 },
	{ "{\"custom_id\":\"r\0\"}", 18 },
};

struct dice {
	uint64_t state;
};

static uint32_t
roll(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(dice->state >> 33) % sides;
}

/* "name":value, most often the good one; now and then nothing, or twice. */
static void
add_member(struct nm_buf *out, struct dice *dice, const char *name,
           const char *good)
{
	size_t n = sizeof(oddities) / sizeof(*oddities);
	uint32_t luck = roll(dice, 40);

	if (luck == 0)
		return;
	if (luck == 1)
		add_member(out, dice, name, good);
	if (out->at[out->len - 1] != '{')
		nm_buf_add_byte(out, ',');
	nm_buf_addf(out, "\"%s\":%s", name,
	            luck < 6 ? oddities[roll(dice, (uint32_t)n)] : good);
}

static void
add_request(struct nm_buf *out, struct dice *dice, enum nm_endpoint endpoint)
{
	char id[16], url[40];
	const char *address = roll(dice, 20) ? endpoints[endpoint]
	                                     : endpoints[1 + roll(dice, 4)];

	snprintf(id, sizeof(id), "\"r-%u\"", roll(dice, 20));
	snprintf(url, sizeof(url), "\"%s\"", address);
	nm_buf_add_byte(out, '{');
	add_member(out, dice, "custom_id", id);
	add_member(out, dice, "method",
	           roll(dice, 20) ? "\"POST\"" : "\"GET\"");
	add_member(out, dice, "url", url);
	if (roll(dice, 20) == 0) {
		add_member(out, dice, "body", "null");
	} else {
		nm_buf_add_string(out, out->at[out->len - 1] == '{'
		                               ? "\"body\":{"
		                               : ",\"body\":{");
		add_member(out, dice, "model",
		           roll(dice, 10) ? "\"m\"" : "\"other\"");
		add_member(out, dice, members[endpoint], "[]");
		if (roll(dice, 8) == 0)
			add_member(out, dice, "stream", "true");
		nm_buf_add_byte(out, '}');
	}
	nm_buf_add_byte(out, '}');
	/* Cut somewhere, now and then. */
	if (roll(dice, 50) == 0)
		out->len -= roll(dice, 20);
}

static void
add_line(struct nm_buf *out, struct dice *dice, enum nm_endpoint endpoint)
{
	size_t n = sizeof(strays) / sizeof(*strays);

	if (roll(dice, 12) == 0)
		nm_buf_add_text(out, strays[roll(dice, (uint32_t)n)]);
	else
		add_request(out, dice, endpoint);
	nm_buf_add_string(out, roll(dice, 10) ? "\n" : "\r\n");
}

/* Each entry as a line of text: what both have to agree on. */
static void
add_verdict(struct nm_buf *out, uint64_t line, const char *code,
            const char *param, const char *message)
{
	nm_buf_addf(out, "%llu %s (%s): %s\n", (unsigned long long)line, code,
	            param ? param : "", message);
}

static void
ask_client(struct nm_text file, enum nm_endpoint endpoint, struct nm_buf *out)
{
	struct nm_input_options options = { .endpoint = endpoints[endpoint] };
	struct nm_jsonl jsonl = { 0 };
	struct nm_input_line read;
	struct nm_finding finding;
	struct nm_input input;
	struct nm_line line;

	nm_input_init(&input, &options);
	nm_jsonl_feed(&jsonl, file.at, file.len);
	nm_jsonl_finish(&jsonl);
	while (nm_jsonl_next(&jsonl, &line))
		if (!nm_input_check_line(&input,
		                         (struct nm_text){ line.at, line.len },
		                         line.number, &read, &finding))
			add_verdict(out, finding.line, finding.code,
			            finding.param, finding.message);
	nm_jsonl_release(&jsonl);
	nm_input_release(&input);
}

static void
ask_server(struct nm_text file, enum nm_endpoint endpoint, struct nm_buf *out)
{
	struct nm_check_options options = { .endpoint = endpoint };
	struct nm_check check;

	nm_check_init(&check, &options);
	nm_check_feed(&check, file.at, file.len);
	nm_check_finish(&check);
	for (size_t i = 0; i < check.n_entries; i++)
		if (check.entries[i].line)
			add_verdict(out, check.entries[i].line,
			            check.entries[i].code,
			            check.entries[i].param,
			            check.entries[i].message);
	nm_check_release(&check);
}

static void
client_and_server_find_the_same_faults(void **state)
{
	struct nm_buf file = { 0 }, client = { 0 }, server = { 0 };
	struct dice dice = { 1 };
	size_t faults = 0;

	(void)state;
	for (int i = 0; i < FILES; i++) {
		enum nm_endpoint endpoint =
			(enum nm_endpoint)(1 + roll(&dice, 4));
		uint32_t lines = 1 + roll(&dice, LINES_MAX);

		nm_buf_clear(&file);
		nm_buf_clear(&client);
		nm_buf_clear(&server);
		while (lines--)
			add_line(&file, &dice, endpoint);
		ask_client(nm_buf_text(&file), endpoint, &client);
		ask_server(nm_buf_text(&file), endpoint, &server);
		if (strcmp(nm_buf_string(&client), nm_buf_string(&server)) != 0)
			fail_msg("the file\n%s\nclient:\n%sserver:\n%s",
			         nm_buf_string(&file), nm_buf_string(&client),
			         nm_buf_string(&server));
		faults += client.len > 0;
	}
	/* It has shown something. */
	assert_true(faults > FILES / 2);
	nm_buf_release(&file);
	nm_buf_release(&client);
	nm_buf_release(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_and_server_find_the_same_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
