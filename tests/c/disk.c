/*
 * Stores in directories: what is kept, who may open them, what damage does, what a kill leaves.
 */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const LOGGED[] = {"save", "", "appendonly", "yes", NULL};
static const char *const SAVED[] = {"save", "3600 1", "appendonly", "no", NULL};
static const char *const NEITHER[] = {"save", "", "appendonly", "no", NULL};

static pkv_store *disk;
static pkv_client *of;

static pkv_err open_disk(const char *dir, const char *const *directives) {
    pkv_err err = pkv_open(dir, directives, &disk);
    return err ? err : pkv_client_new(disk, &of);
}

static pkv_err close_disk(void) {
    pkv_client_free(of);
    of = NULL;
    return pkv_close(&disk);
}

static void what_is_kept(void) {
    const struct {
        const char *name;
        const char *const *directives;
        int64_t kept;
    } modes[] = {{"none", NEITHER, 0}, {"saved", SAVED, 1}, {"logged", LOGGED, 1}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        int64_t there;
        CHECK_OK(open_disk(scratch_dir(modes[i].name), modes[i].directives));
        CHECK_OK(pkv_set(of, PKV_LIT("k"), PKV_LIT("v")));
        CHECK_OK(close_disk());
        CHECK_OK(open_disk(scratch_dir(modes[i].name), modes[i].directives));
        CHECK_OK(pkv_exists(of, PKV_LIT("k"), &there));
        CHECK_OK(close_disk());
        CHECK(there == modes[i].kept, "%s: after opening again the key %s", modes[i].name,
              there ? "is there" : "is gone");
    }
}

static void saving_on_demand(void) {
    const char *dir = scratch_dir("on-demand");
    int64_t there;
    CHECK_OK(open_disk(dir, NEITHER));
    CHECK_OK(pkv_set(of, PKV_LIT("a"), PKV_LIT("v")));
    CHECK_OK(pkv_save(of));
    CHECK(file_print(dir, "dump.rdb") >= 0, "SAVE made no dump.rdb");
    CHECK_OK(pkv_set(of, PKV_LIT("b"), PKV_LIT("v")));
    CHECK_OK(pkv_bgsave(of));
    CHECK_OK(pkv_set(of, PKV_LIT("c"), PKV_LIT("v"))); /* behind the cut */
    for (int running = 1; running;) {
        pkv_reply *info = command(of, "INFO", "persistence", NULL);
        CHECK(info && info->str && strstr(info->str, "rdb_bgsave_in_progress"), "no INFO");
        running = strstr(info->str, "rdb_bgsave_in_progress:1") != NULL;
        pkv_reply_free(info);
        usleep(1000);
    }
    CHECK_OK(close_disk());
    CHECK_OK(open_disk(dir, NEITHER));
    const char *keys = "abc";
    for (int i = 0; i < 3; i++) {
        CHECK_OK(pkv_exists(of, keys + i, 1, &there));
        CHECK(there == (i < 2), "key %c %s in the snapshot", keys[i], there ? "is" : "is not");
    }
    CHECK_OK(close_disk());
}

static void a_directory_opened_twice_is_one_store(void) {
    const char *dir = scratch_dir("twice");
    char roundabout[4200];
    pkv_store *again;
    pkv_client *other;
    int64_t there;
    CHECK_OK(open_disk(dir, LOGGED));
    snprintf(roundabout, sizeof roundabout, "%s/../%s", dir, strrchr(dir, '/') + 1);
    CHECK_OK(pkv_open(roundabout, LOGGED, &again));
    CHECK_OK(pkv_client_new(again, &other));
    CHECK_OK(pkv_set(of, PKV_LIT("k"), PKV_LIT("v")));
    CHECK_OK(pkv_exists(other, PKV_LIT("k"), &there));
    CHECK_INT(1, there);
    CHECK_OK(close_disk());
    CHECK_ERR(PKV_ERR_CLOSED, pkv_exists(other, PKV_LIT("k"), &there));
    pkv_client_free(other);
    CHECK_OK(pkv_close(&again));
}

