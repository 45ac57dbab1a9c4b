#include "server/model.h"

#include "base/map.h"
#include "server/answer_keys.h"
#include "server/reasoning.h"
#include "server/shape.h"
#include "server/stop.h"

/* Per cent of questions in a key; they sum to 100. */
struct mix {
	unsigned perfect, complete, partial, invented, empty;
};

struct nm_model {
	uint64_t              seed;
	struct mix            mix;
	struct nm_answer_keys keys;
};

enum { MIX_SHARES = 5, MAX_INVENTED = 3 };

enum nm_code
nm_model_open(const char *keys_dir, uint64_t seed, struct nm_model **model,
              struct nm_err *err)
{
	struct nm_model *new = calloc(1, sizeof(*new));
	enum nm_code rc;

	if (!new)
		abort();
	new->seed = seed;
	new->mix = (struct mix){ 55, 10, 20, 10, 5 };
	nm_answer_keys_init(&new->keys, keys_dir);
	rc = nm_answer_keys_refresh(&new->keys, err);
	if (rc) {
		nm_model_close(new);
		return rc;
	}
	*model = new;
	return NM_OK;
}

enum nm_code
nm_model_refresh(struct nm_model *model, struct nm_err *err)
{
	return nm_answer_keys_refresh(&model->keys, err);
}

enum nm_code
nm_model_refresh_lately(struct nm_model *model, struct nm_err *err)
{
	return nm_answer_keys_refresh_lately(&model->keys, err);
}

enum nm_code
nm_model_mix(struct nm_model *model, const char *mix, struct nm_err *err)
{
	unsigned long shares[MIX_SHARES] = {0}, sum = 0;
	const char *at = mix;
	char *end;

	for (int i = 0; i < MIX_SHARES && sum <= 100; i++) {
		shares[i] = strtoul(at, &end, 10);
		if (*at < '0' || *at > '9' || shares[i] > 100 ||
		    *end != (i < MIX_SHARES - 1 ? '/' : '\0'))
			sum = 1000;
		sum += shares[i];
		at = end + 1;
	}
	if (sum != 100)
		return nm_fail(err, NM_USAGE, 0, "'%s' is no mix: give five per "
			"cents that sum to 100, such as 55/10/20/10/5", mix);
	model->mix = (struct mix){ (unsigned)shares[0], (unsigned)shares[1],
		(unsigned)shares[2], (unsigned)shares[3], (unsigned)shares[4] };
	return NM_OK;
}

void
nm_model_close(struct nm_model *model)
{
	if (!model)
		return;
	nm_answer_keys_release(&model->keys);
	free(model);
}

/* ---- answers ---- */

