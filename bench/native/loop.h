// In:    nothing.
// Out:   what the loop asks of a parser, and what a parser reports in a rehearsal.
// Never: knows a parser.

#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any input has. */
#define FIELD_LINES 128

/* True while the answers of a head are to be told, and false while the clock runs. */
extern bool rehearsing;

/* Reads all heads of a buffer; returns the octets read and the field lines found in them, added up. */
uint64_t read_heads(const char *at, size_t length);

/* One head's answers: tell_request, tell_span for each name and each value, tell_end. */
void tell_request(const char *method, size_t method_length, const char *target, size_t target_length, int version);
void tell_span(const char *at, size_t length);
void tell_end(void);

#endif
