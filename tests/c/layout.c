/*
 * The layout of replies is that of hiredis: its declaration is repeated here by hand, and compared when
 * compiling.
 */
#include "test.h"

/* As in hiredis.h of version 1.x. */
typedef struct redisReply {
    int type;
    long long integer;
    double dval;
    size_t len;
    char *str;
    char vtype[4];
    size_t elements;
    struct redisReply **element;
} redisReply;

#define SAME(field)                                                                                          \
    _Static_assert(offsetof(pkv_reply, field) == offsetof(redisReply, field), #field " is elsewhere");       \
    _Static_assert(sizeof(((pkv_reply *)0)->field) == sizeof(((redisReply *)0)->field),                      \
                   #field " has another size")

SAME(type);
SAME(integer);
SAME(dval);
SAME(len);
SAME(str);
SAME(vtype);
SAME(elements);
SAME(element);
_Static_assert(sizeof(pkv_reply) == sizeof(redisReply), "replies have another size");
_Static_assert(PKV_REPLY_STRING == 1 && PKV_REPLY_ARRAY == 2 && PKV_REPLY_INTEGER == 3 &&
                   PKV_REPLY_NIL == 4 && PKV_REPLY_STATUS == 5 && PKV_REPLY_ERROR == 6 &&
                   PKV_REPLY_DOUBLE == 7 && PKV_REPLY_BOOL == 8 && PKV_REPLY_MAP == 9 &&
                   PKV_REPLY_SET == 10 && PKV_REPLY_ATTR == 11 && PKV_REPLY_PUSH == 12 &&
                   PKV_REPLY_BIGNUM == 13 && PKV_REPLY_VERB == 14,
               "types have hiredis's numbers");
_Static_assert(sizeof(pkv_err) == 4, "error codes are of 32 bits");
_Static_assert(PKV_OK == 0 && PKV_ERR_COMMAND == 1 && PKV_ERR_WRONG_TYPE == 2 && PKV_ERR_ARGUMENT == 3 &&
                   PKV_ERR_CONFIG == 4 && PKV_ERR_IO == 5 && PKV_ERR_CORRUPT == 6 && PKV_ERR_LOCKED == 7 &&
                   PKV_ERR_CLOSED == 8 && PKV_ERR_FORKED == 9 && PKV_ERR_NOT_DURABLE == 10 &&
                   PKV_ERR_OUT_OF_MEMORY == 11 && PKV_ERR_INTERNAL == 12 && PKV_ERR_NULL == 100 &&
                   PKV_ERR_BUSY == 101 && PKV_ERR_NO_MEMORY == 102 && PKV_QUEUED == 103 && PKV_CHANGED == 104,
               "error numbers never change");

/* What a hiredis user does with an answer. */
static void a_reply_reads_as_one_of_hiredis(void) {
    pkv_reply_free(command(client, "RPUSH", "list", "one", "two", NULL));
    pkv_reply *reply = command(client, "LRANGE", "list", "0", "-1", NULL);
    redisReply *theirs = (redisReply *)(void *)reply;
    int good = theirs && theirs->type == 2 && theirs->elements == 2 && theirs->element[1]->type == 1 &&
               theirs->element[1]->len == 3 && strcmp(theirs->element[1]->str, "two") == 0;
    pkv_reply_free(reply);
    CHECK(good, "LRANGE does not read as a redisReply");
}

static void header_and_library_agree(void) {
    CHECK(strcmp(PKV_VERSION, pkv_version()) == 0, "header %s, library %s", PKV_VERSION, pkv_version());
}

const struct test layout_tests[] = {
    {"a reply reads as one of hiredis", a_reply_reads_as_one_of_hiredis},
    {"header and library agree", header_and_library_agree},
    {NULL, NULL},
};