/* Starts a program with its input and output in pipes. */
static pid_t start(const char *program, const char *first, const char *second, int *in, int *out) {
    int to[2], from[2];
    if (pipe(to) || pipe(from))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        for (int fd = 3; fd < 256; fd++)
            close(fd);
        execl(program, program, first, second, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    *in = to[1];
    *out = from[0];
    return pid;
}

static void a_second_process_is_refused(void) {
    const char *dir = scratch_dir("locked");
    char line[300] = "", pid_text[20];
    int in, out, status;
    pid_t pid = start(self, "--hold", dir, &in, &out);
    CHECK(pid > 0, "no process");
    ssize_t got = read(out, line, sizeof line - 1);
    pkv_err err = pkv_open(dir, NULL, &disk);
    close(in);
    waitpid(pid, &status, 0);
    close(out);
    CHECK(got > 0 && strncmp(line, "held", 4) == 0, "the other process says: %s", line);
    CHECK(err == PKV_ERR_LOCKED && disk == NULL, "opening it again answered %d", err);
    snprintf(pid_text, sizeof pid_text, " %d", (int)pid);
    CHECK_HAS(pkv_last_error(), pid_text);
    CHECK_HAS(pkv_last_error(), dir);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the other process ended with %x", status);
    CHECK_OK(open_disk(dir, NULL)); /* it is free again */
    CHECK_OK(close_disk());
}

/* A child that outlives its parent must not keep the directory. */
static void a_child_that_is_left_behind_holds_nothing(void) {
    const char *dir = scratch_dir("left-behind");
    char line[300] = "";
    int in, out;
    pid_t pid = start(self, "--hold-and-fork", dir, &in, &out);
    CHECK(pid > 0, "no process");
    ssize_t got = read(out, line, sizeof line - 1);
    pkv_err before = pkv_open(dir, NULL, &disk);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    pkv_err after = pkv_open(dir, NULL, &disk); /* while the child waits for its input to end */
    char why[400];
    snprintf(why, sizeof why, "%s", pkv_last_error());
    close(in);
    while (read(out, line + sizeof line - 1, 1) > 0)
        ;
    close(out);
    CHECK(got > 0 && strncmp(line, "held", 4) == 0, "the other process says: %s", line);
    CHECK_INT(PKV_ERR_LOCKED, before);
    CHECK(after == PKV_OK, "after the parent was killed: %s", why);
    CHECK_OK(pkv_close(&disk));
}

static void wrong_directories(void) {
    char path[4200];
    CHECK_ERR(PKV_ERR_NULL, pkv_open(NULL, NULL, &disk));
    CHECK_ERR(PKV_ERR_NULL, pkv_open(scratch_dir("x"), NULL, NULL));
    snprintf(path, sizeof path, "%s-file", scratch_dir("wrong"));
    FILE *file = fopen(path, "w");
    CHECK(file != NULL, "no file");
    fclose(file);
    CHECK_ERR(PKV_ERR_IO, pkv_open(path, NULL, &disk));
    CHECK_HAS(pkv_last_error(), path);
    strcat(path, "/inside");
    CHECK_ERR(PKV_ERR_IO, pkv_open(path, NULL, &disk));
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_open("\xff", NULL, &disk));
    CHECK(disk == NULL, "a store was opened");
    CHECK(pkv_open("", NULL, &disk) != PKV_OK && disk == NULL, "the empty path was opened");
    CHECK_ERR(PKV_ERR_IO, pkv_open("/proc/persistkv", NULL, &disk));
}

static void damage_is_told_and_left_alone(void) {
    const char *dir = scratch_dir("damaged");
    char path[4200];
    mkdir(dir, 0777);
    snprintf(path, sizeof path, "%s/dump.rdb", dir);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL, "no file");
    fputs("REDIS0009\xfe this is no snapshot at all", file);
    fclose(file);
    long long before = file_print(dir, "dump.rdb");
    CHECK_ERR(PKV_ERR_CORRUPT, pkv_open(dir, SAVED, &disk));
    CHECK_HAS(pkv_last_error(), "dump.rdb");
    CHECK_HAS(pkv_last_error(), "at byte ");
    CHECK_INT(before, file_print(dir, "dump.rdb"));
}

struct lines {
    int count;
    char last[500];
};

static void keep_line(int level, const char *message, void *data) {
    struct lines *lines = data;
    lines->count++;
    snprintf(lines->last, sizeof lines->last, "%d %s", level, message);
}

/* Cuts a file in the midst of the last occurrence of a word. */
static int cut_inside_the_last(const char *path, const char *word) {
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose(file);
    for (size_t at = size; at-- > 0;)
        if (size - at >= strlen(word) && memcmp(bytes + at, word, strlen(word)) == 0)
            return truncate(path, (off_t)at + 2) == 0;
    return 0;
}

