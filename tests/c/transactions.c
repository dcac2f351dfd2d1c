/*
 * Transactions by typed calls, and check-and-set from several threads.
 */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 300 };

static void what_is_queued_runs_as_one(void) {
    pkv_reply *replies;
    CHECK_OK(pkv_multi(client));
    CHECK_INT(PKV_QUEUED, pkv_set(client, PKV_LIT("a"), PKV_LIT("x")));
    CHECK_INT(PKV_QUEUED, pkv_incrby(client, PKV_LIT("a"), 1, NULL));
    CHECK_INT(PKV_QUEUED, pkv_incrby(client, PKV_LIT("n"), 5, NULL));
    CHECK_OK(pkv_exec(client, &replies));
    CHECK(replies != NULL && replies->elements == 3, "one reply for each");
    CHECK_INT(PKV_REPLY_STATUS, replies->element[0]->type);
    CHECK_INT(PKV_REPLY_ERROR, replies->element[1]->type);
    CHECK_INT(5, replies->element[2]->integer);
    pkv_reply_free(replies);
    CHECK_OK(pkv_multi(client));
    CHECK_OK(pkv_exec(client, &replies));
    CHECK(replies != NULL && replies->elements == 0, "of nothing there is nothing");
    pkv_reply_free(replies);
}

static void what_is_refused_is_not_done(void) {
    pkv_reply *replies;
    int64_t exists;
    CHECK_ERR(PKV_ERR_COMMAND, pkv_exec(client, &replies));
    CHECK(replies == NULL, "no replies");
    CHECK_ERR(PKV_ERR_COMMAND, pkv_discard(client));
    CHECK_OK(pkv_multi(client));
    CHECK_ERR(PKV_ERR_COMMAND, pkv_multi(client));
    CHECK_ERR(PKV_ERR_COMMAND, pkv_watch(client, PKV_LIT("a")));
    CHECK_OK(pkv_discard(client));
    CHECK_OK(pkv_multi(client));
    CHECK_INT(PKV_QUEUED, pkv_set(client, PKV_LIT("a"), PKV_LIT("x")));
    pkv_reply_free(command(client, "NONE", NULL));
    CHECK_ERR(PKV_ERR_COMMAND, pkv_exec(client, NULL));
    CHECK(strncmp(pkv_last_error(), "EXECABORT", 9) == 0, "not %s", pkv_last_error());
    CHECK_OK(pkv_multi(client));
    CHECK_INT(PKV_QUEUED, pkv_set(client, PKV_LIT("a"), PKV_LIT("x")));
    CHECK_OK(pkv_discard(client));
    CHECK_OK(pkv_exists(client, PKV_LIT("a"), &exists));
    CHECK_INT(0, exists);
}

static void a_changed_key_ends_it(void) {
    pkv_client *other;
    pkv_reply *replies;
    CHECK_OK(pkv_client_new(store, &other));
    CHECK_OK(pkv_watch(client, PKV_LIT("a")));
    CHECK_OK(pkv_set(other, PKV_LIT("a"), PKV_LIT("theirs")));
    CHECK_OK(pkv_multi(client));
    CHECK_INT(PKV_QUEUED, pkv_set(client, PKV_LIT("a"), PKV_LIT("mine")));
    CHECK_INT(PKV_CHANGED, pkv_exec(client, &replies));
    CHECK(replies == NULL, "no replies");
    CHECK_OK(pkv_watch(client, PKV_LIT("a")));
    CHECK_OK(pkv_unwatch(client));
    CHECK_OK(pkv_set(other, PKV_LIT("a"), PKV_LIT("theirs again")));
    CHECK_OK(pkv_multi(client));
    CHECK_INT(PKV_QUEUED, pkv_set(client, PKV_LIT("a"), PKV_LIT("mine")));
    CHECK_OK(pkv_exec(client, NULL));
    char *value;
    size_t len;
    CHECK_OK(pkv_get(other, PKV_LIT("a"), &value, &len));
    CHECK(strcmp(value, "mine") == 0, "not %s", value);
    pkv_free(value);
    pkv_client_free(other);
}

static void *add_by_check_and_set(void *nothing) {
    pkv_client *mine;
    (void)nothing;
    if (pkv_client_new(store, &mine) != PKV_OK)
        return "no client";
    const char *wrong = NULL;
    for (int i = 0; i < ROUNDS && !wrong; i++) {
        pkv_err err;
        do {
            char *seen, sum[24];
            size_t len;
            if (pkv_watch(mine, PKV_LIT("sum")) || pkv_get(mine, PKV_LIT("sum"), &seen, &len)) {
                wrong = "no sum";
                break;
            }
            snprintf(sum, sizeof sum, "%d", (seen ? atoi(seen) : 0) + 1);
            pkv_free(seen);
            if (pkv_multi(mine) || pkv_set(mine, PKV_LIT("sum"), sum, strlen(sum)) != PKV_QUEUED)
                wrong = "not queued";
            err = pkv_exec(mine, NULL);
        } while (err == PKV_CHANGED);
    }
    pkv_client_free(mine);
    return (void *)wrong;
}

static void check_and_set_loses_nothing(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, add_by_check_and_set, NULL) == 0, "no thread");
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CHECK(wrong == NULL, "%s", (char *)wrong);
    }
    int64_t sum;
    CHECK_OK(pkv_incrby(client, PKV_LIT("sum"), 0, &sum));
    CHECK_INT(THREADS * ROUNDS, sum);
}

const struct test transaction_tests[] = {
    {"what is queued runs as one", what_is_queued_runs_as_one},
    {"what is refused is not done", what_is_refused_is_not_done},
    {"a changed key ends it", a_changed_key_ends_it},
    {"check-and-set loses nothing", check_and_set_loses_nothing},
    {NULL, NULL},
};
