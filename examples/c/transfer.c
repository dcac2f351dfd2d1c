/*
 * Check-and-set: threads move money between accounts at once; none is made or lost, and no account goes below
 * zero.
 *
 *     transfer [DIR]        without DIR nothing is kept
 */
#include <persistkv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, TRANSFERS = 1000, ACCOUNTS = 3, OPENING = 100 };

static const char accounts[ACCOUNTS][2] = {"a", "b", "c"};
static pkv_store *store;

static void check(pkv_err err) {
    if (err != PKV_OK && err != PKV_QUEUED) {
        fprintf(stderr, "%s: %s\n", pkv_strerror(err), pkv_last_error());
        exit(1);
    }
}

static long long balance(pkv_client *client, const char *account) {
    char *text;
    size_t len;
    check(pkv_get(client, account, 1, &text, &len));
    long long amount = text ? atoll(text) : 0;
    pkv_free(text);
    return amount;
}

/* Answers 0 if there is not enough. Begins again as often as somebody else changed the account between the
 * look and the transfer. */
static int transfer(pkv_client *client, const char *from, const char *to, long long amount) {
    pkv_err err;
    do {
        check(pkv_watch(client, from, 1));
        if (balance(client, from) < amount) {
            check(pkv_unwatch(client));
            return 0;
        }
        check(pkv_multi(client));
        check(pkv_incrby(client, from, 1, -amount, NULL));
        check(pkv_incrby(client, to, 1, amount, NULL));
        err = pkv_exec(client, NULL);
    } while (err == PKV_CHANGED);
    check(err);
    return 1;
}

static void *transfers(void *seed) {
    unsigned random = (unsigned)(size_t)seed;
    pkv_client *client; /* one for each thread */
    check(pkv_client_new(store, &client));
    for (int i = 0; i < TRANSFERS; i++) {
        int from = rand_r(&random) % ACCOUNTS, to = rand_r(&random) % ACCOUNTS;
        transfer(client, accounts[from], accounts[to], rand_r(&random) % 20);
    }
    pkv_client_free(client);
    return NULL;
}

int main(int argc, char **argv) {
    const char *const directives[] = {"appendonly", "yes", NULL};
    check(argc > 1 ? pkv_open(argv[1], directives, &store) : pkv_open_memory(NULL, &store));
    pkv_client *client;
    check(pkv_client_new(store, &client));
    for (int i = 0; i < ACCOUNTS; i++)
        check(pkv_set_with(client, accounts[i], 1, PKV_LIT("100"), 0, PKV_SET_NX, NULL));

    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, transfers, (void *)(i + 1)) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    long long total = 0, least = OPENING;
    for (int i = 0; i < ACCOUNTS; i++) {
        long long amount = balance(client, accounts[i]);
        total += amount;
        least = amount < least ? amount : least;
    }
    printf("%d transfers: %lld in all, %s\n", THREADS * TRANSFERS, total,
           least >= 0 ? "no account below zero" : "an account below zero");
    pkv_client_free(client);
    check(pkv_close(&store));
    return 0;
}
