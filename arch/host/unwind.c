/*
 * Walks from an interrupted function of a library up to the program, by the tables with which
 * compilers describe every function's frame (.eh_frame: Linux Standard Base, "Exception Frames";
 * DWARF 5, 2.5 and 6.4). The walk runs in a handler that may have interrupted anything: so it calls
 * nothing that locks or that a sanitizer replaces, and reads no memory but the tables and the
 * coroutine's stack. Whatever it does not understand means that the way is not known.
 */
#include "host.h"

#include <dlfcn.h>

enum {
	REG_FP = 6,
	REG_SP = 7,
	REG_PC = 16,
	REGISTERS = 17
}; /* DWARF's numbers (System V ABI, AMD64) */
enum { MAX_FRAMES = 128, MAX_REMEMBERED = 8, MAX_OPERANDS = 16 };

/* How tables encode pointers. */
enum { PTR_NATIVE = 0x00, PTR_U4 = 0x03, PTR_U8 = 0x04, PTR_S4 = 0x0b, PTR_S8 = 0x0c };
enum { PTR_FORM = 0x0f, PTR_RELATIVE = 0x10, PTR_TABLE_S4 = 0x3b, PTR_INDIRECT = 0x80 };

/* Where a caller's register is. */
enum rule { SAME, UNDEFINED, AT_OFFSET, IS_OFFSET, IN_REGISTER, AT_EXPRESSION, IS_EXPRESSION };

/* What holds at one instruction of a function. */
struct row {
	enum rule rule[REGISTERS];
	intptr_t value[REGISTERS]; /* offset from the CFA, register, or where the expression is */
	unsigned cfa_register;
	intptr_t cfa_offset;
	const uint8_t *cfa_expression; /* NULL: register and offset */
};

struct walk {
	uintptr_t reg[REGISTERS];
	uintptr_t low, high; /* what may be read of the stack */
	bool lost;           /* something was not understood */
};

/* What is being read of a table. */
struct reader {
	struct walk *walk;
	const uint8_t *at, *end;
};

static uint64_t read_bytes(struct reader *r, unsigned n)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < n) {
		r->walk->lost = true;
		r->at = r->end;
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		value |= (uint64_t)*r->at++ << 8 * i;
	return value;
}

/* LEB128; in the signed form the top bit of the last byte is the sign. */
static uint64_t read_leb(struct reader *r, bool is_signed)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)read_bytes(r, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && byte & 0x40)
		value |= -(UINT64_C(1) << shift);
	return value;
}

static uintptr_t read_unsigned(struct reader *r)
{
	return read_leb(r, false);
}

static intptr_t read_signed(struct reader *r)
{
	return (intptr_t)read_leb(r, true);
}

static uintptr_t read_pointer(struct reader *r, uint8_t encoding)
{
	uintptr_t from = encoding & PTR_RELATIVE ? (uintptr_t)r->at : 0;

	switch (encoding & PTR_FORM) {
	case PTR_U4:
		return from + read_bytes(r, 4);
	case PTR_S4:
		return from + (uintptr_t)(intptr_t)(int32_t)read_bytes(r, 4);
	case PTR_NATIVE:
	case PTR_U8:
	case PTR_S8:
		return from + read_bytes(r, 8);
	default:
		r->walk->lost = true;
		return 0;
	}
}

static uintptr_t *stack_word(struct walk *w, uintptr_t addr)
{
	static uintptr_t none;

	if (addr % sizeof addr == 0 && addr >= w->low && addr < w->high)
		return (uintptr_t *)addr;
	w->lost = true;
	return &none;
}

/* ---- Expressions (DWARF 5, 2.5.1, 7.7.1): what linkers write for the stubs that they make ---- */

struct operands {
	uintptr_t word[MAX_OPERANDS];
	unsigned count;
};

static void push(struct walk *w, struct operands *s, uintptr_t word)
{
	if (s->count < MAX_OPERANDS)
		s->word[s->count++] = word;
	else
		w->lost = true;
}

