/*
 * Every call that takes a client, with room for its answers: for tests in which all must answer the same.
 */
#ifndef PKV_CALLS_H
#define PKV_CALLS_H

#include "test.h"

static char *value;
static size_t len;
static int64_t n;
static double score;
static pkv_reply *reply;

/* Every call on a client, with a good argument in every place. `c` is the client. */
#define EACH_CALL(CALL, c)                                                                                   \
    CALL(pkv_get(c, "k", 1, &value, &len));                                                                  \
    CALL(pkv_set(c, "k", 1, "v", 1));                                                                        \
    CALL(pkv_set_with(c, "k", 1, "v", 1, 0, 0, &n));                                                         \
    CALL(pkv_del(c, "k", 1, &n));                                                                            \
    CALL(pkv_exists(c, "k", 1, &n));                                                                         \
    CALL(pkv_incrby(c, "k", 1, 1, &n));                                                                      \
    CALL(pkv_expire(c, "k", 1, 1, &n));                                                                      \
    CALL(pkv_ttl(c, "k", 1, &n));                                                                            \
    CALL(pkv_hset(c, "k", 1, "f", 1, "v", 1, &n));                                                           \
    CALL(pkv_hget(c, "k", 1, "f", 1, &value, &len));                                                         \
    CALL(pkv_hdel(c, "k", 1, "f", 1, &n));                                                                   \
    CALL(pkv_hgetall(c, "k", 1, &reply));                                                                    \
    CALL(pkv_lpush(c, "k", 1, "e", 1, &n));                                                                  \
    CALL(pkv_rpush(c, "k", 1, "e", 1, &n));                                                                  \
    CALL(pkv_lpop(c, "k", 1, &value, &len));                                                                 \
    CALL(pkv_rpop(c, "k", 1, &value, &len));                                                                 \
    CALL(pkv_llen(c, "k", 1, &n));                                                                           \
    CALL(pkv_sadd(c, "k", 1, "m", 1, &n));                                                                   \
    CALL(pkv_srem(c, "k", 1, "m", 1, &n));                                                                   \
    CALL(pkv_sismember(c, "k", 1, "m", 1, &n));                                                              \
    CALL(pkv_zadd(c, "k", 1, 1.0, "m", 1, &n));                                                              \
    CALL(pkv_zscore(c, "k", 1, "m", 1, &score, &n));                                                         \
    CALL(pkv_save(c));                                                                                       \
    CALL(pkv_bgsave(c));                                                                                     \
    CALL(pkv_watch(c, "k", 1));                                                                              \
    CALL(pkv_unwatch(c));                                                                                    \
    CALL(pkv_multi(c));                                                                                      \
    CALL(pkv_exec(c, &reply));                                                                               \
    CALL(pkv_discard(c));                                                                                    \
    CALL(pkv_client_set_resp3(c, 0))

#endif
