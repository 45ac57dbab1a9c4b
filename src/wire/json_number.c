/*
 * json_number: a double as the shortest text that reads back the same. See json.h.
 */
#include "wire/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NEAR_DIGITS = DBL_DIG, DIGITS_MAX = 17 };

#define NEAR_BELOW 1e15 /* 10^NEAR_DIGITS */

/*
 * Writes the number with so many digits to text; true when that reads back as it.
 * The locale's decimal sign comes and goes through the same functions.
 */
static bool
reads_back(char *text, size_t size, int n_digits, double number)
{
	char *last;

	(void)snprintf(text, size, "%.*e", n_digits - 1, number);
	if (strtod(text, NULL) == number)
		return true;
	/*
	 * Just above a power of two numbers lie twice as wide as just below: the
	 * nearest decimal below may miss where the one above does not.
	 */
	last = strchr(text, 'e') - 1;
	if (n_digits == DIGITS_MAX || *last == '9')
		return false;
	++*last;
	return strtod(text, NULL) == number;
}

/*
 * The whole number and the count of decimals of a number that has few of both:
 * number = whole / 10^decimals, the smallest such count. -1 when it has more than
 * NEAR_DIGITS digits. Powers of ten so small are exact, and the division rounds as
 * reading does.
 */
static int
near_decimals(double number, double *whole)
{
	static const double powers[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15,
	};

	for (int i = 0; i < (int)(sizeof(powers) / sizeof(*powers)); i++) {
		double near = nearbyint(number * powers[i]);

		if (near >= NEAR_BELOW)
			return -1;
		if (near / powers[i] == number) {
			*whole = near;
			return i;
		}
	}
	return -1;
}

/*
 * The fewest significant decimal digits that read back as the (finite, positive)
 * number; number = 0.DIGITS * 10^point. Returns how many.
 */
static int
shortest(double number, char *digits, int *point)
{
	/* What NEAR_DIGITS or fewer digits tell is told by so many, with zeros. */
	int n = 0, wanted = number < DBL_MIN ? 1 : NEAR_DIGITS;
	char text[64];

	while (!reads_back(text, sizeof(text), wanted, number)
	       && wanted < DIGITS_MAX)
		wanted++;
	for (const char *at = text; *at != 'e'; at++)
		if (*at >= '0' && *at <= '9')
			digits[n++] = *at;
	*point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	return n;
}

static void
add_zeros(struct nm_buf *out, int count)
{
	while (count-- > 0)
		nm_buf_add_byte(out, '0');
}

/* number = whole / 10^decimals, from 0 on or from 0.0001. */
static void
add_near(struct nm_buf *out, uint64_t whole, int decimals)
{
	char text[40];
	size_t at = sizeof(text);
	int left = decimals;

	if (left == 0)
		text[--at] = '0';
	for (; left > 0; left--, whole /= 10)
		text[--at] = (char)('0' + whole % 10);
	text[--at] = '.';
	do {
		text[--at] = (char)('0' + whole % 10);
		whole /= 10;
	} while (whole);
	nm_buf_add(out, text + at, sizeof(text) - at);
}

void
nm_json_add_double(struct nm_buf *out, double number)
{
	double size = fabs(number), whole = 0.0;
	int decimals = -1;
	char digits[DIGITS_MAX + 1];
	int n, point;

	if (signbit(number))
		nm_buf_add_byte(out, '-');
	if (size >= 1e-4 || !(size > 0))
		decimals = near_decimals(size, &whole);
	if (decimals >= 0) {
		add_near(out, (uint64_t)whole, decimals);
		return;
	}
	n = shortest(size, digits, &point);
	if (point > 16 || point < -3) {
		nm_buf_add_byte(out, digits[0]);
		if (n > 1)
			nm_buf_add_byte(out, '.');
		nm_buf_add(out, digits + 1, (size_t)n - 1);
		nm_buf_addf(out, "e%+03d", point - 1);
	} else if (point <= 0) {
		nm_buf_add_string(out, "0.");
		add_zeros(out, -point);
		nm_buf_add(out, digits, (size_t)n);
	} else if (point < n) {
		nm_buf_add(out, digits, (size_t)point);
		nm_buf_add_byte(out, '.');
		nm_buf_add(out, digits + point, (size_t)(n - point));
	} else {
		nm_buf_add(out, digits, (size_t)n);
		add_zeros(out, point - n);
		nm_buf_add_string(out, ".0");
	}
}
