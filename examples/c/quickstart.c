/*
 * Redis's data model in your own process: set, get, count, collect, and run any command.
 *
 *     quickstart [DIR]        without DIR nothing is kept
 */
#include <persistkv.h>
#include <stdio.h>
#include <stdlib.h>

static void check(pkv_err err) {
    if (err != PKV_OK) {
        fprintf(stderr, "%s: %s\n", pkv_strerror(err), pkv_last_error());
        exit(1);
    }
}

int main(int argc, char **argv) {
    pkv_store *store;
    pkv_client *client;

    /* Directives have the names of redis.conf. With "appendonly yes" whatever was acknowledged survives a
     * kill. */
    const char *const directives[] = {"appendonly", "yes", NULL};
    check(argc > 1 ? pkv_open(argv[1], directives, &store) : pkv_open_memory(NULL, &store));
    check(pkv_client_new(store, &client)); /* one for each thread */

    /* Strings and numbers. */
    check(pkv_set(client, PKV_LIT("name"), PKV_LIT("Ada")));
    char *name;
    size_t len;
    check(pkv_get(client, PKV_LIT("name"), &name, &len));
    printf("name is %s, of %zu bytes\n", name, len);
    pkv_free(name);

    int64_t visits;
    check(pkv_incrby(client, PKV_LIT("visits"), 1, &visits));
    printf("visit number %lld\n", (long long)visits);

    check(pkv_set_with(client, PKV_LIT("session"), PKV_LIT("token"), 30000, PKV_SET_NX, NULL));

    /* Hashes, lists, sets, sorted sets. */
    check(pkv_hset(client, PKV_LIT("user:1"), PKV_LIT("city"), PKV_LIT("London"), NULL));
    check(pkv_hset(client, PKV_LIT("user:1"), PKV_LIT("born"), PKV_LIT("1815"), NULL));
    pkv_reply *fields;
    check(pkv_hgetall(client, PKV_LIT("user:1"), &fields));
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        printf("user:1 %s = %s\n", fields->element[i]->str, fields->element[i + 1]->str);
    pkv_reply_free(fields);

    check(pkv_zadd(client, PKV_LIT("scores"), 99.5, PKV_LIT("Ada"), NULL));
    check(pkv_zadd(client, PKV_LIT("scores"), 87, PKV_LIT("Bob"), NULL));

    /* Any other command, as with hiredis; a reply is laid out as its redisReply. */
    const char *command[] = {"ZRANGE", "scores", "0", "-1", "REV", "WITHSCORES"};
    pkv_reply *reply = pkv_command_argv(client, 6, command, NULL);
    if (reply == NULL)
        check(pkv_last_error_code());
    else if (reply->type == PKV_REPLY_ERROR)
        printf("refused: %s\n", reply->str);
    else
        for (size_t i = 0; i + 1 < reply->elements; i += 2)
            printf("%s has %s\n", reply->element[i]->str, reply->element[i + 1]->str);
    pkv_reply_free(reply);

    /* A mistake is told in Redis's words. */
    pkv_err err = pkv_incrby(client, PKV_LIT("name"), 1, NULL);
    printf("adding to a name: %s: %s\n", pkv_strerror(err), pkv_last_error());

    pkv_client_free(client);
    check(pkv_close(&store));
    return 0;
}
