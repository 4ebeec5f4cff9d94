// In:    a buffer of heads.
// Out:   picohttpparser's answers: spans of the method, the request-target, and each name and value.
// Never: reads Host, Connection or a body's framing, and names no field; nor does picohttpparser.

#include "loop.h"
#include "picohttpparser.h"

static struct phr_header lines[FIELD_LINES];

uint64_t read_heads(const char *at, size_t length) {
  const char *end = at + length;
  uint64_t sum = 0;
  while (at < end) {
    const char *method, *target;
    size_t method_length, target_length, count = FIELD_LINES;
    int minor;
    int size = phr_parse_request(at, end - at, &method, &method_length, &target, &target_length, &minor, lines, &count, 0);
    if (size <= 0) break;
    sum += size + count;
    at += size;
    if (!rehearsing) continue;
    tell_request(method, method_length, target, target_length, 10 + minor);
    for (size_t i = 0; i < count; i++) {
      tell_span(lines[i].name, lines[i].name_len);
      tell_span(lines[i].value, lines[i].value_len);
    }
    tell_end();
  }
  return sum;
}
