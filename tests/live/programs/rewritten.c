/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Functions of a TLS library's names that compute a value known in advance. In VERSION 2 they are
 * elsewhere, and what was the first instruction of VERSION 1 is in the middle of a constant. Says
 * whether the values are right; with an argument again after each line of input.
 */
#include <stdio.h>
#include <unistd.h>

#define EXPECTED 0x1122334455667788ul

unsigned long SSL_read(void *object, void *buffer, int length);
unsigned long SSL_write(void *object, const void *buffer, int length);

#define CONSTANT "movabs $0x1122334455667788, %rax\n"
#if VERSION == 1
#define BODY "push %rbx\n" CONSTANT "pop %rbx\nret\n"
#define SPACE ""
#else
/* 60 bytes on: the constant lies across the next multiple of 64, where VERSION 1 began. */
#define BODY CONSTANT "ret\n"
#define SPACE ".skip 60, 0x90\n"
#endif
#define FUNCTION(name)                                                                             \
	".globl " name "\n.type " name ", @function\n.p2align 6\n" SPACE name ":\n" BODY           \
	".size " name ", .-" name "\n"

__asm__(".section .text.aaa, \"ax\"\n" FUNCTION("SSL_read") FUNCTION("SSL_write") ".previous\n");

static int say(void)
{
	static char buffer[16];
	unsigned long got = 0;
	unsigned long put = 0;
	for (int i = 0; i < 3; i++) {
		got = SSL_read((void *)64, buffer, 1);
		put = SSL_write((void *)64, buffer, 1);
	}
	int right = got == EXPECTED && put == EXPECTED;
	printf("%d %s %lx %lx\n", VERSION, right ? "right" : "WRONG", got, put);
	fflush(stdout);
	return right;
}

int main(int argc, char **argv)
{
	(void)argv;
	char line[16];
	int right = say();
	while (argc > 1 && read(0, line, sizeof line) > 1)
		right &= say();
	return right ? 0 : 1;
}
