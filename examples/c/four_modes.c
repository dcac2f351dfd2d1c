/*
 * The four ways to keep data, chosen by Redis's own directives: not at all, by snapshot, by log, by both.
 * Each is written, closed and opened again; the files are those of a Redis server, which could take any of
 * them over.
 *
 *     four_modes DIR
 */
#include <dirent.h>
#include <persistkv.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void check(pkv_err err) {
    if (err != PKV_OK) {
        fprintf(stderr, "%s: %s\n", pkv_strerror(err), pkv_last_error());
        exit(1);
    }
}

static void list(const char *path, const char *indent) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char inside[4096];
        struct stat about;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || stat(inside, &about) != 0)
            continue;
        printf("%s%s%s\n", indent, entry->d_name, S_ISDIR(about.st_mode) ? "/" : "");
        if (S_ISDIR(about.st_mode))
            list(inside, "      ");
    }
    if (dir)
        closedir(dir);
}

static void mode(const char *base, const char *name, const char *save, const char *appendonly) {
    const char *const directives[] = {"save", save, "appendonly", appendonly, NULL};
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", base, name);
    printf("%s: save \"%s\", appendonly %s\n", name, save, appendonly);

    for (int round = 1; round <= 2; round++) {
        pkv_store *store;
        pkv_client *client;
        int64_t opened;
        check(pkv_open(path, directives, &store));
        check(pkv_client_new(store, &client));
        check(pkv_incrby(client, PKV_LIT("opened"), 1, &opened));
        printf("  opened; the counter in the data says %lld\n", (long long)opened);
        pkv_client_free(client);
        check(pkv_close(&store)); /* saves a snapshot if save points are set and something changed */
    }
    list(path, "    ");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: four_modes DIR\n");
        return 2;
    }
    mkdir(argv[1], 0777);
    mode(argv[1], "none", "", "no");
    mode(argv[1], "rdb", "3600 1 300 100 60 10000", "no");
    mode(argv[1], "aof", "", "yes");
    mode(argv[1], "both", "3600 1 300 100 60 10000", "yes");
    return 0;
}
