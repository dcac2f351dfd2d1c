/*
 * Runs the tests of the C library: all, or those whose names hold one of the words given.
 *
 *     pkv-test DIR CRASH_WRITER [WORD ...]
 *     pkv-test --hold DIR             opens a store there, says so, and keeps it until its input ends
 *     pkv-test --hold-and-fork DIR    the same, with a child that waits too
 */
#include "test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *self, *crash_writer;
pkv_store *store;
pkv_client *client;

static const char *base;
static int failures;

void failed(const char *file, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("  %s:%d: ", file, line);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    failures++;
}

const char *scratch_dir(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%d-%s", base, (int)getpid(), name);
    return path;
}

pkv_reply *command(pkv_client *on, ...) {
    const char *argv[32];
    int argc = 0;
    va_list words;
    va_start(words, on);
    for (const char *word; argc < 32 && (word = va_arg(words, const char *));)
        argv[argc++] = word;
    va_end(words);
    return pkv_command_argv(on, argc, argv, NULL);
}

long long file_print(const char *dir, const char *name) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    long long sum = 0;
    for (int c; (c = getc(file)) != EOF;)
        sum = (sum * 31 + c + 1) % 1000000007;
    fclose(file);
    return sum;
}

static int hold(const char *dir, int and_fork) {
    if (pkv_open(dir, NULL, &store) != PKV_OK) {
        printf("%s\n", pkv_last_error());
        return 1;
    }
    pid_t pid = and_fork ? fork() : 1;
    if (!and_fork || !pid) { /* the child, so that it has dropped what it inherited */
        printf("held\n");
        fflush(stdout);
    }
    while (getchar() != EOF)
        ;
    if (!pid)
        _exit(0);
    return pkv_close(&store) != PKV_OK;
}

static int wanted(const char *name, int argc, char **argv) {
    int any = argc <= 3;
    for (int i = 3; i < argc; i++)
        any |= strstr(name, argv[i]) != NULL;
    return any;
}

int main(int argc, char **argv) {
    if (argc == 3 && strncmp(argv[1], "--hold", 6) == 0)
        return hold(argv[2], strcmp(argv[1], "--hold-and-fork") == 0);
    if (argc < 3) {
        fprintf(stderr, "usage: pkv-test DIR CRASH_WRITER [WORD ...]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    self = argv[0];
    base = argv[1];
    crash_writer = argv[2];
    mkdir(base, 0777);
    const struct test *suites[] = {layout_tests,  api_tests,         error_tests,    thread_tests, disk_tests,
                                   message_tests, transaction_tests, listener_tests, fork_tests};
    int passed = 0, not_passed = 0;
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        for (const struct test *test = suites[i]; test->name; test++) {
            if (!wanted(test->name, argc, argv))
                continue;
            int before = failures;
            if (pkv_open_memory(NULL, &store) || pkv_client_new(store, &client)) {
                printf("no store: %s\n", pkv_last_error());
                return 1;
            }
            test->run();
            pkv_client_free(client);
            if (pkv_close(&store) != PKV_OK)
                failed(__FILE__, __LINE__, "closing: %s", pkv_last_error());
            if (failures == before)
                passed++;
            else
                not_passed++;
            printf("%s %s\n", failures == before ? "ok    " : "FAILED", test->name);
        }
    printf("%d passed, %d failed\n", passed, not_passed);
    return not_passed || !passed;
}
