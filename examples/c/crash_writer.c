/*
 * Writes until it is killed, and prints each number once it is acknowledged. Kill it as hard as you like
 * (kill -9), then look into the directory: every number that was printed is there. Started again, it goes on
 * where it was.
 *
 *     crash_writer DIR [always|everysec|no]
 *
 * For each number n it does INCR counter and SET event:n n, in this order.
 */
#include <persistkv.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: crash_writer DIR [always|everysec|no]\n");
        return 2;
    }
    const char *const directives[] = {
        "save", "", "appendonly", "yes", "appendfsync", argc > 2 ? argv[2] : "everysec", NULL};
    pkv_store *store;
    pkv_client *client;
    if (pkv_open(argv[1], directives, &store) || pkv_client_new(store, &client)) {
        fprintf(stderr, "crash_writer: %s\n", pkv_last_error());
        return 1;
    }
    for (;;) {
        int64_t number;
        char key[40], line[24];
        if (pkv_incrby(client, PKV_LIT("counter"), 1, &number))
            break;
        int key_len = snprintf(key, sizeof key, "event:%lld", (long long)number);
        int line_len = snprintf(line, sizeof line, "%lld\n", (long long)number);
        if (pkv_set(client, key, (size_t)key_len, line, (size_t)line_len - 1))
            break;
        /* Acknowledged: from here on the number must not be lost. One write, no buffer. */
        if (write(STDOUT_FILENO, line, (size_t)line_len) != line_len)
            return 0; /* nobody listens any more */
    }
    fprintf(stderr, "crash_writer: %s\n", pkv_last_error());
    return 1;
}
