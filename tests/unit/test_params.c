#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/params.h"
#include "server/stop.h"

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

/* message NULL: the body is well. param and code NULL: null. */
static void
judge(enum nm_endpoint endpoint, const char *body, const char *param,
      const char *code, const char *message)
{
	struct nm_verdict verdict = {0};
	struct nm_ask asked = {0};
	struct nm_json json = {0};

	ask(&asked, &json, endpoint, body);
	nm_params_judge(&asked, NULL, &verdict);
	if (verdict.status != (message ? 400 : 0) ||
	    (message && strcmp(message, nm_buf_string(&verdict.message)) != 0))
		fail_msg("%s: %s", body, nm_buf_string(&verdict.message));
	if (message) {
		assert_string_equal(verdict.param, param ? param : "");
		assert_true(!code == !verdict.code);
	}
	if (message && code)
		assert_string_equal(verdict.code, code);
	nm_verdict_release(&verdict);
	nm_ask_release(&asked);
	nm_json_release(&json);
}

static void
test_chats(void **state)
{
#define CHAT(model, more) "{\"model\":\"" model "\",\"messages\":[{\"role\":" \
	"\"user\",\"content\":\"hi\"}]" more "}"
#define SCHEMA(members) ",\"response_format\":{\"type\":\"json_schema\"," \
	"\"json_schema\":{\"schema\":{}," members "}}"
#define TOOL "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"
#define SIXTEEN "0123456789abcdef"
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN
	static const struct {
		const char *body, *param, *code, *message;
	} rows[] = {
		{ CHAT("m", ""), NULL, NULL, NULL },
		{ CHAT("m", ",\"temperature\":2"), NULL, NULL, NULL },
		{ CHAT("m", ",\"temperature\":null"), NULL, NULL, NULL },
		{ CHAT("m", ",\"temperature\":3"), "temperature",
		  "decimal_above_max_value", "Invalid 'temperature': decimal above "
		  "maximum value. Expected a value <= 2, but got 3 instead." },
		{ CHAT("m", ",\"temperature\":\"1\""), "temperature", "invalid_type",
		  "Invalid type for 'temperature': expected a decimal, but got a "
		  "string instead." },
		{ CHAT("m", ",\"n\":0"), "n", "integer_below_min_value",
		  "Invalid 'n': integer below minimum value. Expected a value >= 1, "
		  "but got 0 instead." },
		{ CHAT("gpt-5-mini", ",\"max_tokens\":9"), "max_tokens",
		  "unsupported_parameter", "Unsupported parameter: 'max_tokens' is "
		  "not supported with this model. Use 'max_completion_tokens' "
		  "instead." },
		{ CHAT("gpt-4o", ",\"max_tokens\":9"), NULL, NULL, NULL },
		{ CHAT("o3", ",\"temperature\":0"), "temperature",
		  "unsupported_value", "Unsupported value: 'temperature' does not "
		  "support 0 with this model. Only the default (1) value is "
		  "supported." },
		{ CHAT("m", ",\"response_format\":{\"type\":\"json_object\"}"),
		  "messages", NULL, "'messages' must contain the word 'json' in "
		  "some form, to use 'response_format' of type 'json_object'." },
		{ "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
		  "\"as Json\"},{\"role\":\"user\",\"content\":\"hi\"}],"
		  "\"response_format\":{\"type\":\"json_object\"}}", NULL, NULL,
		  NULL },
		{ CHAT("m", ",\"response_format\":{\"type\":\"text\"}"),
		  NULL, NULL, NULL },
		{ CHAT("m", ",\"response_format\":null"), NULL, NULL, NULL },
		{ CHAT("m", ",\"response_format\":{\"type\":\"xml\"}"),
		  "response_format.type", "invalid_value", "Invalid value: 'xml'. "
		  "Supported values are: 'json_object', 'json_schema', and "
		  "'text'." },
		{ CHAT("m", ",\"response_format\":{}"), "response_format.type",
		  "missing_required_parameter", "Missing required parameter: "
		  "'response_format.type'." },
		{ CHAT("m", SCHEMA("\"name\":\"" SIXTY_FOUR "\"")), NULL, NULL,
		  NULL },
		{ CHAT("m", SCHEMA("\"name\":\"" SIXTY_FOUR "a\"")),
		  "response_format.json_schema.name", "string_above_max_length",
		  "Invalid 'response_format.json_schema.name': string too long. "
		  "Expected a string with maximum length 64, but got a string with "
		  "length 65 instead." },
		{ CHAT("m", SCHEMA("\"name\":\"a b\"")),
		  "response_format.json_schema.name", "invalid_value",
		  "Invalid 'response_format.json_schema.name': string does not "
		  "match pattern. Expected a string that matches the pattern "
		  "'^[a-zA-Z0-9_-]+$'." },
		{ CHAT("m", SCHEMA("\"strict\":true")),
		  "response_format.json_schema.name", "missing_required_parameter",
		  "Missing required parameter: "
		  "'response_format.json_schema.name'." },
		{ CHAT("m", SCHEMA("\"name\":7")),
		  "response_format.json_schema.name", "invalid_type", "Invalid "
		  "type for 'response_format.json_schema.name': expected a string, "
		  "but got an integer instead." },
		{ CHAT("m", ",\"reasoning_effort\":\"xhigh\""), NULL, NULL, NULL },
		{ CHAT("m", ",\"reasoning_effort\":\"hi\""), "reasoning_effort",
		  "invalid_value", "Invalid value: 'hi'. Supported values are: "
		  "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and "
		  "'max'." },
		{ CHAT("m", ",\"safety_identifier\":\"" SIXTY_FOUR "\""), NULL,
		  NULL, NULL },
		{ CHAT("m", ",\"safety_identifier\":\"" SIXTY_FOUR "a\""),
		  "safety_identifier", "string_above_max_length", "Invalid "
		  "'safety_identifier': string too long. Expected a string with "
		  "maximum length 64, but got a string with length 65 instead." },
		{ "{\"model\":\"m\",\"messages\":[]}", "messages", "empty_array",
		  "Invalid 'messages': empty array. Expected an array with minimum "
		  "length 1, but got an empty array instead." },
		{ "{\"model\":\"m\",\"messages\":[{\"role\":\"god\",\"content\":"
		  "\"\"}]}", "messages[0].role", "invalid_value", "Invalid value: "
		  "'god'. Supported values are: 'system', 'assistant', 'user', "
		  "'function', 'tool', and 'developer'." },
		{ "{\"messages\":[]}", NULL, NULL,
		  "you must provide a model parameter" },
		{ "{\"model\":\"m\",\"messages\":[\"hi\"]}", "messages[0]",
		  "invalid_type", "Invalid type for 'messages[0]': expected an "
		  "object, but got a string instead." },
		{ CHAT("m", ",\"response_format\":\"json\""), "response_format",
		  "invalid_type", "Invalid type for 'response_format': expected an "
		  "object, but got a string instead." },
		{ CHAT("m", ",\"seed\":-9223372036854775808"), NULL, NULL, NULL },
		{ CHAT("m", ",\"seed\":1.5"), "seed", "invalid_type", "Invalid "
		  "type for 'seed': expected an integer, but got a decimal number "
		  "instead." },
		{ CHAT("m", ",\"store\":\"yes\""), "store", "invalid_type",
		  "Invalid type for 'store': expected a boolean, but got a string "
		  "instead." },
		{ CHAT("m", ",\"store\":null,\"stream\":false"), NULL, NULL,
		  NULL },
		{ CHAT("m", ",\"top_logprobs\":2"), "top_logprobs", NULL, "The "
		  "'top_logprobs' parameter is only allowed when 'logprobs' is "
		  "enabled." },
		{ CHAT("m", ",\"top_logprobs\":2,\"logprobs\":true"), NULL, NULL,
		  NULL },
		{ CHAT("m", ",\"stop\":[\"a\",\"b\",\"c\",\"d\"]"), NULL, NULL,
		  NULL },
		{ CHAT("m", ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), "stop",
		  "array_above_max_length", "Invalid 'stop': array too long. "
		  "Expected an array with maximum length 4, but got an array with "
		  "length 5 instead." },
		{ CHAT("m", ",\"stop\":7"), "stop", "invalid_type", "Invalid type "
		  "for 'stop': expected one of a string or array of strings, but "
		  "got an integer instead." },
		{ CHAT("gpt-5.6", ",\"stop\":[\"a\"],\"temperature\":0.5"), "stop",
		  "unsupported_parameter", "Unsupported parameter: 'stop' is not "
		  "supported with this model." },
		{ CHAT("o1", ",\"stop\":\"a\""), NULL, NULL, NULL },
		{ CHAT("o3", ",\"logit_bias\":{\"1\":1}"), "logit_bias",
		  "unsupported_parameter", "Unsupported parameter: 'logit_bias' is "
		  "not supported with this model." },
		{ CHAT("o3", ",\"presence_penalty\":0.5"), "presence_penalty",
		  "unsupported_parameter", "Unsupported parameter: "
		  "'presence_penalty' is not supported with this model." },
		{ CHAT("o3", ",\"logprobs\":true"), "logprobs",
		  "unsupported_parameter", "Unsupported parameter: 'logprobs' is "
		  "not supported with this model." },
		{ CHAT("o3", ",\"logprobs\":false,\"presence_penalty\":0"), NULL,
		  NULL, NULL },
		{ CHAT("gpt-5.6", ",\"logprobs\":true,\"reasoning_effort\":"
		       "\"none\""), NULL, NULL, NULL },
		{ CHAT("m", ",\"tools\":\"none\""), "tools", "invalid_type",
		  "Invalid type for 'tools': expected an array of objects, but got "
		  "a string instead." },
		{ CHAT("m", ",\"tools\":[]"), "tools", "empty_array", "Invalid "
		  "'tools': empty array. Expected an array with minimum length 1, "
		  "but got an empty array instead." },
		{ CHAT("m", ",\"tools\":[{\"type\":\"function\"}]"),
		  "tools[0].function", "missing_required_parameter", "Missing "
		  "required parameter: 'tools[0].function'." },
		{ CHAT("m", ",\"tools\":[" TOOL ",{\"type\":\"function\","
		       "\"function\":{}}]"), "tools[1].function.name",
		  "missing_required_parameter", "Missing required parameter: "
		  "'tools[1].function.name'." },
		{ CHAT("m", ",\"tools\":[" TOOL "],\"tool_choice\":\"auto\""), NULL,
		  NULL, NULL },
		{ CHAT("m", ",\"tools\":[" TOOL "],\"tool_choice\":\"any\""),
		  "tool_choice", "invalid_value", "Invalid value: 'any'. Supported "
		  "values are: 'none', 'auto', and 'required'." },
		{ CHAT("m", ",\"tool_choice\":\"auto\""), "tool_choice", NULL,
		  "Invalid value for 'tool_choice': 'tool_choice' is only allowed "
		  "when 'tools' are specified." },
		{ "{\"model\":\"m\"}", "messages", "missing_required_parameter",
		  "Missing required parameter: 'messages'." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge(NM_ENDPOINT_CHAT, rows[i].body, rows[i].param,
		      rows[i].code, rows[i].message);
}

static void
test_others(void **state)
{
#define EMBED(input, more) "{\"model\":\"m\",\"input\":" input more "}"
#define REFERENCE " is invalid. Please check the API reference: " \
	"https://platform.openai.com/docs/api-reference."
	static const struct {
		enum nm_endpoint endpoint;
		const char *body, *param, *code, *message;
	} rows[] = {
		{ NM_ENDPOINT_RESPONSES, "{\"input\":\"a\"}", "model",
		  "missing_required_parameter",
		  "Missing required parameter: 'model'." },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":null,\"input\":\"a\"}",
		  "model", "invalid_type", "Invalid type for 'model': expected a "
		  "string, but got an object instead." },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":7,\"input\":\"a\"}",
		  "model", "invalid_type", "Invalid type for 'model': expected a "
		  "string, but got an integer instead." },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"\",\"input\":\"a\"}",
		  "model", "model_not_found",
		  "The requested model '' does not exist." },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":{}}",
		  "input", "invalid_type", "Invalid type for 'input': expected one "
		  "of a string or array of input items, but got an object "
		  "instead." },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"o3\",\"input\":\"a\","
		  "\"temperature\":0.5}", "temperature", NULL, "Unsupported "
		  "parameter: 'temperature' is not supported with this model." },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"o3\",\"input\":\"a\","
		  "\"temperature\":0.5,\"reasoning\":{\"effort\":\"none\"}}",
		  NULL, NULL, NULL },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":\"a\","
		  "\"background\":\"yes\"}", "background", "invalid_type",
		  "Invalid type for 'background': expected a boolean, but got a "
		  "string instead." },
		{ NM_ENDPOINT_RESPONSES, "{\"model\":\"m\",\"input\":\"a\","
		  "\"tools\":[]}", NULL, NULL, NULL },
		{ NM_ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"a\","
		  "\"logprobs\":5,\"best_of\":20,\"stop\":\"b\"}", NULL, NULL,
		  NULL },
		{ NM_ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"a\","
		  "\"logprobs\":6}", "logprobs", "integer_above_max_value",
		  "Invalid 'logprobs': integer above maximum value. Expected a "
		  "value <= 5, but got 6 instead." },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("[\"a\",\"b\"]",
		  ",\"dimensions\":3072,\"encoding_format\":\"base64\""), NULL,
		  NULL, NULL },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("[[1],[2,3]]", ""), NULL, NULL,
		  NULL },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("[1,2]", ""), NULL, NULL, NULL },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("[\"a\",1]", ""), NULL, NULL,
		  "'$.input'" REFERENCE },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("[null]", ""), NULL, NULL,
		  "'$.input'" REFERENCE },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("[\"a\",\"\"]", ""), "input", NULL,
		  "Invalid 'input': input cannot be an empty string." },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("[]", ""), "input", NULL,
		  "Invalid 'input': input cannot be an empty string." },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("\"a\"", ",\"dimensions\":0"),
		  NULL, NULL, "Invalid value for 'dimensions' = 0. Must be greater "
		  "than or equal to 1." },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("\"a\"", ",\"dimensions\":3073"),
		  NULL, NULL, "Invalid value for 'dimensions' = 3073. Must be less "
		  "than or equal to 3072." },
		{ NM_ENDPOINT_EMBEDDINGS, "{\"model\":\"text-embedding-3-small\","
		  "\"input\":\"a\",\"dimensions\":1537}", NULL, NULL, "Invalid "
		  "value for 'dimensions' = 1537. Must be less than or equal to "
		  "1536." },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("\"a\"", ",\"dimensions\":\"8\""),
		  NULL, NULL, "'$.dimensions'" REFERENCE },
		{ NM_ENDPOINT_EMBEDDINGS, EMBED("\"a\"",
		  ",\"encoding_format\":\"hex\""), NULL, NULL, "Invalid value for "
		  "'encoding_format' = hex. Supported values: ['float', "
		  "'base64']." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge(rows[i].endpoint, rows[i].body, rows[i].param,
		      rows[i].code, rows[i].message);
}

