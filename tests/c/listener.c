/*
 * A store that others talk to over a socket.
 */
#include "test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Sends a line to a socket and reads as many bytes of the answer as were wanted. */
static int ask(const char *path, const char *line, const char *wanted) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char got[256];
    size_t len = 0;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        write(fd, line, strlen(line)) == (ssize_t)strlen(line))
        while (len < strlen(wanted)) {
            ssize_t n = read(fd, got + len, strlen(wanted) - len);
            if (n <= 0)
                break;
            len += (size_t)n;
        }
    if (fd >= 0)
        close(fd);
    return len == strlen(wanted) && memcmp(got, wanted, len) == 0;
}

static void others_talk_to_the_store(void) {
    char path[100], address[110];
    snprintf(path, sizeof path, "/tmp/pkv-c-%d", (int)getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    pkv_listener *listener;
    CHECK_OK(pkv_listen(store, address, &listener));
    CHECK(strcmp(pkv_listener_address(listener), address) == 0, "it tells where it is");
    CHECK_OK(pkv_set(client, "k", 1, "inside", 6));
    CHECK(ask(path, "GET k\r\n", "$6\r\ninside\r\n"), "what was set inside is read outside");
    CHECK(ask(path, "SET k out\r\n", "+OK\r\n"), "it is set outside");
    char *value;
    size_t len;
    CHECK_OK(pkv_get(client, "k", 1, &value, &len));
    CHECK(len == 3 && memcmp(value, "out", 3) == 0, "and read inside");
    pkv_free(value);
    CHECK_OK(pkv_listener_close(&listener));
    CHECK(listener == NULL, "the listener is gone");
    CHECK(!ask(path, "PING\r\n", "+PONG\r\n"), "nobody listens any more");
    CHECK_OK(pkv_listener_close(&listener));
    CHECK_OK(pkv_listener_close(NULL));
}

static void mistakes_are_told(void) {
    pkv_listener *listener;
    CHECK_ERR(PKV_ERR_NULL, pkv_listen(NULL, "unix:/tmp/x", &listener));
    CHECK_ERR(PKV_ERR_NULL, pkv_listen(store, NULL, &listener));
    CHECK_ERR(PKV_ERR_NULL, pkv_listen(store, "unix:/tmp/x", NULL));
    CHECK_ERR(PKV_ERR_ARGUMENT, pkv_listen(store, "nowhere", &listener));
    CHECK_HAS(pkv_last_error(), "there is no port");
    CHECK_ERR(PKV_ERR_CONFIG, pkv_listen(store, "tcp:0.0.0.0:0", &listener));
    CHECK_HAS(pkv_last_error(), "requirepass");
    CHECK_ERR(PKV_ERR_IO, pkv_listen(store, "unix:/no/such/folder/s", &listener));
    CHECK(listener == NULL, "there is no listener");
    CHECK(pkv_listener_address(NULL) == NULL, "nor an address");
}

const struct test listener_tests[] = {
    {"others talk to the store over a socket", others_talk_to_the_store},
    {"mistakes with listeners are told", mistakes_are_told},
    {NULL, NULL},
};