static uintptr_t pop(struct walk *w, struct operands *s)
{
	if (s->count)
		return s->word[--s->count];
	w->lost = true;
	return 0;
}

static void binary(struct walk *w, struct operands *s, uint8_t op)
{
	uintptr_t b = pop(w, s), a = pop(w, s);

	switch (op) {
	case 0x1a: /* DW_OP_and */
		push(w, s, a & b);
		break;
	case 0x1c: /* DW_OP_minus */
		push(w, s, a - b);
		break;
	case 0x21: /* DW_OP_or */
		push(w, s, a | b);
		break;
	case 0x22: /* DW_OP_plus */
		push(w, s, a + b);
		break;
	case 0x24: /* DW_OP_shl */
		push(w, s, b < 64 ? a << b : 0);
		break;
	case 0x2a: /* DW_OP_ge */
		push(w, s, (intptr_t)a >= (intptr_t)b);
		break;
	default:
		w->lost = true;
	}
}

static void operation(struct reader *r, struct operands *s)
{
	struct walk *w = r->walk;
	uint8_t op = (uint8_t)read_bytes(r, 1);

	if (op >= 0x30 && op <= 0x4f) { /* DW_OP_lit0 ... 31 */
		push(w, s, op - 0x30u);
	} else if (op >= 0x70 && op <= 0x80) { /* DW_OP_breg0 ... 16 */
		push(w, s, w->reg[op - 0x70] + (uintptr_t)read_signed(r));
	} else if (op == 0x06) { /* DW_OP_deref */
		push(w, s, *stack_word(w, pop(w, s)));
	} else if (op == 0x08) { /* DW_OP_const1u */
		push(w, s, read_bytes(r, 1));
	} else if (op == 0x0a) { /* DW_OP_const2u */
		push(w, s, read_bytes(r, 2));
	} else if (op == 0x10) { /* DW_OP_constu */
		push(w, s, read_unsigned(r));
	} else if (op == 0x11) { /* DW_OP_consts */
		push(w, s, (uintptr_t)read_signed(r));
	} else if (op == 0x23) { /* DW_OP_plus_uconst */
		push(w, s, pop(w, s) + read_unsigned(r));
	} else {
		binary(w, s, op);
	}
}

/* expression: its length, then itself. */
static uintptr_t evaluate(struct walk *w, const uint8_t *expression, const uintptr_t *first)
{
	struct reader r = {w, expression, expression + 16};
	size_t size = read_unsigned(&r);
	struct operands s;

	s.count = 0;
	if (first)
		push(w, &s, *first);
	r.end = r.at + size;
	while (r.at < r.end && !w->lost)
		operation(&r, &s);
	return pop(w, &s);
}

/* ---- The instructions of a table (DWARF 5, 6.4.2, 7.24) ---- */

struct program {
	struct row row, initial;
	struct row remembered[MAX_REMEMBERED];
	unsigned depth;
	uintptr_t at; /* the instruction that row is for */
	uintptr_t code_unit;
	intptr_t data_unit;
	uint8_t encoding;
	bool is_signal; /* its return address is where it was interrupted, not behind a call */
};

static void set(struct walk *w, struct row *row, uintptr_t reg, enum rule rule, intptr_t value)
{
	if (reg >= REGISTERS)
		return; /* a vector register */
	if (rule == IN_REGISTER && (uintptr_t)value >= REGISTERS)
		w->lost = true;
	row->rule[reg] = rule;
	row->value[reg] = value;
}

static void restore(struct walk *w, struct program *p, uintptr_t reg)
{
	if (reg < REGISTERS)
		set(w, &p->row, reg, p->initial.rule[reg], p->initial.value[reg]);
}

static const uint8_t *read_expression(struct reader *r)
{
	const uint8_t *expression = r->at;
	size_t size = read_unsigned(r);

	if (size > (size_t)(r->end - r->at))
		r->walk->lost = true;
	else
		r->at += size;
	return expression;
}

