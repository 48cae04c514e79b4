#include "base/mem.h"
#include "orchestrator/path_int.h"

/*
 * The patterns of filters: /^ab+(c|d){2,3}$/i. Compiled to a list of instructions, all of whose ways are gone at once, so that
 * no pattern takes longer than its length times the text's. What needs to remember (back references, look-around) is
 * refused. Jumps are relative: a repeated piece is copied.
 */
enum {
    MAX_PATTERN = 2000, /* instructions */
    MAX_PATTERN_DEPTH = 50,
    MAX_REPEAT = 1000,
    MAX_RANGES = 400, /* of all sets of a pattern */
};
enum code { CODE_SET, CODE_SPLIT, CODE_JUMP, CODE_BEGIN, CODE_END, CODE_WORD, CODE_NO_WORD, CODE_MATCH };
struct instruction {
    enum code code;
    int to, or ; /* SPLIT: both; JUMP: to; SET: ranges from `to`, `or` of them */
    bool negated;
};
struct range {
    uint32_t from, to;
};
struct pattern {
    struct instruction *code;
    size_t count;
    struct range *ranges;
    bool fold;
};
struct maker {
    const char *p, *end;
    struct instruction code[MAX_PATTERN];
    size_t count;
    struct range ranges[MAX_RANGES];
    size_t range_count;
    int deep;
    struct err *err;
};

static int bad(struct maker *m, const char *why)
{
    return err_set(m->err, ERR_RUNTIME, "filter: pattern: %s, at '%.*s'", why,
                   (int)(m->end - m->p > 20 ? 20 : m->end - m->p), m->p);
}

static int emit(struct maker *m, enum code code, int to, int or)
{
    if (m->count == MAX_PATTERN)
        return bad(m, "too long");
    m->code[m->count++] = (struct instruction){.code = code, .to = to, .or = or };
    return 0;
}

/* An instruction before the piece that begins at `at`. */
static int insert(struct maker *m, size_t at, enum code code, int to, int or)
{
    if (emit(m, code, to, or) < 0)
        return -(int)m->err->code;
    struct instruction last = m->code[m->count - 1];
    memmove(&m->code[at + 1], &m->code[at], (m->count - 1 - at) * sizeof last);
    m->code[at] = last;
    return 0;
}

static int copy(struct maker *m, size_t from, size_t n)
{
    if (m->count + n > MAX_PATTERN)
        return bad(m, "too long");
    memcpy(&m->code[m->count], &m->code[from], n * sizeof m->code[0]);
    m->count += n;
    return 0;
}

static int add_range(struct maker *m, uint32_t from, uint32_t to)
{
    if (m->range_count == MAX_RANGES)
        return bad(m, "too many characters in sets");
    m->ranges[m->range_count++] = (struct range){from, to};
    return 0;
}

/* \d, \w, \s: the ranges; 0: another letter. */
static int class_ranges(struct maker *m, char c)
{
    static const struct {
        char name;
        struct range ranges[4];
        int count;
    } classes[] = {{'d', {{'0', '9'}}, 1},
                   {'w', {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}}, 4},
                   {'s', {{'\t', '\r'}, {' ', ' '}}, 2}};

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (classes[i].name == c) {
            for (int k = 0; k < classes[i].count; k++)
                if (add_range(m, classes[i].ranges[k].from, classes[i].ranges[k].to) < 0)
                    return -(int)m->err->code;
            return 1;
        }
    return 0;
}

