/* Dates: written in the one form of today, read in all three that have been in use. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "httpd.h"

enum { DAY = 24 * 60 * 60 };
/* A clock that shows an earlier time than this program's year has not been set. */
#define CLOCK_IS_SET 1700000000

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

static void two_digits(char *to, int n)
{
	to[0] = (char)('0' + n / 10 % 10);
	to[1] = (char)('0' + n % 10);
}

void date_format(int64_t when, char text[DATE_SIZE])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	memcpy(text, "Thu, 01 Jan 1970 00:00:00 GMT", DATE_SIZE);
	memcpy(text, days + 3 * tm.tm_wday, 3);
	two_digits(text + 5, tm.tm_mday);
	memcpy(text + 8, months + 3 * tm.tm_mon, 3);
	two_digits(text + 12, (tm.tm_year + 1900) / 100);
	two_digits(text + 14, tm.tm_year % 100);
	two_digits(text + 17, tm.tm_hour);
	two_digits(text + 20, tm.tm_min);
	two_digits(text + 23, tm.tm_sec);
}

int64_t date_now(void)
{
	time_t now = time(NULL);

	return now > CLOCK_IS_SET ? (int64_t)now : DATE_NONE;
}

/* ---- Reading ---- */

struct moment {
	int day, month, year, hour, minute, second;
};

/* Reads text by a pattern: letters stand for digits of the field, '_' for a digit or a blank, 'b' for
 * the name of a month, everything else for itself. */
static bool matches(const char *text, const char *pattern, struct moment *m)
{
	*m = (struct moment){0};
	for (; *pattern; pattern++, text++) {
		int *field = *pattern == 'd' || *pattern == '_' ? &m->day
			     : *pattern == 'y'                  ? &m->year
			     : *pattern == 'h'                  ? &m->hour
			     : *pattern == 'm'                  ? &m->minute
			     : *pattern == 's'                  ? &m->second
								: NULL;

		if (*pattern == 'b') {
			for (m->month = 0; m->month < 12; m->month++)
				if (!strncmp(text, months + 3 * m->month, 3))
					break;
			if (m->month == 12)
				return false;
			text += 2;
		} else if (field && isdigit((unsigned char)*text)) {
			*field = *field * 10 + *text - '0';
		} else if (*pattern == '_' ? *text != ' ' : field || *text != *pattern) {
			return false;
		}
	}
	return !*text;
}

/* Days from 1970 to the first of March of year, and on; the leap day is then the last of a year. */
static int64_t days_to(int year, int month, int day)
{
	int64_t y = month < 2 ? year - 1 : year;
	int since_march = (month + 10) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * since_march + 2) / 5 + day - 1 - 719468;
}

/* The name of a day at the start of text, whole or short, with what follows it. NULL: none. */
static const char *after_day(const char *text, const char *end, bool is_short)
{
	static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
					    "Thursday", "Friday", "Saturday"};

	for (int i = 0; i < 7; i++) {
		size_t n = is_short ? 3 : strlen(names[i]);

		if (!strncmp(text, names[i], n) && !strncmp(text + n, end, strlen(end)))
			return text + n + strlen(end);
	}
	return NULL;
}

int64_t date_parse(const char *text)
{
	const char *rest;
	struct moment m;

	if ((rest = after_day(text, ", ", true)) && matches(rest, "dd b yyyy hh:mm:ss GMT", &m)) {
	} else if ((rest = after_day(text, ", ", false)) &&
		   matches(rest, "dd-b-yy hh:mm:ss GMT", &m)) {
		int64_t now = date_now();
		time_t seconds = now == DATE_NONE ? CLOCK_IS_SET : (time_t)now;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		m.year += 1900 + tm.tm_year / 100 * 100;
		if (m.year > 1900 + tm.tm_year + 50) /* that far ahead: of the last century */
			m.year -= 100;
	} else if (!((rest = after_day(text, " ", true)) &&
		     matches(rest, "b _d hh:mm:ss yyyy", &m))) {
		return DATE_NONE;
	}
	if (m.day < 1 || m.day > 31 || m.hour > 23 || m.minute > 59 || m.second > 60)
		return DATE_NONE;
	return days_to(m.year, m.month, m.day) * DAY + m.hour * 3600 + m.minute * 60 + m.second;
}
