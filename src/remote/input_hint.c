/*
 * input_hint: see the header; and what a file is that is no text.
 */
#include "remote/input_hint.h"

const char *
nm_input_hint_shape(struct nm_text text, uint64_t number)
{
	size_t at = 0;

	while (at < text.len && strchr(" \t", text.at[at]))
		at++;
	if (number != 1 || at == text.len)
		return "";
	if (text.at[at] == '[')
		return "a request is an object on a line of its own, in no array";
	at++;
	return text.at[at - 1] == '{' &&
	       nm_input_is_blank((struct nm_text){ text.at + at,
	                                           text.len - at })
		? "a request stands whole on one line" : "";
}

const char *
nm_input_hint(struct nm_text text, uint64_t number, const struct nm_err *err)
{
	const char *shape = nm_input_hint_shape(text, number);

	if (shape[0])
		return shape;
	if (number == 1 && text.len >= 3 &&
	    memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
		return "the file begins with a byte order mark";
	if (nm_json_utf8_valid(text.at, text.len) < text.len)
		return "it is not UTF-8";
	if (err->detail >= (long)text.len)
		return "it ends too early";
	return "";
}

const char *
nm_input_foreign(struct nm_text beginning)
{
	static const struct {
		const char *bytes;
		const char *what;
	} kinds[] = {
		{ "\x1f\x8b\x08", "is compressed by gzip: unpack it first" },
		{ "\x28\xb5\x2f\xfd", "is compressed by zstd: unpack it first" },
		{ "\xfd" "7zXZ", "is compressed by xz: unpack it first" },
		{ "BZh", "is compressed by bzip2: unpack it first" },
		{ "PK\x03\x04", "is a zip archive: unpack it first" },
		{ "\xff\xfe", "is UTF-16, and only UTF-8 is taken" },
		{ "\xfe\xff", "is UTF-16, and only UTF-8 is taken" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (beginning.len >= strlen(kinds[i].bytes) &&
		    memcmp(beginning.at, kinds[i].bytes,
		           strlen(kinds[i].bytes)) == 0)
			return kinds[i].what;
	return NULL;
}