static void cfa_is(struct row *row, uintptr_t reg, intptr_t offset)
{
	row->cfa_register = (unsigned)reg;
	row->cfa_offset = offset;
	row->cfa_expression = NULL;
}

static void remember(struct walk *w, struct program *p)
{
	if (p->depth < MAX_REMEMBERED)
		p->remembered[p->depth++] = p->row;
	else
		w->lost = true;
}

static void recall(struct walk *w, struct program *p)
{
	if (p->depth)
		p->row = p->remembered[--p->depth];
	else
		w->lost = true;
}

static void extended(struct reader *r, struct program *p, uint8_t op)
{
	struct walk *w = r->walk;
	struct row *row = &p->row;
	uintptr_t reg;

	switch (op) {
	case 0x00: /* DW_CFA_nop */
		break;
	case 0x02: /* DW_CFA_advance_loc1 */
		p->at += read_bytes(r, 1) * p->code_unit;
		break;
	case 0x03: /* DW_CFA_advance_loc2 */
		p->at += read_bytes(r, 2) * p->code_unit;
		break;
	case 0x04: /* DW_CFA_advance_loc4 */
		p->at += read_bytes(r, 4) * p->code_unit;
		break;
	case 0x05: /* DW_CFA_offset_extended */
		reg = read_unsigned(r);
		set(w, row, reg, AT_OFFSET, (intptr_t)read_unsigned(r) * p->data_unit);
		break;
	case 0x06: /* DW_CFA_restore_extended */
		restore(w, p, read_unsigned(r));
		break;
	case 0x07: /* DW_CFA_undefined */
		set(w, row, read_unsigned(r), UNDEFINED, 0);
		break;
	case 0x08: /* DW_CFA_same_value */
		set(w, row, read_unsigned(r), SAME, 0);
		break;
	case 0x09: /* DW_CFA_register */
		reg = read_unsigned(r);
		set(w, row, reg, IN_REGISTER, (intptr_t)read_unsigned(r));
		break;
	case 0x0a: /* DW_CFA_remember_state */
		remember(w, p);
		break;
	case 0x0b: /* DW_CFA_restore_state */
		recall(w, p);
		break;
	case 0x0c: /* DW_CFA_def_cfa */
		reg = read_unsigned(r);
		cfa_is(row, reg, (intptr_t)read_unsigned(r));
		break;
	case 0x0d: /* DW_CFA_def_cfa_register */
		cfa_is(row, read_unsigned(r), row->cfa_offset);
		break;
	case 0x0e: /* DW_CFA_def_cfa_offset */
		cfa_is(row, row->cfa_register, (intptr_t)read_unsigned(r));
		break;
	case 0x0f: /* DW_CFA_def_cfa_expression */
		row->cfa_expression = read_expression(r);
		break;
	case 0x10: /* DW_CFA_expression */
		reg = read_unsigned(r);
		set(w, row, reg, AT_EXPRESSION, (intptr_t)read_expression(r));
		break;
	case 0x11: /* DW_CFA_offset_extended_sf */
		reg = read_unsigned(r);
		set(w, row, reg, AT_OFFSET, read_signed(r) * p->data_unit);
		break;
	case 0x12: /* DW_CFA_def_cfa_sf */
		reg = read_unsigned(r);
		cfa_is(row, reg, read_signed(r) * p->data_unit);
		break;
	case 0x13: /* DW_CFA_def_cfa_offset_sf */
		cfa_is(row, row->cfa_register, read_signed(r) * p->data_unit);
		break;
	case 0x14: /* DW_CFA_val_offset */
		reg = read_unsigned(r);
		set(w, row, reg, IS_OFFSET, (intptr_t)read_unsigned(r) * p->data_unit);
		break;
	case 0x16: /* DW_CFA_val_expression */
		reg = read_unsigned(r);
		set(w, row, reg, IS_EXPRESSION, (intptr_t)read_expression(r));
		break;
	case 0x2e: /* DW_CFA_GNU_args_size */
		read_unsigned(r);
		break;
	default:
		w->lost = true;
	}
}

