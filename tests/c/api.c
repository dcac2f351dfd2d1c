/*
 * What the calls do when all is well.
 */
#include "test.h"

#include <stdlib.h>

static void strings(void) {
    char *value;
    size_t len;
    int64_t n;
    CHECK_OK(pkv_get(client, PKV_LIT("k"), &value, &len));
    CHECK(value == NULL && len == 0, "a missing key has a value");
    CHECK_OK(pkv_set(client, PKV_LIT("k"), "a\0b", 3));
    CHECK_OK(pkv_get(client, PKV_LIT("k"), &value, &len));
    int same = len == 3 && memcmp(value, "a\0b", 4) == 0;
    pkv_free(value);
    CHECK(same, "bytes with a NUL inside come back changed, or without a NUL behind them");
    CHECK_OK(pkv_set(client, NULL, 0, NULL, 0)); /* the empty key, the empty value */
    CHECK_OK(pkv_get(client, PKV_LIT(""), &value, &len));
    same = value != NULL && len == 0 && value[0] == 0;
    pkv_free(value);
    CHECK(same, "the empty value is not there");

    CHECK_OK(pkv_exists(client, PKV_LIT("k"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_del(client, PKV_LIT("k"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_del(client, PKV_LIT("k"), &n));
    CHECK_INT(0, n);
    CHECK_OK(pkv_exists(client, PKV_LIT("k"), &n));
    CHECK_INT(0, n);
    CHECK_OK(pkv_incrby(client, PKV_LIT("n"), INT64_MIN, NULL));
    CHECK_OK(pkv_incrby(client, PKV_LIT("n"), 8, &n));
    CHECK_INT(INT64_MIN + 8, n);
}

static void set_with_options(void) {
    int64_t n;
    CHECK_OK(pkv_set_with(client, PKV_LIT("k"), PKV_LIT("v"), 0, PKV_SET_XX, &n));
    CHECK_INT(0, n);
    CHECK_OK(pkv_set_with(client, PKV_LIT("k"), PKV_LIT("v"), 100000, PKV_SET_NX, &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_ttl(client, PKV_LIT("k"), &n));
    CHECK(n == 99 || n == 100, "ttl is %" PRId64, n);
    CHECK_OK(pkv_set_with(client, PKV_LIT("k"), PKV_LIT("w"), 0, PKV_SET_XX | PKV_SET_KEEPTTL, &n));
    CHECK_OK(pkv_set_with(client, PKV_LIT("k"), PKV_LIT("w"), 0, PKV_SET_KEEPTTL, NULL));
    CHECK_OK(pkv_ttl(client, PKV_LIT("k"), &n));
    CHECK(n == 99 || n == 100, "ttl is %" PRId64, n);
    CHECK_OK(pkv_set_with(client, PKV_LIT("k"), PKV_LIT("w"), 0, PKV_SET_NX, &n));
    CHECK_INT(0, n);
    CHECK_OK(pkv_set_with(client, PKV_LIT("k"), PKV_LIT("w"), 50000, 0, &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_set_with(client, PKV_LIT("k"), PKV_LIT("w"), 0, 0, &n));
    CHECK_OK(pkv_ttl(client, PKV_LIT("k"), &n));
    CHECK_INT(-1, n);
}

static void expiry(void) {
    int64_t n;
    CHECK_OK(pkv_ttl(client, PKV_LIT("k"), &n));
    CHECK_INT(-2, n);
    CHECK_OK(pkv_expire(client, PKV_LIT("k"), 5, &n));
    CHECK_INT(0, n);
    CHECK_OK(pkv_set(client, PKV_LIT("k"), PKV_LIT("v")));
    CHECK_OK(pkv_expire(client, PKV_LIT("k"), 500, &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_ttl(client, PKV_LIT("k"), &n));
    CHECK(n == 499 || n == 500, "ttl is %" PRId64, n);
    CHECK_OK(pkv_expire(client, PKV_LIT("k"), -1, NULL));
    CHECK_OK(pkv_exists(client, PKV_LIT("k"), &n));
    CHECK_INT(0, n);
}

static void hashes(void) {
    int64_t n;
    char *value;
    size_t len;
    pkv_reply *fields;
    CHECK_OK(pkv_hset(client, PKV_LIT("h"), PKV_LIT("f"), PKV_LIT("1"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_hset(client, PKV_LIT("h"), PKV_LIT("f"), PKV_LIT("two"), &n));
    CHECK_INT(0, n);
    CHECK_OK(pkv_hget(client, PKV_LIT("h"), PKV_LIT("f"), &value, &len));
    int same = len == 3 && strcmp(value, "two") == 0;
    pkv_free(value);
    CHECK(same, "HGET gives something else");
    CHECK_OK(pkv_hgetall(client, PKV_LIT("h"), &fields));
    same = fields->type == PKV_REPLY_ARRAY && fields->elements == 2 &&
           strcmp(fields->element[0]->str, "f") == 0 && strcmp(fields->element[1]->str, "two") == 0;
    pkv_reply_free(fields);
    CHECK(same, "HGETALL gives something else");
    CHECK_OK(pkv_hdel(client, PKV_LIT("h"), PKV_LIT("f"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_hget(client, PKV_LIT("h"), PKV_LIT("f"), &value, &len));
    CHECK(value == NULL, "a deleted field has a value");
    CHECK_OK(pkv_hgetall(client, PKV_LIT("h"), &fields));
    same = fields->type == PKV_REPLY_ARRAY && fields->elements == 0 && fields->element == NULL;
    pkv_reply_free(fields);
    CHECK(same, "HGETALL of a missing key is not an empty array");
}

static void lists(void) {
    int64_t n;
    char *value;
    size_t len;
    CHECK_OK(pkv_rpush(client, PKV_LIT("l"), PKV_LIT("b"), &n));
    CHECK_OK(pkv_rpush(client, PKV_LIT("l"), PKV_LIT("c"), NULL));
    CHECK_OK(pkv_lpush(client, PKV_LIT("l"), PKV_LIT("a"), &n));
    CHECK_INT(3, n);
    CHECK_OK(pkv_lpop(client, PKV_LIT("l"), &value, &len));
    int same = len == 1 && value[0] == 'a';
    pkv_free(value);
    CHECK(same, "LPOP gives something else");
    CHECK_OK(pkv_rpop(client, PKV_LIT("l"), &value, &len));
    same = len == 1 && value[0] == 'c';
    pkv_free(value);
    CHECK(same, "RPOP gives something else");
    CHECK_OK(pkv_llen(client, PKV_LIT("l"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_lpop(client, PKV_LIT("none"), &value, &len));
    CHECK(value == NULL, "an element of no list");
}

static void sets(void) {
    int64_t n;
    CHECK_OK(pkv_sadd(client, PKV_LIT("s"), PKV_LIT("a"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_sadd(client, PKV_LIT("s"), PKV_LIT("a"), &n));
    CHECK_INT(0, n);
    CHECK_OK(pkv_sismember(client, PKV_LIT("s"), PKV_LIT("a"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_srem(client, PKV_LIT("s"), PKV_LIT("a"), &n));
    CHECK_INT(1, n);
    CHECK_OK(pkv_sismember(client, PKV_LIT("s"), PKV_LIT("a"), &n));
    CHECK_INT(0, n);
}

static void sorted_sets(void) {
    const double scores[] = {0, -0.1, 3.5, 1e300, 5e-324, 1.0 / 3, 9007199254740993.0};
    int64_t n;
    double score;
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++)
        for (int resp3 = 0; resp3 <= 1; resp3++) {
            CHECK_OK(pkv_client_set_resp3(client, resp3));
            CHECK_OK(pkv_zadd(client, PKV_LIT("z"), scores[i], PKV_LIT("m"), &n));
            CHECK_INT(i == 0 && resp3 == 0, n);
            CHECK_OK(pkv_zscore(client, PKV_LIT("z"), PKV_LIT("m"), &score, &n));
            CHECK(n == 1 && score == scores[i], "score %.17g came back as %.17g", scores[i], score);
        }
    CHECK_OK(pkv_zscore(client, PKV_LIT("z"), PKV_LIT("other"), &score, &n));
    CHECK(n == 0 && score == 0, "a score of no member");
    double zero = 0;
    CHECK_ERR(PKV_ERR_COMMAND, pkv_zadd(client, PKV_LIT("z"), zero / zero, PKV_LIT("m"), NULL));
    CHECK_HAS(pkv_last_error(), "ERR value is not a valid float");
}

static void any_command(void) {
    const char *argv[] = {"SET", "k\0ey", "v"};
    const size_t lengths[] = {3, 4, 1};
    pkv_reply *reply = pkv_command_argv(client, 3, argv, lengths);
    int good = reply && reply->type == PKV_REPLY_STATUS && reply->len == 2 && strcmp(reply->str, "OK") == 0;
    pkv_reply_free(reply);
    CHECK(good, "SET does not answer OK: %s", pkv_last_error());
    reply = command(client, "STRLEN", "k", NULL);
    good = reply && reply->type == PKV_REPLY_INTEGER && reply->integer == 0 && reply->str == NULL;
    pkv_reply_free(reply);
    CHECK(good, "STRLEN of another key is not 0");
    reply = command(client, "GET", "none", NULL);
    good = reply && reply->type == PKV_REPLY_NIL && reply->str == NULL;
    pkv_reply_free(reply);
    CHECK(good, "GET of a missing key is not nil");
    reply = command(client, "NOSUCH", NULL);
    good = reply && reply->type == PKV_REPLY_ERROR && strncmp(reply->str, "ERR unknown command", 19) == 0 &&
           reply->len == strlen(reply->str);
    pkv_reply_free(reply);
    CHECK(good, "an unknown command does not answer an error reply");
    CHECK_INT(PKV_ERR_COMMAND, pkv_last_error_code());
}

static void replies_follow_the_protocol(void) {
    pkv_reply_free(command(client, "HSET", "h", "f", "v", NULL));
    pkv_reply_free(command(client, "ZADD", "z", "1.5", "m", NULL));
    for (int resp3 = 0; resp3 <= 1; resp3++) {
        CHECK_OK(pkv_client_set_resp3(client, resp3));
        pkv_reply *all = command(client, "HGETALL", "h", NULL);
        pkv_reply *score = command(client, "ZSCORE", "z", "m", NULL);
        pkv_reply *members = command(client, "SMEMBERS", "none", NULL);
        int good = all && score && members && all->elements == 2 && strcmp(score->str, "1.5") == 0 &&
                   all->type == (resp3 ? PKV_REPLY_MAP : PKV_REPLY_ARRAY) &&
                   score->type == (resp3 ? PKV_REPLY_DOUBLE : PKV_REPLY_STRING) &&
                   score->dval == (resp3 ? 1.5 : 0) &&
                   members->type == (resp3 ? PKV_REPLY_SET : PKV_REPLY_ARRAY) && members->elements == 0;
        pkv_reply_free(all);
        pkv_reply_free(score);
        pkv_reply_free(members);
        CHECK(good, "shapes are not those of RESP%d", resp3 ? 3 : 2);
    }
}

static void big_values(void) {
    size_t len = 20 * 1024 * 1024, got;
    char *big = malloc(len), *value = NULL;
    if (big)
        memset(big, 'x', len);
    CHECK(big != NULL, "no memory");
    pkv_err set = pkv_set(client, PKV_LIT("big"), big, len);
    pkv_err get = pkv_get(client, PKV_LIT("big"), &value, &got);
    int same = set == PKV_OK && get == PKV_OK && got == len && memcmp(value, big, len) == 0;
    pkv_free(value);
    pkv_reply_free(command(client, "RPUSH", "l", "small", NULL));
    CHECK_OK(pkv_rpush(client, PKV_LIT("l"), big, len, NULL));
    pkv_reply *reply = command(client, "LRANGE", "l", "0", "-1", NULL);
    same = same && reply && reply->elements == 2 && reply->element[1]->len == len &&
           memcmp(reply->element[1]->str, big, len) == 0;
    pkv_reply_free(reply);
    free(big);
    CHECK(same, "20 MB come back changed");
}

static void many_elements(void) {
    for (int i = 0; i < 3000; i++) {
        char element[16];
        int len = snprintf(element, sizeof element, "%d", i);
        CHECK_OK(pkv_rpush(client, PKV_LIT("l"), element, (size_t)len, NULL));
    }
    pkv_reply *reply = command(client, "LRANGE", "l", "0", "-1", NULL);
    int wrong = !reply || reply->elements != 3000;
    for (int i = 0; !wrong && i < 3000; i++)
        wrong = atoi(reply->element[i]->str) != i;
    pkv_reply_free(reply);
    CHECK(!wrong, "LRANGE does not give what was pushed");
}

static void databases_belong_to_the_client(void) {
    pkv_client *other;
    int64_t here, there;
    CHECK_OK(pkv_client_new(store, &other));
    pkv_reply_free(command(other, "SELECT", "7", NULL));
    CHECK_OK(pkv_set(other, PKV_LIT("k"), PKV_LIT("v")));
    pkv_err err = pkv_exists(client, PKV_LIT("k"), &here);
    pkv_err other_err = pkv_exists(other, PKV_LIT("k"), &there);
    pkv_client_free(other);
    CHECK(err == PKV_OK && other_err == PKV_OK && here == 0 && there == 1,
          "SELECT of one client moved the other");
}

static void directives_can_be_listed(void) {
    const char *names[] = {"save", "appendonly", "appendfsync", "databases"};
    size_t count = 0, found = 0;
    for (const pkv_directive *it; (it = pkv_directive_at(count)) != NULL; count++) {
        CHECK(it->name && it->default_value && it->values[0] && it->summary[0], "directive %zu is not whole",
              count);
        const char *const one[] = {it->name, it->default_value, NULL};
        pkv_store *with;
        CHECK_OK(pkv_open_memory(one, &with));
        CHECK_OK(pkv_close(&with));
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            found += strcmp(names[i], it->name) == 0;
    }
    CHECK_INT(sizeof names / sizeof *names, found);
    CHECK(pkv_directive_at(count + 1) == NULL && pkv_directive_at(SIZE_MAX) == NULL,
          "directives behind the last");
}

static void directives_are_obeyed(void) {
    const char *const three[] = {"databases", "3", NULL};
    pkv_store *with;
    pkv_client *of;
    CHECK_OK(pkv_open_memory(three, &with));
    CHECK_OK(pkv_client_new(with, &of));
    pkv_reply *last = command(of, "SELECT", "2", NULL), *behind = command(of, "SELECT", "3", NULL);
    int good = last && behind && last->type == PKV_REPLY_STATUS && behind->type == PKV_REPLY_ERROR;
    pkv_reply_free(last);
    pkv_reply_free(behind);
    pkv_client_free(of);
    CHECK_OK(pkv_close(&with));
    CHECK(good, "databases 3 does not give three");
}

static void codes_have_words(void) {
    CHECK(strcmp(pkv_strerror(PKV_OK), "ok") == 0, "%s", pkv_strerror(PKV_OK));
    CHECK_HAS(pkv_strerror(PKV_ERR_LOCKED), "locked");
    CHECK_HAS(pkv_strerror(-1), "unknown");
    CHECK_HAS(pkv_strerror(INT32_MAX), "unknown");
}

const struct test api_tests[] = {
    {"strings", strings},
    {"set with options", set_with_options},
    {"expiry", expiry},
    {"hashes", hashes},
    {"lists", lists},
    {"sets", sets},
    {"sorted sets", sorted_sets},
    {"any command", any_command},
    {"replies follow the protocol", replies_follow_the_protocol},
    {"big values", big_values},
    {"many elements", many_elements},
    {"databases belong to the client", databases_belong_to_the_client},
    {"directives can be listed", directives_can_be_listed},
    {"directives are obeyed", directives_are_obeyed},
    {"codes have words", codes_have_words},
    {NULL, NULL},
};
