/* SPDX-License-Identifier: Apache-2.0 */
#include "http_vectors.h"

static struct trace whole, other;

/* Larger than any response here. */
#define WIDE 65536u

static struct feed feed_of(const struct vector *v)
{
    return (struct feed){
        .method = v->method, .in = v->in, .end = v->end, .window = WIDE, .takes = UINT32_MAX};
}

static void expect(const struct feed *f, const char *said)
{
    feed(f, &other);
    if (strcmp(other.text, said) != 0)
        fail_msg("window %u, portions %u, first %u, takes %u:\n%.*s\nsaid  %s\nnot   %s",
                 (unsigned)f->window, (unsigned)f->portion, (unsigned)f->first, (unsigned)f->takes,
                 f->in.len < 2000 ? (int)f->in.len : 2000, (const char *)f->in.ptr, other.text,
                 said);
}

/* The longest line of a response, its end included, or what a status line needs. */
static uint32_t longest_line(struct iot_bytes in)
{
    uint32_t most = 13, from = 0;

    for (uint32_t i = 0; i < in.len; i++) {
        if (in.ptr[i] == '\n')
            from = i + 1;
        if (i + 1 - from > most)
            most = i + 1 - from;
    }
    return most;
}

static void check_vectors(const struct vector *list, uint32_t count)
{
    for (const struct vector *v = list; v < list + count; v++) {
        struct feed f = feed_of(v);
        expect(&f, v->said);

        f.portion = 1;
        expect(&f, v->said);
        f.takes_single = true;
        expect(&f, v->said);
        f.portion = 0;
        expect(&f, v->said);
        f.takes_single = false;

        for (f.first = 1; f.first < v->in.len; f.first++)
            expect(&f, v->said);
        f.first = 0;
        for (f.window = longest_line(v->in); f.window <= v->in.len + 1; f.window++) {
            f.portion = 0;
            expect(&f, v->said);
            f.portion = 1;
            expect(&f, v->said);
        }
    }
}

static void every_split_of_status_lines_says_the_same(void **state)
{
    (void)state;
    check_vectors(status_lines, COUNT(status_lines));
}

static void every_split_of_header_lines_says_the_same(void **state)
{
    (void)state;
    check_vectors(header_lines, COUNT(header_lines));
}

static void every_split_of_lengths_says_the_same(void **state)
{
    (void)state;
    check_vectors(lengths, COUNT(lengths));
}

static void every_split_of_codings_says_the_same(void **state)
{
    (void)state;
    check_vectors(codings, COUNT(codings));
}

static void every_split_of_chunks_says_the_same(void **state)
{
    (void)state;
    check_vectors(chunks, COUNT(chunks));
}

static void connection_and_version_decide_whether_it_is_kept(void **state)
{
    (void)state;
    check_vectors(connections, COUNT(connections));
}

static void only_a_clean_end_ends_a_body_without_length(void **state)
{
    (void)state;
    check_vectors(until_close, COUNT(until_close));
}

static void every_split_of_ranges_says_the_same(void **state)
{
    (void)state;
    check_vectors(ranges, COUNT(ranges));
}

static void responses_without_body_have_none_whatever_they_say(void **state)
{
    (void)state;
    check_vectors(no_body, COUNT(no_body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_of_status_lines_says_the_same),
        cmocka_unit_test(every_split_of_header_lines_says_the_same),
        cmocka_unit_test(every_split_of_lengths_says_the_same),
        cmocka_unit_test(every_split_of_codings_says_the_same),
        cmocka_unit_test(every_split_of_chunks_says_the_same),
        cmocka_unit_test(connection_and_version_decide_whether_it_is_kept),
        cmocka_unit_test(only_a_clean_end_ends_a_body_without_length),
        cmocka_unit_test(every_split_of_ranges_says_the_same),
        cmocka_unit_test(responses_without_body_have_none_whatever_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
