/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_image.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static char room[PEER_IMAGE_MAX + 512];
static struct peer_rude_answer answer;

/* The value of a header line of the request, or NULL. */
static const char *line_of(const struct peer_image *s, const char *name)
{
    const char *at = strcasestr(s->rude.in, name);

    return at != NULL ? at + strlen(name) : NULL;
}

/* The range that is asked for, if it counts: "bytes=A-" or "bytes=A-B". */
static bool read_range(const struct peer_image *s, uint32_t *from, uint32_t *to)
{
    const char *range = line_of(s, "\r\nRange: bytes="), *if_range = line_of(s, "\r\nIf-Range: ");
    char *end;

    *from = 0;
    *to = s->bytes.len - 1;
    if (range == NULL || s->no_ranges)
        return false;
    if (if_range != NULL && (s->etag == NULL || strncmp(if_range, s->etag, strlen(s->etag)) != 0))
        return false;
    *from = (uint32_t)strtoul(range, &end, 10);
    if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
        uint32_t last = (uint32_t)strtoul(end + 1, NULL, 10);
        *to = last < *to ? last : *to;
    }
    return true;
}

static uint32_t write_head(const struct peer_image *s, const char *status, uint32_t length)
{
    return (uint32_t)snprintf(room, sizeof room, "HTTP/1.1 %s\r\n%s%s%sContent-Length: %u\r\n",
                              status, s->etag != NULL ? "ETag: " : "",
                              s->etag != NULL ? s->etag : "", s->etag != NULL ? "\r\n" : "",
                              length);
}

static uint32_t write_answer(const struct peer_image *s, bool head)
{
    uint32_t from, to, n;
    bool part = read_range(s, &from, &to);

    if (s->status != NULL || (head && s->no_head))
        return (uint32_t)snprintf(room, sizeof room, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
                                  s->status != NULL ? s->status : "405 Not Allowed");
    if (part && from >= s->bytes.len)
        return (uint32_t)snprintf(room, sizeof room,
                                  "HTTP/1.1 416 None\r\nContent-Range: bytes */%u\r\n"
                                  "Content-Length: 0\r\n\r\n",
                                  s->bytes.len);
    n = write_head(s, part ? "206 Part" : "200 OK", to + 1 - from);
    if (part)
        n += (uint32_t)snprintf(room + n, sizeof room - n, "Content-Range: bytes %u-%u/%u\r\n",
                                from, to, s->bytes.len);
    n += (uint32_t)snprintf(room + n, sizeof room - n, "\r\n");
    if (head)
        return n;
    memcpy(room + n, s->bytes.ptr + from, to + 1 - from);
    return n + to + 1 - from;
}

static void on_request(struct peer_rude *r)
{
    struct peer_image *s = (struct peer_image *)(void *)r;
    bool head = strncmp(r->in, "HEAD ", 5) == 0;
    uint32_t n = write_answer(s, head);

    answer = (struct peer_rude_answer){.text = {(const uint8_t *)room, n}};
    if (head || s->cuts == 0 || s->cut_at >= n)
        return;
    answer.text.len = s->cut_at;
    answer.end = s->how;
    s->cuts--;
    s->cuts_made++;
    if (s->cut != NULL)
        s->cut(s);
}

void peer_image_start(struct peer_image *s)
{
    memset(s, 0, sizeof *s);
    peer_rude_start(&s->rude);
    s->rude.asked = on_request;
}

void peer_image_stop(struct peer_image *s)
{
    peer_rude_stop(&s->rude);
}

void peer_image_says(struct peer_image *s, struct iot_bytes bytes, const char *etag)
{
    assert_in_range(bytes.len, 1, PEER_IMAGE_MAX);
    peer_rude_says(&s->rude, &answer, 1);
    s->rude.in[0] = '\0';
    s->bytes = bytes;
    s->etag = etag;
    s->no_head = s->no_ranges = false;
    s->status = NULL;
    s->cuts = s->cut_at = s->cuts_made = 0;
    s->how = RUDE_FIN;
    s->cut = NULL;
}