/* A torn tail is cut back, and said so: to whoever asks, and to the log callback. */
static void a_torn_log_is_cut_and_said_so(void) {
    char path[4200];
    struct lines lines = {0, ""};
    const char *dir = scratch_dir("torn");
    pkv_reply *notes;
    int64_t n;
    CHECK_OK(open_disk(dir, LOGGED));
    CHECK_OK(pkv_incrby(of, PKV_LIT("n"), 1, NULL));
    CHECK_OK(pkv_incrby(of, PKV_LIT("n"), 1, NULL));
    CHECK_OK(pkv_load_notes(disk, &notes));
    size_t found = notes->elements;
    pkv_reply_free(notes);
    CHECK_INT(0, found);
    CHECK_OK(close_disk());
    snprintf(path, sizeof path, "%s/appendonlydir/appendonly.aof.1.incr.aof", dir);
    CHECK(cut_inside_the_last(path, "INCRBY"), "%s can not be cut", path);
    CHECK_OK(pkv_set_log_callback(keep_line, PKV_LOG_WARN, &lines));
    CHECK_OK(open_disk(dir, LOGGED));
    CHECK_OK(pkv_incrby(of, PKV_LIT("n"), 0, &n));
    CHECK_OK(pkv_load_notes(disk, &notes));
    char note[500] = "";
    found = notes->elements;
    if (found)
        snprintf(note, sizeof note, "%s", notes->element[0]->str);
    pkv_reply_free(notes);
    CHECK_OK(close_disk());
    CHECK_OK(pkv_set_log_callback(NULL, PKV_LOG_OFF, NULL));
    CHECK_INT(1, n);
    CHECK(found > 0, "nothing is noted");
    CHECK_HAS(note, "appendonly.aof.1.incr.aof");
    CHECK(lines.count > 0, "nothing is logged");
    CHECK_HAS(lines.last, "appendonly.aof.1.incr.aof");
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_set_log_callback(keep_line, 9, NULL));
}

/* What crash_writer printed was acknowledged, so it must be there however it was killed. */
static void acknowledged_is_kept_through_a_kill(void) {
    const char *policies[] = {"everysec", "always", "no"};
    for (int round = 0; round < 3; round++) {
        const char *dir = scratch_dir("killed");
        char text[65536];
        long long last = 0;
        int in, out, status;
        pid_t pid = start(crash_writer, dir, policies[round], &in, &out);
        CHECK(pid > 0, "no process");
        /* Some hundred numbers, then the kill, in the midst of writing. */
        size_t filled = 0;
        for (int lines = 0; lines < 200;) {
            ssize_t got = read(out, text + filled, sizeof text - 1 - filled);
            if (got <= 0)
                break;
            for (ssize_t i = 0; i < got; i++)
                lines += text[filled + (size_t)i] == '\n';
            filled += (size_t)got;
        }
        kill(pid, SIGKILL);
        for (ssize_t got;
             filled < sizeof text - 1 && (got = read(out, text + filled, sizeof text - 1 - filled)) > 0;)
            filled += (size_t)got;
        waitpid(pid, &status, 0);
        close(in);
        close(out);
        text[filled] = 0;
        CHECK(WIFSIGNALED(status) && filled, "crash_writer ended with %x and wrote %zu bytes", status,
              filled);
        CHECK_OK(open_disk(dir, LOGGED));
        long long missing = 0, lines = 0;
        for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
            char key[40];
            int64_t there;
            last = atoll(line);
            int len = snprintf(key, sizeof key, "event:%lld", last);
            CHECK_OK(pkv_exists(of, key, (size_t)len, &there));
            missing += !there;
        }
        int64_t counter;
        CHECK_OK(pkv_incrby(of, PKV_LIT("counter"), 0, &counter));
        CHECK_OK(close_disk());
        /* Cut off by the reader's buffer, the last line may be less than what was written. */
        CHECK(lines >= 200 && missing == 0 && counter >= last,
              "%s: %lld of %lld acknowledged numbers are missing; the last is %lld, the counter %" PRId64,
              policies[round], missing, lines, last, counter);
    }
}

const struct test disk_tests[] = {
    {"what is kept", what_is_kept},
    {"saving on demand", saving_on_demand},
    {"a directory opened twice is one store", a_directory_opened_twice_is_one_store},
    {"a second process is refused", a_second_process_is_refused},
    {"a child that is left behind holds nothing", a_child_that_is_left_behind_holds_nothing},
    {"wrong directories", wrong_directories},
    {"damage is told and left alone", damage_is_told_and_left_alone},
    {"a torn log is cut and said so", a_torn_log_is_cut_and_said_so},
    {"acknowledged is kept through a kill", acknowledged_is_kept_through_a_kill},
    {NULL, NULL},
};
