/*
 * Calls that wait, and messages.
 */
#include "test.h"

#include <pthread.h>
#include <string.h>

static void *push_when_somebody_waits(void *argument) {
    pkv_client *mine;
    (void)argument;
    if (pkv_client_new(store, &mine) != PKV_OK)
        return "no client";
    int waits = 0;
    while (!waits) {
        pkv_reply *info = command(mine, "INFO", "clients", NULL);
        waits = info != NULL && strstr(info->str, "blocked_clients:1") != NULL;
        pkv_reply_free(info);
    }
    pkv_reply_free(command(mine, "RPUSH", "queue", "job", NULL));
    pkv_client_free(mine);
    return NULL;
}

static void a_thread_that_waits_is_woken(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, push_when_somebody_waits, NULL) == 0, "no thread");
    pkv_reply *got = command(client, "BLPOP", "queue", "0", NULL);
    void *wrong;
    pthread_join(thread, &wrong);
    CHECK(wrong == NULL, "%s", (char *)wrong);
    CHECK(got != NULL && got->type == PKV_REPLY_ARRAY && got->elements == 2, "it was served");
    CHECK(strcmp(got->element[1]->str, "job") == 0, "with %s", got->element[1]->str);
    pkv_reply_free(got);
    got = command(client, "BLPOP", "queue", "0.01", NULL);
    CHECK(got != NULL && got->type == PKV_REPLY_NIL, "its time was over");
    pkv_reply_free(got);
}

static void messages_come_in_order(void) {
    pkv_client *listener;
    CHECK_OK(pkv_client_new(store, &listener));
    pkv_reply *reply = command(listener, "SUBSCRIBE", "news", NULL);
    CHECK(reply != NULL && reply->type == PKV_REPLY_NIL, "it is answered by a message");
    pkv_reply_free(reply);
    pkv_reply_free(command(client, "PUBLISH", "news", "hello", NULL));
    pkv_reply *message;
    CHECK_OK(pkv_next_message(listener, 0, &message));
    CHECK(message != NULL && strcmp(message->element[0]->str, "subscribe") == 0, "first the confirmation");
    pkv_reply_free(message);
    CHECK_OK(pkv_client_set_resp3(listener, 1));
    CHECK_OK(pkv_next_message(listener, -1, &message));
    CHECK(message->type == PKV_REPLY_PUSH && message->elements == 3, "then the message");
    CHECK(strcmp(message->element[2]->str, "hello") == 0, "with its text");
    pkv_reply_free(message);
    CHECK_OK(pkv_next_message(listener, 1, &message));
    CHECK(message == NULL, "and no more");
    CHECK_ERR(PKV_ERR_NULL, pkv_next_message(listener, 0, NULL));
    CHECK_ERR(PKV_ERR_NULL, pkv_next_message(NULL, 0, &message));
    pkv_client_free(listener);
}

const struct test message_tests[] = {
    {"a thread that waits is woken", a_thread_that_waits_is_woken},
    {"messages come in order", messages_come_in_order},
    {NULL, NULL},
};
