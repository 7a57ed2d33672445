/*
 * The body of a request: as long as Content-Length said, or in chunks (9112 7.1). Extensions of chunks
 * and trailer fields are read, and mean nothing here: no field of a trailer counts as one of the
 * head.
 */
#include "httpd.h"

static bool is_text(char c)
{
	return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

/* As much of the body's data as there is. */
static size_t take_data(struct connection *c, const char *data, size_t n)
{
	if (n > c->left)
		n = (size_t)c->left;
	c->crc = crc32(c->crc, data, n);
	c->body += n;
	c->left -= n;
	if (!c->left)
		c->part = c->part == PART_LENGTH ? PART_DONE : PART_CHUNK_CR;
	return n;
}

static bool add_digit(struct connection *c, char byte)
{
	int digit = hex_digit(byte);

	if (digit < 0)
		return false;
	c->left = c->left << 4 | (unsigned)digit;
	if (c->left + c->body > (size_t)config.body_bytes)
		request_refuse(c, 413);
	return true;
}

/* The part after the one that ends with this byte, which is none of data. PART_HEAD: there is none. */
static enum part next_part(struct connection *c, char byte)
{
	switch (c->part) {
	case PART_SIZE:
		c->left = 0;
		return add_digit(c, byte) ? PART_SIZE_MORE : PART_HEAD;
	case PART_SIZE_MORE:
		if (add_digit(c, byte))
			return PART_SIZE_MORE;
		/* fallthrough */
	case PART_SIZE_BLANK:
		return byte == ' ' || byte == '\t' ? PART_SIZE_BLANK
		       : byte == ';'               ? PART_EXTENSION
		       : byte == '\r'              ? PART_SIZE_LF
						   : PART_HEAD;
	case PART_EXTENSION:
		return byte == '\r' ? PART_SIZE_LF : is_text(byte) ? PART_EXTENSION : PART_HEAD;
	case PART_SIZE_LF:
		return byte != '\n' ? PART_HEAD : c->left ? PART_CHUNK : PART_TRAILER;
	case PART_CHUNK_CR:
		return byte == '\r' ? PART_CHUNK_LF : PART_HEAD;
	case PART_CHUNK_LF:
		return byte == '\n' ? PART_SIZE : PART_HEAD;
	case PART_TRAILER:
		return byte == '\r'          ? PART_LAST_LF
		       : is_token_char(byte) ? PART_TRAILER_NAME
					     : PART_HEAD;
	case PART_TRAILER_NAME:
		return byte == ':'           ? PART_TRAILER_VALUE
		       : is_token_char(byte) ? PART_TRAILER_NAME
					     : PART_HEAD;
	case PART_TRAILER_VALUE:
		return byte == '\r'    ? PART_TRAILER_LF
		       : is_text(byte) ? PART_TRAILER_VALUE
				       : PART_HEAD;
	case PART_TRAILER_LF:
		return byte == '\n' ? PART_TRAILER : PART_HEAD;
	case PART_LAST_LF:
		return byte == '\n' ? PART_DONE : PART_HEAD;
	default:
		return PART_HEAD;
	}
}

size_t body_take(struct connection *c, const char *data, size_t n)
{
	size_t taken = 0;

	while (taken < n && c->part != PART_DONE && !c->error) {
		if (c->part == PART_LENGTH || c->part == PART_CHUNK) {
			taken += take_data(c, data + taken, n - taken);
			continue;
		}
		c->part = next_part(c, data[taken++]);
		if (c->part == PART_HEAD)
			request_refuse(c, 400);
	}
	return taken;
}
