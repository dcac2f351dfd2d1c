/* hiredis against a running server: hiredis SOCKET */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks;

static void check(int holds, const char *what) {
    checks++;
    if (!holds) {
        fprintf(stderr, "hiredis: %s\n", what);
        exit(1);
    }
}

static redisReply *call(redisContext *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(c, format, arguments);
    va_end(arguments);
    if (reply == NULL) {
        fprintf(stderr, "hiredis: %s: %s\n", format, c->errstr);
        exit(1);
    }
    return reply;
}

int main(int argc, char **argv) {
    redisContext *c = redisConnectUnix(argc > 1 ? argv[1] : "/tmp/redis.sock");
    check(c != NULL && c->err == 0, "it connects");
    freeReplyObject(call(c, "FLUSHALL"));
    redisReply *reply = call(c, "SET k %b", "a\0b", (size_t)3);
    check(reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0, "SET");
    freeReplyObject(reply);
    reply = call(c, "GET k");
    check(reply->type == REDIS_REPLY_STRING && reply->len == 3 && memcmp(reply->str, "a\0b", 3) == 0, "GET");
    freeReplyObject(reply);
    reply = call(c, "GET none");
    check(reply->type == REDIS_REPLY_NIL, "nothing");
    freeReplyObject(reply);
    reply = call(c, "LPUSH k 1");
    check(reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) == 0, "WRONGTYPE");
    freeReplyObject(reply);
    for (int n = 0; n < 10000; n++)
        redisAppendCommand(c, "RPUSH l %d", n);
    for (int n = 0; n < 10000; n++) {
        check(redisGetReply(c, (void **)&reply) == REDIS_OK && reply->integer == n + 1, "a pipeline");
        freeReplyObject(reply);
    }
    reply = call(c, "LRANGE l 0 -1");
    check(reply->type == REDIS_REPLY_ARRAY && reply->elements == 10000, "LRANGE");
    freeReplyObject(reply);
    redisFree(c);
    printf("hiredis: %d checks passed\n", checks);
    return 0;
}
