/*
 * Build-time generator: text files -> C arrays.
 *
 *   embed files NAME DIR file...   const struct embed NAME[] (file name, bytes, length), NULL-ended
 *   embed named NAME DIR file...   each file holds queries under "-- name: foo_bar" lines:
 *                                  enum NAME_id { NAME_FOO_BAR, ... NAME__COUNT } (upper case) and NAME[]
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *which)
{
    fprintf(stderr, "embed: %s: %s\n", what, which);
    exit(1);
}

static char *slurp(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t n = 0;

    if (f == NULL)
        die("cannot open", path);
    for (;;) {
        text = realloc(text, n + 65537);
        if (text == NULL)
            die("out of memory", path);
        size_t got = fread(text + n, 1, 65536, f);
        n += got;
        if (got == 0)
            break;
    }
    fclose(f);
    text[n] = '\0';
    *ret_n = n;
    return text;
}

static void bytes(FILE *c, const char *symbol, size_t i, const char *p, size_t n)
{
    fprintf(c, "static const unsigned char %s_%zu[] = {", symbol, i);
    for (size_t k = 0; k < n; k++)
        fprintf(c, "%s%u,", k % 24 == 0 ? "\n" : "", (unsigned)(unsigned char)p[k]);
    fprintf(c, "0};\n");
}

static char names[1024][128];
static size_t lengths[1024], count;

static void add(FILE *c, const char *symbol, const char *name, const char *text, size_t n)
{
    if (count == 1024)
        die("more than 1024 texts", name);
    snprintf(names[count], sizeof names[0], "%s", name);
    bytes(c, symbol, count, text, n);
    lengths[count++] = n;
}

/* Every query of one file, without blanks and ";" at its end. */
static void queries(FILE *c, const char *symbol, const char *file, const char *text)
{
    char name[128];

    for (const char *at = strstr(text, "-- name: "), *next; at != NULL; at = next ? next + 1 : NULL) {
        if (sscanf(at, "-- name: %127[a-z0-9_]", name) != 1)
            die("bad name line", file);
        const char *body = strchr(at, '\n');
        if (body == NULL)
            die("query without text", name);
        next = strstr(body, "\n-- name: ");
        size_t len = next ? (size_t)(next - body) : strlen(body);
        while (len > 0 && isspace((unsigned char)body[len - 1]))
            len--;
        if (len > 0 && body[len - 1] == ';')
            len--;
        for (size_t k = 0; k < count; k++)
            if (strcmp(names[k], name) == 0)
                die("two queries have the name", name);
        add(c, symbol, name, body + 1, len > 0 ? len - 1 : 0);
    }
}

int main(int argc, char **argv)
{
    char path[4096];

    if (argc < 4)
        die("usage", "embed files|named NAME DIR file...");
    const char *symbol = argv[2];
    int named = strcmp(argv[1], "named") == 0;
    snprintf(path, sizeof path, "%s/%s.c", argv[3], symbol);
    FILE *c = fopen(path, "w");
    snprintf(path, sizeof path, "%s/%s.h", argv[3], symbol);
    FILE *h = fopen(path, "w");
    if (c == NULL || h == NULL)
        die("cannot write", path);
    fprintf(c, "/* Made by cmake/embed.c. */\n#include \"%s.h\"\n", symbol);
    for (int a = 4; a < argc; a++) {
        size_t n;
        char *text = slurp(argv[a], &n);
        if (!named) {
            const char *base = strrchr(argv[a], '/') ? strrchr(argv[a], '/') + 1 : argv[a];
            add(c, symbol, base, text, n);
        } else {
            queries(c, symbol, argv[a], text);
        }
        free(text);
    }
    fprintf(c, "const struct embed %s[] = {\n", symbol);
    for (size_t k = 0; k < count; k++)
        fprintf(c, "{\"%s\", (const char *)%s_%zu, %zu},\n", names[k], symbol, k, lengths[k]);
    fprintf(c, "{0, 0, 0}};\n");
    fprintf(h, "/* Made by cmake/embed.c. */\n#ifndef GENERATED_%s_H\n#define GENERATED_%s_H\n", symbol,
            symbol);
    fprintf(h, "#include \"base/embed.h\"\n");
    if (named) {
        fprintf(h, "enum %s_id {\n", symbol);
        for (size_t k = 0; k < count; k++) {
            for (const char *p = symbol; *p != '\0'; p++)
                fputc(toupper((unsigned char)*p), h);
            fputc('_', h);
            for (const char *p = names[k]; *p != '\0'; p++)
                fputc(toupper((unsigned char)*p), h);
            fprintf(h, ",\n");
        }
        for (const char *p = symbol; *p != '\0'; p++)
            fputc(toupper((unsigned char)*p), h);
        fprintf(h, "__COUNT\n};\n");
    }
    fprintf(h, "extern const struct embed %s[];\n#endif\n", symbol);
    if (fclose(c) != 0 || fclose(h) != 0)
        die("cannot write", symbol);
    return 0;
}