#define FOUR_PROMPTS "\"a\",\"b\",\"c\",\"d\""
#define SIXTEEN_PROMPTS FOUR_PROMPTS "," FOUR_PROMPTS "," FOUR_PROMPTS "," \
	FOUR_PROMPTS

/* One more than a request may hold; numbers are the tokens of one. */
static void
test_many_inputs(void **state)
{
	static const char refusal[] = "Invalid 'input': array too long. Expected an "
		"array with maximum length 2048, but got an array with length 2049 "
		"instead.";
	static const struct {
		size_t n;
		const char *input, *message;
	} rows[] = {
		{ 2048, "\"a\"", NULL }, { 2049, "\"a\"", refusal },
		{ 2049, "[1]", refusal }, { 2049, "1", NULL },
	};
	struct nm_buf body = {0};

	(void)state;
	judge(NM_ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"n\":128,\"prompt\":["
	      SIXTEEN_PROMPTS "]}", NULL, NULL, NULL);
	judge(NM_ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"n\":128,\"prompt\":["
	      SIXTEEN_PROMPTS ",[1,2]]}", NULL, NULL, "Too many parallel "
	      "completions requested. You submitted 2176 prompts, but you can "
	      "currently request up to at most a total of 2048).");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nm_buf_clear(&body);
		nm_buf_add_string(&body, "{\"model\":\"m\",\"input\":[");
		for (size_t k = 0; k < rows[i].n; k++)
			nm_buf_addf(&body, "%s%s", k ? "," : "", rows[i].input);
		nm_buf_add_string(&body, "]}");
		judge(NM_ENDPOINT_EMBEDDINGS, nm_buf_string(&body), "input",
		      "array_above_max_length", rows[i].message);
	}
	nm_buf_release(&body);
}

