/*
 * What every test of the C library needs: checks with messages, scratch directories, and the list of tests.
 *
 * A failed check prints where and what, marks its test as failed, and leaves the test's function.
 */
#ifndef PKV_TEST_H
#define PKV_TEST_H

#include <inttypes.h>
#include <persistkv.h>
#include <stdio.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
};

extern const struct test api_tests[], error_tests[], disk_tests[], listener_tests[], fork_tests[],
    thread_tests[], layout_tests[], message_tests[], transaction_tests[];

/* Where the running program is, and the example that writes until it is killed. */
extern const char *self, *crash_writer;

void failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define CHECK(condition, ...)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            failed(__FILE__, __LINE__, __VA_ARGS__);                                                         \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

/* A call's answer, with the last error's text when it is another one. */
#define CHECK_ERR(expected, call)                                                                            \
    do {                                                                                                     \
        pkv_err err_ = (call);                                                                               \
        CHECK(err_ == (expected), "%s answered %d (%s), expected %d", #call, (int)err_, pkv_last_error(),    \
              (int)(expected));                                                                              \
    } while (0)

#define CHECK_OK(call) CHECK_ERR(PKV_OK, call)

#define CHECK_INT(expected, value)                                                                           \
    do {                                                                                                     \
        long long value_ = (long long)(value), expected_ = (long long)(expected);                            \
        CHECK(value_ == expected_, "%s is %lld, expected %lld", #value, value_, expected_);                  \
    } while (0)

#define CHECK_HAS(text, part)                                                                                \
    do {                                                                                                     \
        const char *text_ = (text);                                                                          \
        CHECK(strstr(text_, part) != NULL, "%s is \"%s\", which does not hold \"%s\"", #text, text_, part);  \
    } while (0)

/* A directory of this test's own, below the temporary one of this run; the text is valid until the next call.
 */
const char *scratch_dir(const char *name);

/* A store in memory and a client of it, made before and freed after each test. */
extern pkv_store *store;
extern pkv_client *client;

/* Runs a command of words that end with NULL. */
pkv_reply *command(pkv_client *on, ...) __attribute__((sentinel));

/* The size of a file and its bytes' sum, or -1; to see whether somebody touched it. */
long long file_print(const char *dir, const char *name);

#endif