/* Behind a backslash: one literal character, or -1 where it is none. */
static int64_t escaped(struct maker *m)
{
    static const char from[] = "ntrfae", to[] = "\n\t\r\f\a\033";
    const char *known;
    char c = *m->p;

    if ((known = strchr(from, c)) != NULL && c != '\0') {
        m->p++;
        return to[known - from];
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return -1;
    return (int64_t)str_character(&m->p, m->end);
}

static int set_begin(struct maker *m)
{
    return (int)m->range_count;
}

static int set_end(struct maker *m, int begin, bool negated)
{
    if (emit(m, CODE_SET, begin, (int)m->range_count - begin) < 0)
        return -(int)m->err->code;
    m->code[m->count - 1].negated = negated;
    return 0;
}

/* One item of [...]: a class, a character, or a range. */
static int set_item(struct maker *m)
{
    int64_t from, to;
    int rc;

    if (*m->p == '[' || (m->p + 1 < m->end && m->p[0] == '&' && m->p[1] == '&'))
        return bad(m, "sets within sets are not supported");
    if (*m->p == '\\' && m->p + 1 < m->end) {
        m->p++;
        if ((rc = class_ranges(m, *m->p)) != 0) {
            m->p += rc > 0;
            return rc;
        }
        if ((from = escaped(m)) < 0)
            return bad(m, "unknown escape");
    } else {
        from = (int64_t)str_character(&m->p, m->end);
    }
    to = from;
    if (m->p + 1 < m->end && m->p[0] == '-' && m->p[1] != ']') {
        m->p++;
        if (*m->p == '\\') {
            m->p++;
            if (m->p >= m->end || (to = escaped(m)) < 0)
                return bad(m, "unknown escape");
        } else {
            to = (int64_t)str_character(&m->p, m->end);
        }
    }
    if (to < from)
        return bad(m, "a range runs backwards");
    return add_range(m, (uint32_t)from, (uint32_t)to);
}

static int set(struct maker *m)
{
    int begin = set_begin(m), rc = 0;
    bool negated = false;

    m->p++;
    if (m->p < m->end && *m->p == '^') {
        negated = true;
        m->p++;
    }
    for (bool first = true; rc >= 0 && m->p < m->end && (first || *m->p != ']'); first = false)
        rc = set_item(m);
    if (rc < 0)
        return rc;
    if (m->p >= m->end)
        return bad(m, "']' is missing");
    m->p++;
    return set_end(m, begin, negated);
}

static int escape(struct maker *m)
{
    int begin = set_begin(m), rc;
    int64_t c;

    m->p++;
    if (m->p >= m->end)
        return bad(m, "nothing follows the backslash");
    if (*m->p == 'b' || *m->p == 'B')
        return emit(m, *m->p++ == 'b' ? CODE_WORD : CODE_NO_WORD, 0, 0);
    bool upper = *m->p == 'D' || *m->p == 'W' || *m->p == 'S';
    if ((rc = class_ranges(m, (char)(upper ? *m->p | 0x20 : *m->p))) != 0) {
        m->p += rc > 0;
        return rc < 0 ? rc : set_end(m, begin, upper);
    }
    if ((c = escaped(m)) < 0)
        return bad(m, "unknown escape");
    rc = add_range(m, (uint32_t)c, (uint32_t)c);
    return rc < 0 ? rc : set_end(m, begin, false);
}

static int alternatives(struct maker *m);

static int group(struct maker *m)
{
    int rc;

    m->p++;
    if (m->p < m->end && *m->p == '?') {
        if (m->p + 1 >= m->end || m->p[1] != ':')
            return bad(m, "only (?:...) is supported");
        m->p += 2;
    }
    if (++m->deep > MAX_PATTERN_DEPTH)
        return bad(m, "too deep");
    if ((rc = alternatives(m)) < 0)
        return rc;
    m->deep--;
    if (m->p >= m->end || *m->p != ')')
        return bad(m, "')' is missing");
    m->p++;
    return 0;
}

static int atom(struct maker *m)
{
    int begin = set_begin(m), rc = 0;
    uint32_t c;

    switch (*m->p) {
    case '(':
        return group(m);
    case '[':
        return set(m);
    case '\\':
        return escape(m);
    case '^':
        m->p++;
        return emit(m, CODE_BEGIN, 0, 0);
    case '$':
        m->p++;
        return emit(m, CODE_END, 0, 0);
    case '.': /* not a line's end */
        m->p++;
        if ((rc = add_range(m, '\n', '\n')) >= 0 && (rc = add_range(m, '\r', '\r')) >= 0 &&
            (rc = add_range(m, 0x85, 0x85)) >= 0 && (rc = add_range(m, 0x2028, 0x2029)) >= 0)
            rc = set_end(m, begin, true);
        return rc;
    case '*':
    case '+':
    case '?':
    case '{':
        return bad(m, "there is nothing to repeat");
    default:
        c = str_character(&m->p, m->end);
        rc = add_range(m, c, c);
        return rc < 0 ? rc : set_end(m, begin, false);
    }
}

/* {n}, {n,}, {n,m}; most -1: no end. */
static int counts(struct maker *m, int *least, int *most)
{
    int *n = least;

    *least = 0;
    *most = -1;
    for (m->p++; m->p < m->end && *m->p != '}'; m->p++) {
        if (*m->p == ',' && n == least) {
            n = most;
        } else if (*m->p >= '0' && *m->p <= '9') {
            *n = (*n < 0 ? 0 : *n) * 10 + (*m->p - '0');
            if (*n > MAX_REPEAT)
                return bad(m, "repeated too often");
        } else {
            return bad(m, "'}' is missing");
        }
    }
    if (m->p >= m->end)
        return bad(m, "'}' is missing");
    m->p++;
    if (n == least)
        *most = *least;
    return *most >= 0 && *most < *least ? bad(m, "a range runs backwards") : 0;
}

/* The piece from `at` on, so many times. */
static int repeat(struct maker *m, size_t at, int least, int most)
{
    int n = (int)(m->count - at), rc = 0;

    if (most == 0) {
        m->count = at;
        return 0;
    }
    for (int i = 1; rc >= 0 && i < least; i++)
        rc = copy(m, at, (size_t)n);
    if (rc >= 0 && most < 0) {
        if (least > 0) /* once more, and back */
            return emit(m, CODE_SPLIT, -n, 1);
        rc = insert(m, at, CODE_SPLIT, 1, n + 2);
        return rc < 0 ? rc : emit(m, CODE_JUMP, -n - 1, 0);
    }
    if (rc >= 0 && least == 0) {
        if ((rc = insert(m, at, CODE_SPLIT, 1, n + 1)) >= 0)
            at++;
        least = 1;
    }
    for (int i = least; rc >= 0 && i < most; i++) {
        rc = emit(m, CODE_SPLIT, 1, n + 1);
        if (rc >= 0)
            rc = copy(m, at, (size_t)n);
    }
    return rc;
}

static int piece(struct maker *m)
{
    size_t at = m->count;
    int least, most, rc = atom(m);

    if (rc < 0 || m->p >= m->end || (*m->p != '*' && *m->p != '+' && *m->p != '?' && *m->p != '{'))
        return rc;
    if (*m->p == '{') {
        if ((rc = counts(m, &least, &most)) < 0)
            return rc;
    } else {
        least = *m->p == '+';
        most = *m->p == '?' ? 1 : -1;
        m->p++;
    }
    rc = repeat(m, at, least, most);
    if (rc >= 0 && m->p < m->end && *m->p == '+')
        return bad(m, "possessive repetition is not supported");
    if (rc >= 0 && m->p < m->end && *m->p == '?')
        m->p++; /* how greedy makes no difference to whether the whole matches */
    return rc;
}

static int alternatives(struct maker *m)
{
    size_t at = m->count;
    int rc = 0;

    while (rc >= 0 && m->p < m->end && *m->p != '|' && *m->p != ')')
        rc = piece(m);
    if (rc < 0 || m->p >= m->end || *m->p != '|')
        return rc;
    m->p++;
    if ((rc = insert(m, at, CODE_SPLIT, 1, (int)(m->count - at) + 2)) < 0 ||
        (rc = emit(m, CODE_JUMP, 0, 0)) < 0)
        return rc;
    size_t jump = m->count - 1;
    if (++m->deep > MAX_PATTERN_DEPTH)
        return bad(m, "too many alternatives");
    rc = alternatives(m);
    m->deep--;
    m->code[jump].to = (int)(m->count - jump);
    return rc;
}

int pattern_compile(const char *text, size_t n, bool fold, struct arena *a, struct pattern **ret,
                    struct err *err)
{
    struct maker *m = xcalloc(1, sizeof *m);
    struct pattern *p = *ret = arena_alloc(a, sizeof *p);
    int rc;

    m->p = text;
    m->end = text + n;
    m->err = err;
    rc = alternatives(m);
    if (rc >= 0 && m->p < m->end)
        rc = bad(m, "')' without '('");
    if (rc >= 0)
        rc = emit(m, CODE_MATCH, 0, 0);
    *p = (struct pattern){.fold = fold, .count = m->count};
    p->code = arena_alloc(a, (m->count + 1) * sizeof *p->code);
    memcpy(p->code, m->code, m->count * sizeof *p->code);
    p->ranges = arena_alloc(a, (m->range_count + 1) * sizeof *p->ranges);
    memcpy(p->ranges, m->ranges, m->range_count * sizeof *p->ranges);
    free(m);
    return rc;
}

/* The instructions that stand at one place of the text. */
struct threads {
    int at[MAX_PATTERN];
    size_t count;
};
struct place {
    const struct pattern *p;
    uint32_t before, after; /* characters; 0: the text begins, or ends, here */
    bool first, last;
    unsigned mark; /* of this place */
    unsigned seen[MAX_PATTERN];
};

static bool is_word(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Goes on from an instruction until a character is asked for. */
static void follow(struct place *at, struct threads *t, int begin)
{
    int stack[2 * MAX_PATTERN + 2], n = 0;
    bool edge = is_word(at->first ? 0 : at->before) != is_word(at->last ? 0 : at->after);

    stack[n++] = begin;
    while (n > 0) {
        int i = stack[--n];
        const struct instruction *c = &at->p->code[i];
        if (at->seen[i] == at->mark)
            continue;
        at->seen[i] = at->mark;
        if (c->code == CODE_SET || c->code == CODE_MATCH)
            t->at[t->count++] = i;
        else if (c->code == CODE_JUMP)
            stack[n++] = i + c->to;
        else if (c->code == CODE_SPLIT) {
            stack[n++] = i + c->or ;
            stack[n++] = i + c->to;
        } else if (c->code == CODE_BEGIN ? at->first
                   : c->code == CODE_END ? at->last
                                         : edge == (c->code == CODE_WORD)) {
            stack[n++] = i + 1;
        }
    }
}

static bool takes(const struct pattern *p, const struct instruction *i, uint32_t c)
{
    bool in = false;

    for (int k = 0; k < i->or &&!in; k++) {
        const struct range *r = &p->ranges[i->to + k];
        in = c >= r->from && c <= r->to;
        if (!in && p->fold && c < 128) {
            uint32_t other = c >= 'A' && c <= 'Z' ? c + 32 : c >= 'a' && c <= 'z' ? c - 32 : c;
            in = other >= r->from && other <= r->to;
        }
    }
    return in != i->negated;
}

int pattern_matches(const struct pattern *p, const char *text, size_t n, int64_t *left)
{
    struct place *at = xcalloc(1, sizeof *at);
    struct threads *now = xcalloc(1, sizeof *now), *then = xcalloc(1, sizeof *then), *swap;
    const char *s = text, *end = text + n;
    bool found = false;

    at->p = p;
    at->first = true;
    at->last = n == 0;
    at->mark = 1;
    if (n > 0) {
        const char *ahead = s;
        at->after = str_character(&ahead, end);
    }
    follow(at, now, 0);
    while (s < end && now->count > 0 && *left > 0) {
        uint32_t c = str_character(&s, end);
        at->before = c;
        at->first = false;
        at->last = s >= end;
        if (s < end) {
            const char *ahead = s;
            at->after = str_character(&ahead, end);
        }
        *left -= (int64_t)now->count;
        at->mark++;
        then->count = 0;
        for (size_t i = 0; i < now->count; i++)
            if (p->code[now->at[i]].code == CODE_SET && takes(p, &p->code[now->at[i]], c))
                follow(at, then, now->at[i] + 1);
        swap = now;
        now = then;
        then = swap;
    }
    for (size_t i = 0; s >= end && i < now->count && !found; i++)
        found = p->code[now->at[i]].code == CODE_MATCH;
    free(at);
    free(now);
    free(then);
    return *left > 0 ? found : -1;
}
