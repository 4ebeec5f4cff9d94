// In:    a buffer of heads.
// Out:   llhttp's answers: the spans that its callbacks get, kept as picohttpparser keeps its own.
// Never: reads Host; llhttp does read Connection, Upgrade and a body's framing.

#include "llhttp.h"

#include "loop.h"

struct span {
  const char *at;
  size_t length;
};

static struct span method, target;
/* Names and values in turn. */
static struct span lines[2 * FIELD_LINES];
static size_t count;
static uint64_t found;

static int on_method(llhttp_t *parser, const char *at, size_t length) {
  method = (struct span){at, length};
  return 0;
}

static int on_target(llhttp_t *parser, const char *at, size_t length) {
  target = (struct span){at, length};
  return 0;
}

static int on_line(llhttp_t *parser, const char *at, size_t length) {
  lines[count++] = (struct span){at, length};
  return 0;
}

static int on_complete(llhttp_t *parser) {
  found += count / 2;
  if (rehearsing) {
    tell_request(method.at, method.length, target.at, target.length, parser->http_major * 10 + parser->http_minor);
    for (size_t i = 0; i < count; i++) tell_span(lines[i].at, lines[i].length);
    tell_end();
  }
  count = 0;
  return 0;
}

uint64_t read_heads(const char *at, size_t length) {
  static llhttp_settings_t settings;
  static llhttp_t parser;
  if (settings.on_url == NULL) {
    llhttp_settings_init(&settings);
    settings.on_method = on_method;
    settings.on_url = on_target;
    settings.on_header_field = on_line;
    settings.on_header_value = on_line;
    settings.on_headers_complete = on_complete;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
  }
  found = 0;
  llhttp_errno_t status = llhttp_execute(&parser, at, length);
  if (status == HPE_OK) return length + found;
  // After an upgrade or an error the parser must be reset; after an upgrade all octets of the head were read.
  count = 0;
  llhttp_reset(&parser);
  return status == HPE_PAUSED_UPGRADE ? length + found : 0;
}
