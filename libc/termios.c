/* <termios.h>: the settings of the console, where that is a terminal. */
#include <errno.h>
#include <string.h>
#include <termios.h>

#include "drivers/console.h"
#include "libc/file.h"

static int termios_fail(int error)
{
	errno = error;
	return -1;
}

/* 0 where fd is the terminal. */
static int check_terminal(int fd)
{
	int result = file_is_terminal(fd);

	return result < 0 ? termios_fail(-result) : 0;
}

int tcgetattr(int fd, struct termios *settings)
{
	if (check_terminal(fd) < 0)
		return -1;
	console_settings(settings);
	return 0;
}

int tcsetattr(int fd, int when, const struct termios *settings)
{
	if (check_terminal(fd) < 0)
		return -1;
	if (when != TCSANOW && when != TCSADRAIN && when != TCSAFLUSH)
		return termios_fail(EINVAL);
	if (when != TCSANOW)
		console_drain();
	console_set(settings, when == TCSAFLUSH);
	return 0;
}

int tcflush(int fd, int what)
{
	if (check_terminal(fd) < 0)
		return -1;
	if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
		return termios_fail(EINVAL);
	if (what != TCOFLUSH)
		console_forget_input();
	return 0;
}

int tcdrain(int fd)
{
	if (check_terminal(fd) < 0)
		return -1;
	console_drain();
	return 0;
}

/* The line is never stopped, nor broken. */

int tcflow(int fd, int what)
{
	if (check_terminal(fd) < 0)
		return -1;
	return what >= TCOOFF && what <= TCION ? 0 : termios_fail(EINVAL);
}

int tcsendbreak(int fd, int duration)
{
	(void)duration;
	return check_terminal(fd);
}

void cfmakeraw(struct termios *settings)
{
	settings->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL |
					 IXON);
	settings->c_oflag &= ~(tcflag_t)OPOST;
	settings->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	settings->c_cflag = (settings->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
	settings->c_cc[VMIN] = 1;
	settings->c_cc[VTIME] = 0;
}

speed_t cfgetispeed(const struct termios *settings)
{
	return settings->c_ispeed;
}

speed_t cfgetospeed(const struct termios *settings)
{
	return settings->c_ospeed;
}

int cfsetispeed(struct termios *settings, speed_t speed)
{
	settings->c_ispeed = speed;
	return 0;
}

int cfsetospeed(struct termios *settings, speed_t speed)
{
	settings->c_ospeed = speed;
	return 0;
}

int cfsetspeed(struct termios *settings, speed_t speed)
{
	settings->c_ispeed = settings->c_ospeed = speed;
	return 0;
}