/* A stream of numbers from one seed (splitmix64). */
static uint64_t
next_number(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
add_invented_word(struct nm_buf *out, uint64_t *state)
{
	static const char syllables[16][5] = {
		"zan", "vor", "qui", "thel", "mok", "dru", "xil", "fen",
		"gor", "plim", "wex", "ost", "brak", "nyl", "juv", "crae",
	};
	uint64_t number = next_number(state);
	size_t at = out->len;

	for (uint64_t n = 2 + (number >> 60) % 2; n; n--, number >>= 4)
		nm_buf_add_string(out, syllables[number & 15]);
	if (at < out->len)
		out->at[at] = (char)(out->at[at] - 'a' + 'A');
}

static void
add_comma(struct nm_buf *out)
{
	if (out->at[out->len - 1] != '[')
		nm_buf_add_byte(out, ',');
}

static void
add_invented(struct nm_buf *out, uint64_t *state)
{
	for (uint64_t n = 1 + next_number(state) % MAX_INVENTED; n; n--) {
		add_comma(out);
		nm_buf_add_byte(out, '"');
		add_invented_word(out, state);
		nm_buf_add_byte(out, ' ');
		add_invented_word(out, state);
		nm_buf_add_byte(out, '"');
	}
}

/* The first `keep` gold answers after passing over `skip` of them. */
static void
add_gold(struct nm_buf *out, struct nm_gold gold, size_t skip, size_t keep)
{
	struct nm_text answer;

	for (size_t i = 0; i < skip + keep; i++) {
		if (!nm_gold_next(&gold, &answer))
			return;
		if (i < skip)
			continue;
		add_comma(out);
		nm_json_add_string(out, answer);
	}
}

static void
add_known(struct nm_buf *out, const struct mix *mix, struct nm_gold gold,
          uint64_t *state)
{
	unsigned pick = (unsigned)(next_number(state) % 100);
	size_t count = gold.count, part;

	if (pick < mix->perfect) {
		add_gold(out, gold, 0, count);
	} else if (pick < mix->perfect + mix->complete) {
		add_gold(out, gold, 0, count);
		add_invented(out, state);
	} else if (pick < mix->perfect + mix->complete + mix->partial) {
		part = count > 1 ? 1 + next_number(state) % (count - 1) : 1;
		add_gold(out, gold, next_number(state) % (count - part + 1), part);
		if (count > 1 && next_number(state) % 2)
			add_invented(out, state);
	} else if (pick < 100 - mix->empty) {
		add_invented(out, state);
	}
}

static void
add_answers(struct nm_model *model, const struct nm_ask *ask,
            struct nm_buf *out, uint64_t *state)
{
	const struct nm_answers *answers;
	struct nm_buf text = {0};
	struct nm_gold gold;

	nm_buf_add_string(out, "{\"answers\":[");
	answers = nm_answer_keys_lock(&model->keys);
	if (nm_answers_find(answers, ask->prompt, &text, &gold))
		add_known(out, &model->mix, gold, state);
	else
		add_invented(out, state);
	nm_answer_keys_unlock(&model->keys);
	nm_buf_release(&text);
	nm_buf_add_string(out, "]}");
}

static void
add_twisted(struct nm_buf *content, enum nm_twist twist)
{
	struct nm_buf plain = {0};

	if (twist == NM_TWIST_PROSE) {
		nm_buf_clear(content);
		nm_buf_add_string(content, "I believe the answer is well known, "
			"but I would rather tell it in prose.");
	} else if (twist == NM_TWIST_SEPARATORS) {
		/* Line ends to some readers, but not to JSON Lines. */
		content->len -= content->len >= 2 ? 2 : 0;
		if (content->at[content->len - 1] != '[')
			nm_buf_add_byte(content, ',');
		nm_buf_add_string(content, "\"one\xe2\x80\xa8two\xc2\x85three\"]}");
	} else if (twist == NM_TWIST_FENCED) {
		nm_buf_add_text(&plain, nm_buf_text(content));
		nm_buf_clear(content);
		nm_buf_add_string(content, "```json\n");
		nm_buf_add_text(content, nm_buf_text(&plain));
		nm_buf_add_string(content, "\n```");
	}
	nm_buf_release(&plain);
}

/* Models that think use some of what the answer may take. */
static int64_t
thinking(const struct nm_ask *ask, uint64_t *state)
{
	struct nm_text effort = nm_json_text(nm_json_get(ask->body,
		"reasoning_effort"));
	int64_t tokens = 64 * (int64_t)(1 + next_number(state) % 5);

	if (effort.len == 0)
		effort = nm_json_text(nm_json_path(ask->body,
			"reasoning.effort"));
	if (!nm_reasoning_is_of(ask->model) || nm_text_is(effort, "none") ||
	    nm_text_is(effort, "minimal"))
		return 0;
	if (ask->max_tokens && tokens > ask->max_tokens / 2)
		tokens = ask->max_tokens / 2;
	return tokens;
}

static void
end_at(struct nm_buf *content, size_t bytes)
{
	content->len = bytes;
	content->at[bytes] = '\0';
}

static void
cut(struct nm_buf *content, size_t bytes, struct nm_said *said)
{
	if (bytes >= content->len)
		return;
	end_at(content, nm_json_utf8_valid(content->at, bytes));
	said->finish = "length";
}

void
nm_model_say(struct nm_model *model, const struct nm_ask *ask,
             enum nm_twist twist, unsigned choice, struct nm_buf *content,
             struct nm_said *said)
{
	uint64_t state = nm_hash(model->seed + 1 + choice, ask->prompt.at,
	                         ask->prompt.len);
	int64_t room;

	state = nm_hash(state, ask->model.at, ask->model.len);
	*said = (struct nm_said){ .finish = "stop" };
	nm_buf_clear(content);
	add_answers(model, ask, content, &state);
	add_twisted(content, twist);
	end_at(content, nm_stop_find(ask, nm_buf_text(content)));
	said->reasoning_tokens = thinking(ask, &state);
	if (ask->max_tokens) {
		room = ask->max_tokens - said->reasoning_tokens;
		if (room < (int64_t)(content->len + 3) / 4)
			cut(content, (size_t)room * 4, said);
	}
	if (twist == NM_TWIST_TRUNCATED)
		cut(content, content->len * 2 / 3, said);
	said->preamble = twist == NM_TWIST_SEVERAL;
	said->content = nm_buf_text(content);
	if (twist == NM_TWIST_REFUSAL) {
		said->refusal = NM_TEXT("I'm sorry, but I can't help with that.");
		said->content = (struct nm_text){0};
	} else if (twist == NM_TWIST_NULL || twist == NM_TWIST_FILTERED) {
		said->content = (struct nm_text){0};
	}
	if (twist == NM_TWIST_FILTERED)
		said->finish = "content_filter";
	said->output_tokens = said->reasoning_tokens +
		(int64_t)(said->content.len + said->refusal.len + 3) / 4;
}

static void
add_choices(struct nm_model *model, const struct nm_ask *ask,
            enum nm_twist twist, struct nm_buf *scratch,
            struct nm_shape *shape)
{
	unsigned n = ask->n_choices > 1 && ask->n_choices <= 128 ?
		(unsigned)ask->n_choices : 1;
	struct nm_said said;

	for (unsigned i = 0; i < n; i++) {
		nm_model_say(model, ask, twist, i, scratch, &said);
		nm_shape_add(shape, &said);
	}
}

/* The choices of each prompt, where there are several, one after the other. */
static void
add_all_choices(struct nm_model *model, const struct nm_ask *ask,
                enum nm_twist twist, struct nm_buf *scratch,
                struct nm_shape *shape)
{
	const struct nm_value *prompt;
	struct nm_ask one = *ask;
	struct nm_json_walk walk;
	struct nm_text name;

	if (ask->endpoint != NM_ENDPOINT_COMPLETIONS || ask->n_inputs < 2) {
		add_choices(model, ask, twist, scratch, shape);
		return;
	}
	nm_json_walk_init(&walk, ask->content);
	while ((prompt = nm_json_walk_next(&walk, &name))) {
		one.prompt = nm_json_text(prompt);
		add_choices(model, &one, twist, scratch, shape);
	}
}

void
nm_model_reply(struct nm_model *model, const struct nm_ask *ask,
               const struct nm_reply_wish *wish, struct nm_buf *scratch,
               struct nm_buf *out, struct nm_usage *usage)
{
	struct nm_shape shape = { .out = out, .ask = ask, .salt = wish->salt,
	                          .now_s = wish->now_s };

	shape.usage.input_tokens = nm_ask_prompt_tokens(ask);
	if (ask->endpoint == NM_ENDPOINT_EMBEDDINGS) {
		nm_shape_embeddings(&shape, model->seed);
	} else {
		nm_shape_begin(&shape);
		add_all_choices(model, ask, wish->twist, scratch, &shape);
		nm_shape_end(&shape);
	}
	*usage = shape.usage;
}
