#include "base/html.h"
#include "base/mem.h"
#include "tests/tap.h"

static void becomes(const char *s, size_t n, const char *want)
{
    struct buf b = BUF_INIT(1000);
    struct err err;

    is_int(html_add(&b, s, n, &err), 0);
    is_str(b.p != NULL ? b.p : "", want);
    buf_release(&b);
}

TEST(text_of_html)
{
    becomes("", 0, "");
    becomes("a<b> & \"c\" 'd'", 14, "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
    becomes("Nováková\n\tx", 13, "Nováková\n\tx");
    becomes("\x1b[31m\0z\xff\xfe", 9, "\\x1b[31m\\x00z\\xff\\xfe");
    becomes("\xe2\x80\xae"
            "evil",
            7, "\\xe2\\x80\\xaeevil"); /* what turns the direction */
}

TEST(a_full_buffer_is_an_error)
{
    struct buf b = BUF_INIT(4);
    struct err err;

    is_int(html_adds(&b, "<", &err), 0);
    ok(html_adds(&b, "&", &err) < 0);
    is_int(html_adds(&b, NULL, &err), 0);
    buf_release(&b);
}
