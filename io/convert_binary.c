/* Bytes that a file holds as text: hexadecimal or Base64, for BINARY, BLOB and BIT columns. */
#include "base/mem.h"
#include "io/convert_int.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes that 2 digits each are; false: it is no such text. */
static bool from_hex(struct csv_field f, char *out, uint32_t *ret_n)
{
    if (f.n % 2 != 0)
        return false;
    for (uint32_t i = 0; i < f.n; i += 2) {
        int high = hex_digit(f.p[i]), low = hex_digit(f.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (char)(high << 4 | low);
    }
    *ret_n = f.n / 2;
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 with its padding, and no bits left over: one text for one value. */
static bool from_base64(struct csv_field f, char *out, uint32_t *ret_n)
{
    uint32_t padding = 0, n = 0, bits = 0;

    if (f.n % 4 != 0)
        return false;
    while (padding < 2 && padding < f.n && f.p[f.n - 1 - padding] == '=')
        padding++;
    for (uint32_t i = 0; i < f.n - padding; i++) {
        int digit = base64_digit(f.p[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            out[n++] = (char)(bits >> (6 - 2 * (i % 4)) & 255);
    }
    *ret_n = n;
    return padding == 0 || (bits & (padding == 1 ? 3 : 15)) == 0;
}

static int not_encoded(const struct bytes_plan *b, struct csv_field f, struct reject_info *ret)
{
    if (b->form == CONVERT_HEX) {
        refuse(ret, "NOT_HEX", f, "is not hexadecimal");
        refuse_hint(ret, "two digits a byte, nothing before, between or behind them");
    } else {
        refuse(ret, "NOT_BASE64", f, "is not Base64");
        refuse_hint(ret, "RFC 4648: A-Z a-z 0-9 + /, with '=' up to a multiple of four");
    }
    return 0;
}

/* BIT(n): its bytes, the highest first, as the server gives them. */
static int put_bits(const struct cell *c, struct csv_field f, struct csv_field bytes, struct reject_info *ret)
{
    uint64_t v = 0;

    if (bytes.n == 0)
        return refuse(ret, "OUT_OF_RANGE", f, "has no byte for %s", c->column->type_text);
    for (uint32_t i = 0; i < bytes.n; i++) {
        if (v >> 56 != 0)
            return refuse(ret, "OUT_OF_RANGE", f, "is outside the range of %s", c->column->type_text);
        v = v << 8 | (unsigned char)bytes.p[i];
    }
    if (v > UINT64_MAX >> (64 - c->column->precision))
        return refuse(ret, "OUT_OF_RANGE", f, "is outside the range of %s", c->column->type_text);
    c->to->i64[c->row] = (int64_t)v;
    return 1;
}

int put_encoded(const struct cell *c, struct bytes_plan *b, struct csv_field f, struct reject_info *ret)
{
    const struct column *k = c->column;
    struct csv_field bytes = {.quoted = f.quoted};

    if (b->text == NULL || f.n > b->room) {
        b->room = f.n + f.n / 2 + 16;
        b->text = xrealloc(b->text, b->room);
    }
    bytes.p = b->text;
    if (!(b->form == CONVERT_HEX ? from_hex : from_base64)(f, b->text, &bytes.n))
        return not_encoded(b, f, ret);
    if (k->type == COL_BIT)
        return put_bits(c, f, bytes, ret);
    if (k->max_bytes >= 0 && bytes.n > k->max_bytes)
        return refuse(ret, "TOO_LONG", f, "has %u bytes, %s holds %lld", bytes.n, k->type_text,
                      (long long)k->max_bytes);
    return put_binary(c, bytes, ret);
}
