/*
 * The clock of PCs (Motorola MC146818A data sheet), behind an index and a data port. It changes its
 * registers once a second, and says shortly before that it does (UIP); so they are read twice, with
 * none of that between. Firmware keeps it in UTC.
 */
#include <stdbool.h>

#include "arch/devices.h"
#include "drivers/date.h"

enum { INDEX = 0x70, DATA = 0x71 };

enum {
	SECONDS = 0x00,
	MINUTES = 0x02,
	HOURS = 0x04,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	STATUS_A = 0x0a,
	STATUS_B = 0x0b,
	CENTURY = 0x32, /* of PCs; the data sheet has memory there */
};

enum {
	A_UIP = 0x80,
	B_24_HOURS = 0x02,
	B_BINARY = 0x04,
	HOURS_PM = 0x80,
};

enum { TRIES = 100000 }; /* an update takes 2 ms, and a read a microsecond or so */

struct reading {
	uint8_t second, minute, hour, day, month, year, century;
};

static uint8_t cmos_read(uint8_t reg)
{
	arch_io_write8(INDEX, reg);
	return arch_io_read8(DATA);
}

static struct reading read_registers(void)
{
	return (struct reading){cmos_read(SECONDS), cmos_read(MINUTES), cmos_read(HOURS),
				cmos_read(DAY),     cmos_read(MONTH),   cmos_read(YEAR),
				cmos_read(CENTURY)};
}

static bool is_same(const struct reading *a, const struct reading *b)
{
	return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
	       a->day == b->day && a->month == b->month && a->year == b->year &&
	       a->century == b->century;
}

/* False: there is no clock, or it stands in the middle of an update. */
static bool read_settled(struct reading *r)
{
	struct reading again;

	for (int i = 0; i < TRIES; i++) {
		if (cmos_read(STATUS_A) & A_UIP)
			continue;
		*r = read_registers();
		if (cmos_read(STATUS_A) & A_UIP)
			continue;
		again = read_registers();
		if (is_same(r, &again))
			return true;
	}
	return false;
}

static unsigned from_bcd(uint8_t value)
{
	return (value >> 4) * 10u + (value & 15);
}

/* Days since 1970-01-01, or before, of a day of the Gregorian calendar: years begin in March, so that the
 * day that may be missing is their last. */
static int64_t days(unsigned year, unsigned month, unsigned day)
{
	unsigned y = year - (month < 3), m = (month + 9) % 12;

	return y * INT64_C(365) + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

uint64_t date_read(void)
{
	struct reading r;
	unsigned second, minute, hour, day, month, year, century, pm;
	int64_t seconds;
	uint8_t how;

	if (!read_settled(&r))
		return 0;
	how = cmos_read(STATUS_B);
	pm = how & B_24_HOURS ? 0 : r.hour & HOURS_PM;
	if (pm)
		r.hour &= (uint8_t)~HOURS_PM;

	bool binary = how & B_BINARY;

	second = binary ? r.second : from_bcd(r.second);
	minute = binary ? r.minute : from_bcd(r.minute);
	hour = binary ? r.hour : from_bcd(r.hour);
	day = binary ? r.day : from_bcd(r.day);
	month = binary ? r.month : from_bcd(r.month);
	year = binary ? r.year : from_bcd(r.year);
	century = binary ? r.century : from_bcd(r.century);
	if (!(how & B_24_HOURS))
		hour = hour % 12 + (pm ? 12 : 0);
	if (century < 19 || century > 21) /* nobody keeps it */
		century = 20;
	year += century * 100;
	if (second > 60 || minute > 59 || hour > 23 || day < 1 || day > 31 || month < 1 ||
	    month > 12)
		return 0;
	seconds = days(year, month, day) * 86400 + hour * 3600u + minute * 60u + second;
	/* QEMU keeps how far its clock is from the host's in 32 bits: a date 68 years ahead comes out
	 * 2^32 seconds too early, which is before 1970 as long as it is one before 2106. */
	if (seconds < 0)
		seconds += INT64_C(1) << 32;
	return seconds < 0 ? 0 : (uint64_t)seconds;
}
