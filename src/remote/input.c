/*
 * input: see input.h.
 */
#include "remote/input_hint.h"
#include "remote/input_request.h"

void
nm_input_init(struct nm_input *input, const struct nm_input_options *options)
{
	*input = (struct nm_input){0};
	if (options)
		input->options = *options;
	if (input->options.lines_max == 0)
		input->options.lines_max = NM_INPUT_LINES_MAX;
	if (input->options.bytes_max == 0)
		input->options.bytes_max = NM_INPUT_BYTES_MAX;
	if (input->options.endpoint)
		nm_buf_add_string(&input->endpoint, input->options.endpoint);
	if (input->options.model)
		nm_buf_add_string(&input->model, input->options.model);
}

void
nm_input_release(struct nm_input *input)
{
	nm_json_release(&input->json);
	nm_map_release(&input->ids);
	nm_buf_release(&input->model);
	nm_buf_release(&input->endpoint);
	nm_buf_release(&input->message);
	nm_buf_release(&input->quoted);
	*input = (struct nm_input){0};
}

static void
add_up(struct nm_input *input, const struct nm_input_line *line)
{
	input->requests++;
	input->prompt_tokens_guess += line->prompt_tokens_guess;
	input->embeddings += line->embeddings;
	if (line->output_tokens_max < 0)
		input->unbounded++;
	else if (__builtin_add_overflow(input->output_tokens_max,
	                                (uint64_t)line->output_tokens_max,
	                                &input->output_tokens_max))
		input->output_tokens_max = UINT64_MAX;
	if (line->odd_bound && !input->odd_bounds++) {
		input->odd_bound_line = input->lines;
		input->odd_bound = line->odd_bound;
	}
}

bool
nm_input_is_blank(struct nm_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] != ' ' && text.at[i] != '\t' &&
		    text.at[i] != '\r')
			return false;
	return true;
}

static void
begin_finding(struct nm_finding *finding, uint64_t number)
{
	*finding = (struct nm_finding){
		.line = number, .code = "", .param = "", .message = "",
		.hint = "", .certain = true
	};
}

bool
nm_input_check_line(struct nm_input *input, struct nm_text text,
                    uint64_t number, struct nm_input_line *line,
                    struct nm_finding *finding)
{
	const struct nm_value *root;
	struct nm_err why = {0};

	*line = (struct nm_input_line){ .output_tokens_max = -1 };
	begin_finding(finding, number);
	input->lines++;
	input->bytes += text.len + 1;
	if (nm_input_is_blank(text)) {
		input->blank++;
		finding->certain = false;
		finding->hint = "a blank line: how the service takes it is "
			"not documented";
		return true;
	}
	if (nm_json_read(&input->json, text.at, text.len, &root, &why)) {
		finding->hint = nm_input_hint(text, number, &why);
		root = NULL;
	} else if (nm_json_kind(root) != NM_JSON_OBJECT) {
		finding->hint = nm_input_hint_shape(text, number);
	}
	if (nm_json_kind(root) == NM_JSON_OBJECT) {
		if (nm_input_judge(input, root, line, finding)) {
			add_up(input, line);
			return true;
		}
	} else {
		finding->code = "invalid_json_line";
		finding->message = "This line is not parseable as valid JSON.";
	}
	input->faulty++;
	return false;
}

bool
nm_input_refuse_long(struct nm_input *input, uint64_t number,
                     struct nm_finding *finding)
{
	begin_finding(finding, number);
	finding->certain = false;
	input->lines++;
	input->faulty++;
	finding->code = "invalid_request";
	finding->message = "This line is longer than any request may be.";
	return false;
}

static bool
tell_whole(struct nm_input *input, struct nm_finding *finding,
           const char *code, const char *param, const char *hint)
{
	*finding = (struct nm_finding){
		.code = code, .param = param, .hint = hint,
		.message = nm_buf_string(&input->message)
	};
	return false;
}

bool
nm_input_finish(struct nm_input *input, struct nm_finding *finding)
{
	const struct nm_input_options *options = &input->options;
	uint64_t count = input->lines - input->blank;

	nm_buf_clear(&input->message);
	if (count == 0 && !input->lines_told) {
		input->lines_told = true;
		nm_buf_add_string(&input->message, "The file holds no request.");
		return tell_whole(input, finding, "empty_file", "", "");
	}
	if (count > options->lines_max && !input->lines_told) {
		input->lines_told = true;
		nm_buf_addf(&input->message, "The file holds %llu requests; a "
		            "batch may have %llu.", (unsigned long long)count,
		            (unsigned long long)options->lines_max);
		return tell_whole(input, finding, "too_many_tasks", "",
		                  "split it, as --submit does");
	}
	if (input->bytes > options->bytes_max && !input->bytes_told) {
		input->bytes_told = true;
		nm_buf_addf(&input->message, "The file has %llu bytes; %llu "
		            "are safe.", (unsigned long long)input->bytes,
		            (unsigned long long)options->bytes_max);
		return tell_whole(input, finding, "file_too_large", "",
		                  "split it, as --submit does");
	}
	if (input->embeddings > NM_INPUT_EMBEDDINGS_MAX &&
	    options->lines_max != NM_INPUT_UNBOUNDED &&
	    !input->embeddings_told) {
		input->embeddings_told = true;
		nm_buf_addf(&input->message, "The file holds %llu embedding "
		            "inputs; a batch may have %d.",
		            (unsigned long long)input->embeddings,
		            NM_INPUT_EMBEDDINGS_MAX);
		return tell_whole(input, finding, "invalid_request",
		                  "body.input", "split it, as --submit does");
	}
	*finding = (struct nm_finding){
		.code = "", .param = "", .message = "", .hint = ""
	};
	return true;
}
