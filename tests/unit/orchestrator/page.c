/* The building blocks of the dashboard's pages. */
#include "orchestrator/page.h"
#include "tests/tap.h"

static struct err err;
static struct buf b = BUF_INIT(100000);

static struct page page_of(void)
{
    buf_release(&b);
    return (struct page){.b = &b, .err = &err, .now_ms = 1654430400000}; /* 2022-06-05T12:00:00Z */
}

static const char *escaped(const char *p, size_t n)
{
    struct page k = page_of();

    page_bytes(&k, p, n);
    return b.p;
}

static const char *url(const char *s)
{
    struct page k = page_of();

    page_url(&k, s);
    return b.p;
}

static const char *badge(const char *word)
{
    struct page k = page_of();

    page_badge(&k, word);
    return b.p;
}

static const char *when(int64_t ms)
{
    struct page k = page_of();

    page_time(&k, ms);
    return b.p;
}

TEST(markup_is_escaped_in_texts_and_attributes)
{
    is_str(escaped("a<b>&\"c'", 8), "a&lt;b&gt;&amp;&quot;c&#39;");
}

TEST(what_is_no_text_is_written_out)
{
    is_str(escaped("x\0y\x1b[m", 6), "x\\x00y\\x1b[m");
    is_str(escaped("ok \xff\xc3\x28", 6), "ok \\xff\\xc3(");
    is_str(escaped("\xe2\x80\xae"
                   "evil",
                   7),
           "\\xe2\\x80\\xaeevil");
}

TEST(letters_of_any_language_stay)
{
    is_str(escaped("Nov\xc3\xa1k \xe2\x89\xa0", 10), "Nov\xc3\xa1k \xe2\x89\xa0");
}

TEST(a_part_of_an_address_is_encoded_whole)
{
    is_str(url("a/b?c=d&e \"<\xc3\xa9"), "a%2Fb%3Fc%3Dd%26e%20%22%3C%C3%A9");
    is_str(url("2022-06-05T12"), "2022-06-05T12");
}

TEST(numbers_as_people_read_them)
{
    char out[PAGE_NUMBER];

    is_str(page_short(999, out), "999");
    is_str(page_short(1234, out), "1.2k");
    is_str(page_short(999499, out), "999k");
    is_str(page_short(999999, out), "1.0M");
    is_str(page_size(512, out), "512 bytes");
    is_str(page_size(12700000, out), "12.1 MiB");
    is_str(page_span(40000, out), "40 s");
    is_str(page_span(3600000, out), "60 min");
    is_str(page_span(7200000, out), "2 h");
    is_str(page_span(INT64_C(86400000) * 12, out), "12 d");
}

TEST(the_first_failure_sticks)
{
    struct buf small = BUF_INIT(10);
    struct page k = {.b = &small, .err = &err};

    page_put(&k, "0123456789");
    is_int(k.rc, 0);
    page_text(&k, "abc");
    is_int(-k.rc, ERR_TOO_LARGE);
    page_put(&k, "");
    is_int(-k.rc, ERR_TOO_LARGE);
    buf_release(&small);
}

TEST(no_two_states_look_alike)
{
    for (enum view_state s = 0; s < VIEW_STATES; s++)
        for (enum view_state t = 0; t < s; t++)
            ok(strcmp(page_glyph(s), page_glyph(t)) != 0 && strcmp(page_word(s), page_word(t)) != 0);
}

TEST(each_sign_stands_beside_its_word)
{
    is_str(badge("TIMED_OUT"), "<span class=\"st bad\"><span aria-hidden=\"true\">✖</span> timed out</span>");
    is_str(badge("LATE"), "<span class=\"st late\"><span aria-hidden=\"true\">▲</span> late</span>");
    is_str(badge("<NEW>"), "<span class=\"st calm\"><span aria-hidden=\"true\">·</span> &lt;new&gt;</span>");
}

TEST(times_have_their_year_where_it_is_another)
{
    is_str(when(1654430400000), "<time datetime=\"2022-06-05T12:00:00Z\">05 Jun 12:00</time>");
    is_str(when(1600000000000), "<time datetime=\"2020-09-13T12:26:40Z\">13 Sep 2020 12:26</time>");
    is_str(when(0), "–");
    buf_release(&b);
}
