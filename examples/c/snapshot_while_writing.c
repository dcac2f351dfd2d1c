/*
 * A snapshot of the data as of one instant, while writing goes on: no fork, no pause. Shows the two ways to
 * have them: on demand only (save ""), and by itself after so many changes (save "3600 1").
 *
 *     snapshot_while_writing DIR
 */
#include <persistkv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 100000 };

static void check(pkv_err err) {
    if (err != PKV_OK) {
        fprintf(stderr, "%s: %s\n", pkv_strerror(err), pkv_last_error());
        exit(1);
    }
}

static pkv_client *open_with_save(const char *dir, const char *save, pkv_store **store) {
    const char *const directives[] = {"save", save, "appendonly", "no", NULL};
    pkv_client *client;
    check(pkv_open(dir, directives, store));
    check(pkv_client_new(*store, &client));
    return client;
}

static int saving(pkv_client *client) {
    const char *command[] = {"INFO", "persistence"};
    pkv_reply *info = pkv_command_argv(client, 2, command, NULL);
    int running = info && info->str && strstr(info->str, "rdb_bgsave_in_progress:1") != NULL;
    pkv_reply_free(info);
    return running;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: snapshot_while_writing DIR\n");
        return 2;
    }
    pkv_store *store;
    int64_t count = 0, length;

    /* save "": nothing is saved but on demand, not even on close. */
    pkv_client *client = open_with_save(argv[1], "", &store);
    for (int i = 0; i < KEYS; i++) {
        char key[32];
        int len = snprintf(key, sizeof key, "key:%d", i);
        check(pkv_set(client, key, (size_t)len, PKV_LIT("as it was")));
    }
    check(pkv_set(client, PKV_LIT("count"), PKV_LIT("0")));

    check(pkv_bgsave(client)); /* from here on, the snapshot is of this instant */
    while (saving(client)) {
        for (int i = 0; i < 1000; i++) {
            char key[32];
            check(pkv_incrby(client, PKV_LIT("count"), 1, &count));
            int len = snprintf(key, sizeof key, "key:%d", (int)(count % KEYS));
            check(pkv_set(client, key, (size_t)len, PKV_LIT("changed meanwhile")));
        }
    }
    printf("%lld changes of two keys each while the snapshot of %d keys was written\n", (long long)count,
           KEYS);
    pkv_client_free(client);
    check(pkv_close(&store));

    /* What was saved is the instant of BGSAVE: no change of the loop above is in it. */
    client = open_with_save(argv[1], "3600 1", &store);
    int changed = 0;
    for (int i = 0; i < KEYS; i++) {
        char key[32], *value;
        size_t value_len;
        int len = snprintf(key, sizeof key, "key:%d", i);
        check(pkv_get(client, key, (size_t)len, &value, &value_len));
        changed += value == NULL || strcmp(value, "as it was") != 0;
        pkv_free(value);
    }
    check(pkv_incrby(client, PKV_LIT("count"), 0, &count));
    printf("in the snapshot: count is %lld, %d of %d keys differ\n", (long long)count, changed, KEYS);

    /* save "3600 1": after an hour with one change or more; and on close, if anything changed. */
    check(pkv_rpush(client, PKV_LIT("log"), PKV_LIT("closed in good order"), &length));
    pkv_client_free(client);
    check(pkv_close(&store));

    client = open_with_save(argv[1], "3600 1", &store);
    check(pkv_llen(client, PKV_LIT("log"), &length));
    printf("opened again: the log has %lld line%s\n", (long long)length, length == 1 ? "" : "s");
    pkv_client_free(client);
    check(pkv_close(&store));
    return changed != 0 || count != 0 || length < 1;
}
