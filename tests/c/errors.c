/*
 * What the calls do with NULL, with lengths that can not be, with wrong directives, and after a close.
 */
#include "calls.h"

#define MB512 ((size_t)512 * 1024 * 1024)

static void null_clients_are_refused(void) {
#define CALL(call)                                                                                           \
    CHECK_ERR(PKV_ERR_NULL, call);                                                                           \
    CHECK_HAS(pkv_last_error(), "client is NULL")
    EACH_CALL(CALL, NULL);
#undef CALL
    const char *ping[] = {"PING"};
    CHECK(pkv_command_argv(NULL, 1, ping, NULL) == NULL, "a reply of no client");
    CHECK_INT(PKV_ERR_NULL, pkv_last_error_code());
    pkv_client *none;
    CHECK_ERR(PKV_ERR_NULL, pkv_client_new(NULL, &none));
    CHECK(none == NULL, "a client of no store");
    CHECK_ERR(PKV_ERR_NULL, pkv_client_new(store, NULL));
    CHECK_ERR(PKV_ERR_NULL, pkv_load_notes(NULL, &reply));
    CHECK_ERR(PKV_ERR_NULL, pkv_load_notes(store, NULL));
    pkv_client_free(NULL);
    pkv_reply_free(NULL);
    pkv_free(NULL);
    CHECK_OK(pkv_close(NULL));
    pkv_store *closed = NULL;
    CHECK_OK(pkv_close(&closed));
}

static void null_bytes_are_refused(void) {
    CHECK_ERR(PKV_ERR_NULL, pkv_set(client, NULL, 1, "v", 1));
    CHECK_HAS(pkv_last_error(), "key is NULL");
    CHECK_ERR(PKV_ERR_NULL, pkv_set(client, "k", 1, NULL, 1));
    CHECK_HAS(pkv_last_error(), "value is NULL");
    CHECK_ERR(PKV_ERR_NULL, pkv_hget(client, "k", 1, NULL, 1, &value, &len));
    CHECK_HAS(pkv_last_error(), "field is NULL");
    CHECK_ERR(PKV_ERR_NULL, pkv_sadd(client, "k", 1, NULL, 1, &n));
    CHECK_HAS(pkv_last_error(), "member is NULL");
    CHECK_ERR(PKV_ERR_NULL, pkv_hgetall(client, "k", 1, NULL));
}

/* An element that is popped for an output which is not there would be lost. */
static void outputs_that_are_needed_are_checked_first(void) {
    CHECK_OK(pkv_rpush(client, PKV_LIT("l"), PKV_LIT("e"), NULL));
    CHECK_ERR(PKV_ERR_NULL, pkv_lpop(client, PKV_LIT("l"), NULL, &len));
    CHECK_ERR(PKV_ERR_NULL, pkv_lpop(client, PKV_LIT("l"), &value, NULL));
    CHECK_ERR(PKV_ERR_NULL, pkv_rpop(client, PKV_LIT("l"), NULL, NULL));
    CHECK_OK(pkv_llen(client, PKV_LIT("l"), &n));
    CHECK_INT(1, n);
}

static void outputs_are_set_when_a_call_fails(void) {
    char dirt[1];
    value = dirt, len = 7, n = 7, score = 7, reply = (pkv_reply *)(void *)dirt;
    pkv_store *none = (pkv_store *)(void *)dirt;
    pkv_client *nobody = (pkv_client *)(void *)dirt;
    CHECK_ERR(PKV_ERR_NULL, pkv_get(NULL, "k", 1, &value, &len));
    CHECK_ERR(PKV_ERR_NULL, pkv_zscore(NULL, "k", 1, "m", 1, &score, &n));
    CHECK_ERR(PKV_ERR_NULL, pkv_hgetall(NULL, "k", 1, &reply));
    CHECK_ERR(PKV_ERR_NULL, pkv_open(NULL, NULL, &none));
    CHECK_ERR(PKV_ERR_NULL, pkv_client_new(NULL, &nobody));
    CHECK(value == NULL && len == 0 && n == 0 && score == 0 && reply == NULL && none == NULL &&
              nobody == NULL,
          "an output still holds what it held");
}

static void lengths_that_can_not_be_are_refused(void) {
    const size_t wrong[] = {MB512 + 1, (size_t)-1, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_ERR(PKV_ERR_ARGUMENT, pkv_set(client, "k", wrong[i], "v", 1));
        CHECK_HAS(pkv_last_error(), "key is ");
        CHECK_HAS(pkv_last_error(), "512 MB");
        CHECK_ERR(PKV_ERR_ARGUMENT, pkv_set(client, "k", 1, "v", wrong[i]));
        CHECK_HAS(pkv_last_error(), "value is ");
        CHECK_ERR(PKV_ERR_ARGUMENT, pkv_get(client, NULL, wrong[i], &value, &len));
        const char *argv[] = {"ECHO", "x"};
        const size_t lengths[] = {4, wrong[i]};
        CHECK(pkv_command_argv(client, 2, argv, lengths) == NULL, "ECHO of nothing");
        CHECK_INT(PKV_ERR_ARGUMENT, pkv_last_error_code());
        CHECK_HAS(pkv_last_error(), "argv[1] is ");
    }
}

