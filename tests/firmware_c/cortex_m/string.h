/* What the core uses of the C library, for compilers that come without one. */
#ifndef STANDIN_STRING_H
#define STANDIN_STRING_H
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif
