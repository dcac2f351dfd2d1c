/*
 * A host that forks: in the child every call on what the parent made is refused at once, whatever locks were
 * held when it forked; nothing of the parent's is touched, and the parent goes on.
 */
#include "calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const LOGGED[] = {"save", "3600 1", "appendonly", "yes", NULL};
static const char *const UNSYNCED[] = {"save", "3600 1", "appendonly", "yes", "appendfsync", "no", NULL};

static pkv_store *disk;
static pkv_client *of;

/* Runs something in a child, which has ten seconds; what it says is a complaint. */
static void in_child(const char *(*run)(void), char *complaint, size_t size) {
    int from[2], status;
    complaint[0] = 0;
    if (pipe(from)) {
        snprintf(complaint, size, "no pipe");
        return;
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        const char *text = run();
        if (text && write(from[1], text, strlen(text)) < 0)
            _exit(1);
        _exit(0);
    }
    close(from[1]);
    ssize_t got = pid < 0 ? -1 : read(from[0], complaint, size - 1);
    complaint[got > 0 ? got : 0] = 0;
    close(from[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        snprintf(complaint, size, "no child");
    else if (WIFSIGNALED(status))
        snprintf(complaint, size, "the child was ended by signal %d (14: it hung)", WTERMSIG(status));
}

static const char *use_what_the_parent_made(void) {
    static char text[400];
#define CALL(call)                                                                                           \
    do {                                                                                                     \
        pkv_err err_ = (call);                                                                               \
        if (err_ != PKV_ERR_FORKED) {                                                                        \
            snprintf(text, sizeof text, "%s answered %d (%s)", #call, (int)err_, pkv_last_error());          \
            return text;                                                                                     \
        }                                                                                                    \
    } while (0)
    EACH_CALL(CALL, of);
    pkv_client *none;
    pkv_reply *notes;
    CALL(pkv_client_new(disk, &none));
    CALL(pkv_load_notes(disk, &notes));
    const char *ping[] = {"PING"};
    if (pkv_command_argv(of, 1, ping, NULL) != NULL || pkv_last_error_code() != PKV_ERR_FORKED)
        return "PING was answered";
    if (!strstr(pkv_last_error(), "fork"))
        return "the error's text does not say why";
    pkv_client_free(of);
    CALL(pkv_close(&disk));
#undef CALL
    return disk ? "the pointer of a closed store is not NULL" : NULL;
}

static void what_the_parent_made_is_refused(void) {
    const char *dir = scratch_dir("forked"), *log = "appendonlydir/appendonly.aof.1.incr.aof";
    char complaint[400];
    int64_t there;
    /* Without syncs the parent itself leaves its file alone, once room for more is prepared. */
    CHECK_OK(pkv_open(dir, UNSYNCED, &disk));
    CHECK_OK(pkv_client_new(disk, &of));
    CHECK_OK(pkv_set(of, PKV_LIT("before"), PKV_LIT("v")));
    long long logged = -1;
    for (int same = 0; same < 6; same++) {
        if (logged != file_print(dir, log))
            same = 0;
        logged = file_print(dir, log);
        usleep(300000);
    }
    in_child(use_what_the_parent_made, complaint, sizeof complaint);
    CHECK(!complaint[0], "%s", complaint);
    CHECK(logged > 0 && file_print(dir, log) == logged && file_print(dir, "dump.rdb") == -1,
          "the child touched the parent's files");
    CHECK_OK(pkv_set(of, PKV_LIT("after"), PKV_LIT("v")));
    pkv_client_free(of);
    CHECK_OK(pkv_close(&disk));
    CHECK_OK(pkv_open(dir, LOGGED, &disk));
    CHECK_OK(pkv_client_new(disk, &of));
    const char *keys[] = {"before", "after"};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(pkv_exists(of, keys[i], strlen(keys[i]), &there));
        CHECK(there == 1, "what was written %s the fork is gone", keys[i]);
    }
    pkv_client_free(of);
    CHECK_OK(pkv_close(&disk));
}

static atomic_int stop, rounds;

/* Keeps locks of all kinds busy: of the log, of the snapshot, of shards, of the client itself. */
static void *write_on(void *client_of) {
    pkv_client *mine = client_of;
    while (!stop) {
        pkv_reply *answer = command(mine, "SET", "busy", "v", NULL);
        if (!answer || answer->type != PKV_REPLY_STATUS)
            return "a write failed in the parent";
        pkv_reply_free(answer);
        if (rounds++ % 100 == 0)
            pkv_bgsave(mine);
    }
    return NULL;
}

static void a_child_never_hangs(void) {
    pkv_client *busy;
    pthread_t thread;
    char complaint[400] = "";
    void *wrong;
    CHECK_OK(pkv_open(scratch_dir("busy"), LOGGED, &disk));
    CHECK_OK(pkv_client_new(disk, &busy));
    stop = rounds = 0;
    CHECK(pthread_create(&thread, NULL, write_on, busy) == 0, "no thread");
    for (int i = 0; i < 25 && !complaint[0]; i++) {
        int seen = rounds;
        while (rounds < seen + 20)
            sched_yield();
        of = busy; /* in use by the thread, at any place inside */
        in_child(use_what_the_parent_made, complaint, sizeof complaint);
    }
    stop = 1;
    pthread_join(thread, &wrong);
    pkv_client_free(busy);
    CHECK_OK(pkv_close(&disk));
    CHECK(!complaint[0], "%s", complaint);
    CHECK(!wrong, "%s", (char *)wrong);
}

static const char *parents_dir, *childs_dir;

static const char *open_its_own(void) {
    static char text[400];
    pkv_store *own;
    pkv_client *of_own;
    int64_t sum;
    if (pkv_open(parents_dir, LOGGED, &own) != PKV_ERR_LOCKED)
        return "the child opened the parent's directory";
    for (int round = 1; round <= 2; round++) {
        if (pkv_open(childs_dir, LOGGED, &own) || pkv_client_new(own, &of_own) ||
            pkv_incrby(of_own, PKV_LIT("n"), 1, &sum) || sum != round) {
            snprintf(text, sizeof text, "in a store of the child's own: %s", pkv_last_error());
            return text;
        }
        pkv_client_free(of_own);
        if (pkv_close(&own))
            return "the child's store does not close";
    }
    return NULL;
}

static void a_child_may_open_its_own(void) {
    char parents[4096], childs[4096], complaint[400];
    parents_dir = strcpy(parents, scratch_dir("parents"));
    childs_dir = strcpy(childs, scratch_dir("childs"));
    CHECK_OK(pkv_open(parents, LOGGED, &disk));
    in_child(open_its_own, complaint, sizeof complaint);
    CHECK_OK(pkv_close(&disk));
    CHECK(!complaint[0], "%s", complaint);
}

/* A child that lives on must not keep the parent from opening its directory again. */
static void the_parent_may_open_again_while_a_child_lives(void) {
    int until[2];
    const char *dir = scratch_dir("again");
    CHECK_OK(pkv_open(dir, LOGGED, &disk));
    CHECK(pipe(until) == 0, "no pipe");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char nothing;
        alarm(60);
        close(until[1]);
        _exit(read(until[0], &nothing, 1) != 0);
    }
    pkv_err closed = pkv_close(&disk);
    pkv_err again = pkv_open(dir, LOGGED, &disk);
    char why[300];
    snprintf(why, sizeof why, "%s", pkv_last_error());
    close(until[0]);
    close(until[1]);
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK_OK(closed);
    CHECK(again == PKV_OK, "while the child lived: %s", why);
    CHECK_OK(pkv_close(&disk));
    CHECK(status == 0, "the child ended with %x", status);
}

const struct test fork_tests[] = {
    {"what the parent made is refused", what_the_parent_made_is_refused},
    {"a child never hangs", a_child_never_hangs},
    {"a child may open its own", a_child_may_open_its_own},
    {"the parent may open again while a child lives", the_parent_may_open_again_while_a_child_lives},
    {NULL, NULL},
};