/* Until the row holds at pc. */
static void run(struct reader *r, struct program *p, uintptr_t pc)
{
	while (r->at < r->end && !r->walk->lost) {
		uint8_t op = (uint8_t)read_bytes(r, 1);
		uintptr_t low = op & 0x3f;

		switch (op >> 6) {
		case 1: /* DW_CFA_advance_loc */
			p->at += low * p->code_unit;
			break;
		case 2: /* DW_CFA_offset */
			set(r->walk, &p->row, low, AT_OFFSET,
			    (intptr_t)read_unsigned(r) * p->data_unit);
			break;
		case 3: /* DW_CFA_restore */
			restore(r->walk, p, low);
			break;
		default:
			extended(r, p, op);
		}
		if (p->at > pc) /* the instruction only moved on */
			return;
	}
}

/* ---- Finding a function's table ---- */

struct function {
	const uint8_t *cie, *fde; /* behind their lengths */
	const uint8_t *cie_end, *fde_end;
};

/* A record's length; the reader's end becomes the record's. */
static void enter_record(struct reader *r)
{
	uint32_t length;

	r->end = r->at + sizeof length;
	length = (uint32_t)read_bytes(r, sizeof length);
	if (!length || length >= 0xfffffff0) /* the end; a 64-bit length */
		r->walk->lost = true;
	else
		r->end = r->at + length;
}

/* By the sorted table in .eh_frame_hdr; of each function its first address and its record, both
 * relative to the header. NULL: none, or not in this form. */
static const uint8_t *find_record(uintptr_t pc)
{
	struct dl_find_object object;
	const uint8_t *header;
	size_t low = 0, high;
	int64_t want;

	if (_dl_find_object((void *)pc, &object) || !object.dlfo_eh_frame) /* takes no lock */
		return NULL;
	header = object.dlfo_eh_frame;
	if (header[0] != 1 || header[1] != (PTR_RELATIVE | PTR_S4) || header[2] != PTR_U4 ||
	    header[3] != PTR_TABLE_S4)
		return NULL;

	const int32_t(*table)[2] = (const void *)(header + 12);

	high = *(const uint32_t *)(header + 8);
	want = (int64_t)(pc - (uintptr_t)header);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table[middle][0] <= want)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? header + table[low - 1][1] : NULL;
}

/* Of a CIE: what is common to functions. Leaves the reader at its instructions. */
static void read_common(struct reader *r, struct program *p)
{
	const char *augmentation;
	const uint8_t *behind;
	unsigned version;

	read_bytes(r, 4);
	version = (unsigned)read_bytes(r, 1);
	augmentation = (const char *)r->at;
	while (read_bytes(r, 1))
		;
	if (augmentation[0] != 'z')
		r->walk->lost = true;
	p->code_unit = read_unsigned(r);
	p->data_unit = read_signed(r);
	if ((version == 1 ? read_bytes(r, 1) : read_unsigned(r)) != REG_PC)
		r->walk->lost = true;
	behind = r->at;
	behind += read_unsigned(r) + (size_t)(r->at - behind);
	for (const char *c = augmentation + 1; *c && !r->walk->lost; c++) {
		if (*c == 'R')
			p->encoding = (uint8_t)read_bytes(r, 1);
		else if (*c == 'L')
			read_bytes(r, 1);
		else if (*c == 'P')
			read_pointer(r, (uint8_t)read_bytes(r, 1) & ~PTR_INDIRECT);
		else if (*c == 'S')
			p->is_signal = true;
		else
			r->walk->lost = true;
	}
	if (behind > r->end)
		r->walk->lost = true;
	else
		r->at = behind;
}