static void arguments_of_commands_are_checked(void) {
    const char *argv[] = {"ECHO", NULL};
    const size_t one[] = {4, 1}, none[] = {4, 0};
    CHECK(pkv_command_argv(client, 0, argv, NULL) == NULL, "a command of no words");
    CHECK_INT(PKV_ERR_ARGUMENT, pkv_last_error_code());
    CHECK(pkv_command_argv(client, -1, argv, NULL) == NULL, "a command of -1 words");
    CHECK_INT(PKV_ERR_ARGUMENT, pkv_last_error_code());
    CHECK(pkv_command_argv(client, 1, NULL, NULL) == NULL, "a command of nothing");
    CHECK_INT(PKV_ERR_NULL, pkv_last_error_code());
    CHECK(pkv_command_argv(client, 2, argv, NULL) == NULL, "a word that is NULL");
    CHECK_INT(PKV_ERR_NULL, pkv_last_error_code());
    CHECK(pkv_command_argv(client, 2, argv, one) == NULL, "a word of one byte that is NULL");
    CHECK_INT(PKV_ERR_NULL, pkv_last_error_code());
    CHECK_HAS(pkv_last_error(), "argv[1] is NULL");
    reply = pkv_command_argv(client, 2, argv, none);
    int good = reply && reply->type == PKV_REPLY_STRING && reply->len == 0;
    pkv_reply_free(reply);
    CHECK(good, "NULL of no bytes is not the empty word");
}

static void commands_refuse_in_the_words_of_redis(void) {
    CHECK_OK(pkv_set(client, PKV_LIT("s"), PKV_LIT("text")));
    CHECK_ERR(PKV_ERR_WRONG_TYPE, pkv_llen(client, PKV_LIT("s"), &n));
    CHECK(strcmp(pkv_last_error(), "WRONGTYPE Operation against a key holding the wrong kind of value") == 0,
          "%s", pkv_last_error());
    CHECK_ERR(PKV_ERR_WRONG_TYPE, pkv_hgetall(client, PKV_LIT("s"), &reply));
    CHECK_ERR(PKV_ERR_COMMAND, pkv_incrby(client, PKV_LIT("s"), 1, &n));
    CHECK(strcmp(pkv_last_error(), "ERR value is not an integer or out of range") == 0, "%s",
          pkv_last_error());
    CHECK_OK(pkv_exists(client, PKV_LIT("s"), &n));
    CHECK_HAS(pkv_last_error(), "not an integer"); /* a call that succeeds leaves it */
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_set_with(client, "k", 1, "v", 1, 0, PKV_SET_NX | PKV_SET_XX, &n));
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_set_with(client, "k", 1, "v", 1, 5, PKV_SET_KEEPTTL, &n));
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_set_with(client, "k", 1, "v", 1, 0, 64, &n));
    CHECK_ERR(PKV_ERR_COMMAND, pkv_set_with(client, "k", 1, "v", 1, -5, 0, &n));
    CHECK_HAS(pkv_last_error(), "invalid expire time");
    CHECK_ERR(PKV_ERR_COMMAND, pkv_save(client)); /* in memory */
}

static void directives_are_checked(void) {
    pkv_store *none;
    const char *const unknown[] = {"appendolny", "yes", NULL};
    CHECK_ERR(PKV_ERR_CONFIG, pkv_open_memory(unknown, &none));
    CHECK_HAS(pkv_last_error(), "appendolny");
    const char *const wrong[] = {"appendfsync", "sometimes", NULL};
    CHECK_ERR(PKV_ERR_CONFIG, pkv_open_memory(wrong, &none));
    CHECK_HAS(pkv_last_error(), "appendfsync");
    const char *const alone[] = {"appendfsync", NULL};
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_open_memory(alone, &none));
    CHECK_HAS(pkv_last_error(), "has no value");
    const char *const not_text[] = {"dbfilename", "\xff\xfe", NULL};
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_open_memory(not_text, &none));
    CHECK_HAS(pkv_last_error(), "UTF-8");
    const char *endless[5000];
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i += 2)
        endless[i] = "appendonly", endless[i + 1] = "no";
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_open_memory(endless, &none));
    CHECK_HAS(pkv_last_error(), "ended by NULL");
    CHECK(none == NULL, "a store was opened");
}

static void after_a_close_everything_is_refused(void) {
    pkv_store *other;
    pkv_client *of;
    CHECK_OK(pkv_open_memory(NULL, &other));
    CHECK_OK(pkv_client_new(other, &of));
    CHECK_OK(pkv_set(of, "k", 1, "v", 1));
    CHECK_OK(pkv_close(&other));
    CHECK(other == NULL, "the pointer to a closed store is not NULL");
#define CALL(call) CHECK_ERR(PKV_ERR_CLOSED, call)
    EACH_CALL(CALL, of);
#undef CALL
    CHECK(command(of, "PING", NULL) == NULL, "a closed store answers PING");
    CHECK_INT(PKV_ERR_CLOSED, pkv_last_error_code());
    CHECK_HAS(pkv_last_error(), "closed");
    CHECK_OK(pkv_close(&other));
    pkv_client_free(of);
}

const struct test error_tests[] = {
    {"null clients are refused", null_clients_are_refused},
    {"null bytes are refused", null_bytes_are_refused},
    {"outputs that are needed are checked first", outputs_that_are_needed_are_checked_first},
    {"outputs are set when a call fails", outputs_are_set_when_a_call_fails},
    {"lengths that can not be are refused", lengths_that_can_not_be_are_refused},
    {"arguments of commands are checked", arguments_of_commands_are_checked},
    {"commands refuse in the words of redis", commands_refuse_in_the_words_of_redis},
    {"directives are checked", directives_are_checked},
    {"after a close everything is refused", after_a_close_everything_is_refused},
    {NULL, NULL},
};
