/* Replays a corpus folder through a fuzz target: one TAP point per file. Sanitizers do the judging. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int main(int argc, char **argv)
{
    struct dirent **names = NULL;
    int n = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1;
    int point = 0;

    for (int i = 0; i < n; i++) {
        char path[4096];
        static uint8_t data[1 << 20];
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
        FILE *f = names[i]->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (f != NULL) {
            size_t got = fread(data, 1, sizeof data, f);
            uint8_t *exact = malloc(got + 1); /* its own block, so that reading past the end is seen */
            if (exact != NULL)
                memcpy(exact, data, got);
            LLVMFuzzerTestOneInput(exact, got);
            free(exact);
            fclose(f);
            printf("ok %d - %s\n", ++point, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    if (point == 0) {
        printf("1..1\nnot ok 1 - no corpus in %s\n", argc == 2 ? argv[1] : "(no folder given)");
        return 1;
    }
    printf("1..%d\n", point);
    return 0;
}