/* The row that holds at pc. */
static void find_row(struct walk *w, struct program *p, uintptr_t pc)
{
	const uint8_t *record = find_record(pc);
	struct reader fde = {w, record, record}, cie;

	if (!record) {
		w->lost = true;
		return;
	}
	enter_record(&fde);
	cie = fde;
	cie.at -= read_bytes(&fde, 4); /* how far before this word */
	enter_record(&cie);
	read_common(&cie, p);
	if (w->lost)
		return;

	uintptr_t first = read_pointer(&fde, p->encoding);
	uintptr_t size = read_pointer(&fde, p->encoding & PTR_FORM);
	size_t skip = read_unsigned(&fde);

	if (pc - first >= size || skip > (size_t)(fde.end - fde.at)) {
		w->lost = true;
		return;
	}
	fde.at += skip;
	run(&cie, p, UINTPTR_MAX);
	p->initial = p->row;
	p->at = first;
	run(&fde, p, pc);
}

/* ---- Walking ---- */

static uintptr_t caller_register(struct walk *w, const struct row *row, unsigned i, uintptr_t cfa)
{
	intptr_t value = row->value[i];

	switch (row->rule[i]) {
	case SAME:
		return w->reg[i];
	case AT_OFFSET:
		return *stack_word(w, cfa + (uintptr_t)value);
	case IS_OFFSET:
		return cfa + (uintptr_t)value;
	case IN_REGISTER:
		return w->reg[value];
	case AT_EXPRESSION:
		return *stack_word(w, evaluate(w, (const uint8_t *)value, &cfa));
	case IS_EXPRESSION:
		return evaluate(w, (const uint8_t *)value, &cfa);
	default:
		return 0;
	}
}

/* To the caller; its return address is in the word below *cfa. */
static void step(struct walk *w, struct program *p, uintptr_t *cfa)
{
	const struct row *row = &p->row;
	uintptr_t caller[REGISTERS];

	if (row->cfa_expression)
		*cfa = evaluate(w, row->cfa_expression, NULL);
	else if (row->cfa_register < REGISTERS)
		*cfa = w->reg[row->cfa_register] + (uintptr_t)row->cfa_offset;
	else
		w->lost = true;
	/* Anything else is no ordinary call. Callers' frames are higher up. */
	if (w->lost || row->rule[REG_PC] != AT_OFFSET ||
	    row->value[REG_PC] != -(intptr_t)sizeof(uintptr_t) || *cfa <= w->reg[REG_SP]) {
		w->lost = true;
		return;
	}
	for (unsigned i = 0; i < REGISTERS; i++)
		caller[i] = caller_register(w, row, i, *cfa);
	caller[REG_SP] = *cfa;
	for (unsigned i = 0; i < REGISTERS; i++)
		w->reg[i] = caller[i];
	w->low = *cfa;
}

static void begin(struct walk *w, const struct arch_regs *regs, uintptr_t high)
{
	static const int order[REGISTERS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
					     REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
					     REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	for (unsigned i = 0; i < REGISTERS; i++)
		w->reg[i] = (uintptr_t)regs->uc.uc_mcontext.gregs[order[i]];
	w->low = w->reg[REG_SP];
	w->high = high;
	w->lost = false;
}

uintptr_t *host_way_out(const struct arch_regs *regs, uintptr_t stack_top, uintptr_t *fp)
{
	struct walk w;
	bool interrupted = true;

	begin(&w, regs, stack_top);
	for (int i = 0; i < MAX_FRAMES; i++) {
		struct program p = {0};
		uintptr_t cfa = 0;

		/* A return address may be the next function's first. */
		find_row(&w, &p, w.reg[REG_PC] - !interrupted);
		if (!w.lost)
			step(&w, &p, &cfa);
		if (w.lost)
			return NULL;
		if (host_in_program(w.reg[REG_PC])) {
			*fp = w.reg[REG_FP];
			return (uintptr_t *)cfa - 1;
		}
		interrupted = p.is_signal;
	}
	return NULL;
}
