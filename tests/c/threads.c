/*
 * Several threads: clients of one store in parallel, errors for each thread its own, one client in two
 * threads.
 */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 2000 };

static atomic_int busy, done, stop;

static void *add(void *nothing) {
    pkv_client *mine;
    (void)nothing;
    if (pkv_client_new(store, &mine) != PKV_OK)
        return "no client";
    const char *wrong = NULL;
    for (int i = 0; i < ROUNDS && !wrong; i++) {
        if (pkv_incrby(mine, PKV_LIT("total"), 1, NULL) != PKV_OK ||
            pkv_hset(mine, "h", 1, "f", 1, "v", 1, NULL))
            wrong = "a write failed";
        pkv_reply *reply = command(mine, "HGETALL", "h", NULL);
        if (!reply || reply->elements != 2)
            wrong = "a read gave something else";
        pkv_reply_free(reply);
    }
    pkv_client_free(mine);
    return (void *)wrong;
}

static void clients_work_in_parallel(void) {
    pthread_t threads[THREADS];
    int64_t total;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, add, NULL) == 0, "no thread");
    const char *wrong = NULL;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        if (result)
            wrong = result;
    }
    CHECK(wrong == NULL, "%s", wrong);
    CHECK_OK(pkv_incrby(client, PKV_LIT("total"), 0, &total));
    CHECK_INT(THREADS * ROUNDS, total);
}

static void *fail_here(void *text) {
    pkv_err before = pkv_last_error_code();
    pkv_get(NULL, "k", 1, NULL, NULL);
    snprintf(text, 100, "%d %d %s", (int)before, (int)pkv_last_error_code(), pkv_last_error());
    return NULL;
}

static void errors_belong_to_their_thread(void) {
    char theirs[100];
    pthread_t thread;
    CHECK_ERR(PKV_ERR_COMMAND, pkv_save(client));
    CHECK(pthread_create(&thread, NULL, fail_here, theirs) == 0, "no thread");
    pthread_join(thread, NULL);
    CHECK(strcmp(theirs, "0 100 value is NULL") == 0, "the thread saw: %s", theirs);
    CHECK_HAS(pkv_last_error(), "memory only");
    CHECK_INT(PKV_ERR_COMMAND, pkv_last_error_code());
}

static void *share(void *counted) {
    while (!stop) {
        pkv_err err = pkv_incrby(client, PKV_LIT("shared"), 1, NULL);
        if (err == PKV_OK)
            ++*(int64_t *)counted;
        else if (err == PKV_ERR_BUSY)
            busy = 1;
        else
            return "neither done nor refused";
    }
    return NULL;
}

/* A mistake of the host that must not break anything: what was not refused was done. */
static void a_client_in_two_threads_is_refused(void) {
    pthread_t threads[2];
    int64_t counted[2] = {0, 0}, total;
    busy = stop = 0;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, share, &counted[i]) == 0, "no thread");
    while (!busy) /* for as long as it takes: on one core they meet when one is interrupted inside a call */
        sched_yield();
    stop = 1;
    const char *wrong = NULL;
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(threads[i], &result);
        if (result)
            wrong = result;
    }
    CHECK(wrong == NULL, "%s", wrong);
    CHECK_OK(pkv_incrby(client, PKV_LIT("shared"), 0, &total));
    CHECK_INT(counted[0] + counted[1], total);
}

static void *use_until_closed(void *of) {
    pkv_err err;
    do {
        err = pkv_set(of, "k", 1, "v", 1);
        done = 1;
    } while (err == PKV_OK);
    return err == PKV_ERR_CLOSED ? NULL : "an error other than closed";
}

static void a_store_may_be_closed_while_it_is_used(void) {
    const char *const directives[] = {"appendonly", "yes", NULL};
    pkv_store *other;
    pkv_client *of[2];
    pthread_t threads[2];
    CHECK_OK(pkv_open(scratch_dir("closed-in-use"), directives, &other));
    done = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_OK(pkv_client_new(other, &of[i]));
        CHECK(pthread_create(&threads[i], NULL, use_until_closed, of[i]) == 0, "no thread");
    }
    while (!done)
        sched_yield();
    CHECK_OK(pkv_close(&other));
    const char *wrong = NULL;
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(threads[i], &result);
        if (result)
            wrong = result;
        pkv_client_free(of[i]);
    }
    CHECK(wrong == NULL, "%s", wrong);
}

const struct test thread_tests[] = {
    {"clients work in parallel", clients_work_in_parallel},
    {"errors belong to their thread", errors_belong_to_their_thread},
    {"a client in two threads is refused", a_client_in_two_threads_is_refused},
    {"a store may be closed while it is used", a_store_may_be_closed_while_it_is_used},
    {NULL, NULL},
};