static void
test_stop(void **state)
{
	static const struct {
		const char *stop, *kept, *reason;
	} rows[] = {
		{ "null", "one two", "none wanted" },
		{ "\"w\"", "one t", "the sequence itself is no part" },
		{ "\"one\"", "", "the answer begins with it" },
		{ "\"x\"", "one two", "it does not come" },
		{ "\"\"", "one two", "an empty one is none" },
		{ "[\"two\",\"e\"]", "on", "whichever comes first" },
		{ "[]", "one two", "none of none" },
		{ "[7,\"wo\"]", "one t", "what is no text is none" },
	};
	struct nm_buf body = {0};
	struct nm_ask asked = {0};
	struct nm_json json = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nm_buf_clear(&body);
		nm_buf_addf(&body, "{\"model\":\"m\",\"messages\":[],\"stop\":%s}",
		            rows[i].stop);
		ask(&asked, &json, NM_ENDPOINT_CHAT, nm_buf_string(&body));
		if (nm_stop_find(&asked, NM_TEXT("one two")) !=
		    strlen(rows[i].kept))
			fail_msg("%s", rows[i].reason);
		ask(&asked, &json, NM_ENDPOINT_RESPONSES, nm_buf_string(&body));
		assert_int_equal(nm_stop_find(&asked, NM_TEXT("one two")), 7);
	}
	nm_buf_release(&body);
	nm_ask_release(&asked);
	nm_json_release(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chats),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_many_inputs),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
