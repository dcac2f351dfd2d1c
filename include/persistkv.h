/*
 * persistkv: Redis without the server.
 *
 * The Redis data model in the memory of this process, kept on disk in Redis's own files. This header is made from
 * the library's sources; do not edit it.
 *
 *     pkv_store *store;
 *     pkv_client *client;
 *     const char *const directives[] = {"appendonly", "yes", NULL};
 *     if (pkv_open("data", directives, &store) != PKV_OK) ...
 *     pkv_client_new(store, &client);
 *     pkv_set(client, PKV_LIT("name"), PKV_LIT("Ada"));
 *     pkv_client_free(client);
 *     pkv_close(&store);
 *
 * Errors. Most calls answer a pkv_err, PKV_OK (0) if all went well. pkv_last_error() has the details in words, for each
 * thread its own. Calls that answer a pointer answer NULL. No call throws, exits or prints.
 *
 * Arguments. Inputs come first, then outputs. Outputs are set in any case: to NULL or 0 if the call fails, so a cleanup
 * that frees them all is right. Pointers to handles and outputs are checked for NULL (PKV_ERR_NULL) unless their
 * function says that they may be NULL. Bytes are a pointer and a length and may hold anything; a pointer to no bytes
 * may be NULL, and more than 512 MB is refused (PKV_ERR_ARGUMENT). Other texts end with a NUL and are UTF-8. The library
 * keeps no pointer that it was given (but for the log callback), and changes nothing behind a const one.
 *
 * Ownership. What a call gives you, you free by the function that its text names: pkv_close for stores, pkv_client_free
 * for clients, pkv_reply_free for replies, pkv_free for the bytes of typed calls. Never by free().
 *
 * Threads. A store may be used by any number of threads at once. A client is for one thread at a time; give each thread
 * one. Answers belong to whoever asked.
 *
 * Fork. Handles belong to the process that made them. In a forked child every call on them answers PKV_ERR_FORKED and
 * touches no file; the parent goes on undisturbed. The child may open a store of its own, in another directory.
 *
 * Stability. Numbers and layouts here do not change within one soname. New error codes, directives and functions may
 * be added; pkv_directive may grow at its end.
 */

#ifndef PERSISTKV_H
#define PERSISTKV_H

#include <stddef.h>
#include <stdint.h>

#define PKV_VERSION "0.1.0"
#define PKV_VERSION_MAJOR 0
#define PKV_VERSION_MINOR 1
#define PKV_VERSION_PATCH 0

// A string literal as two arguments, bytes and length: pkv_set(client, PKV_LIT("name"), PKV_LIT("Ada")).
#define PKV_LIT(literal) ("" literal), (sizeof(literal) - 1)


// For `pkv_set_with`: set only if the key does not exist.
#define PKV_SET_NX 1

// For `pkv_set_with`: set only if the key exists.
#define PKV_SET_XX 2

// For `pkv_set_with`: leave the expiry that the key has.
#define PKV_SET_KEEPTTL 4

// What a call answers: `PKV_OK`, or why it failed. The numbers are stable; new ones may be added, so treat a
// number you do not know as a failure. `pkv_last_error` has the details in words.
enum pkv_err
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It worked.
    PKV_OK = 0,
    // A command was refused; `pkv_last_error` is Redis's own text, such as "ERR syntax error".
    PKV_ERR_COMMAND = 1,
    // The key holds a value of another type ("WRONGTYPE ...").
    PKV_ERR_WRONG_TYPE = 2,
    // An argument of the call itself is not valid: too long, out of range, not UTF-8 where text is needed.
    PKV_ERR_ARGUMENT = 3,
    // An unknown directive, or a value that it may not have.
    PKV_ERR_CONFIG = 4,
    // The system refused a file operation.
    PKV_ERR_IO = 5,
    // A file is damaged, or not what its name says. The text names file, offset and remedy; the file was left alone.
    PKV_ERR_CORRUPT = 6,
    // The directory is open in another process. The text names its pid.
    PKV_ERR_LOCKED = 7,
    // The store was closed.
    PKV_ERR_CLOSED = 8,
    // The handle was made before this process was forked from its parent. Open a store of the child's own.
    PKV_ERR_FORKED = 9,
    // Writes are refused, since at present they could not be made durable ("MISCONF ...").
    PKV_ERR_NOT_DURABLE = 10,
    // `maxmemory` is reached ("OOM ...").
    PKV_ERR_OUT_OF_MEMORY = 11,
    // A defect in persistkv. The process goes on; please report the text.
    PKV_ERR_INTERNAL = 12,
    // A pointer that must not be NULL is NULL. The text names it.
    PKV_ERR_NULL = 100,
    // The client is in use by another call: two threads share it, or a log callback called back.
    PKV_ERR_BUSY = 101,
    // The system gave no memory for the answer. The command itself was carried out.
    PKV_ERR_NO_MEMORY = 102,
    // No failure: after MULTI, the command of this typed call waits for EXEC, whose reply will hold its answer. Outputs
    // are NULL or 0.
    PKV_QUEUED = 103,
    // No failure: a watched key was changed, so `pkv_exec` did nothing. Begin again from `pkv_watch`.
    PKV_CHANGED = 104,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pkv_err pkv_err;
#else
typedef int32_t pkv_err;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a reply is: the numbers of hiredis's `REDIS_REPLY_...`.
enum pkv_reply_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Bytes, in `str` and `len`.
    PKV_REPLY_STRING = 1,
    // Replies, in `element` and `elements`.
    PKV_REPLY_ARRAY = 2,
    // A number, in `integer`.
    PKV_REPLY_INTEGER = 3,
    // No value.
    PKV_REPLY_NIL = 4,
    // A status such as "OK", in `str` and `len`.
    PKV_REPLY_STATUS = 5,
    // A refusal in Redis's words, in `str` and `len`.
    PKV_REPLY_ERROR = 6,
    // RESP3 only: a number, in `dval`, and its text in `str` and `len`.
    PKV_REPLY_DOUBLE = 7,
    // RESP3 only: 1 or 0, in `integer`.
    PKV_REPLY_BOOL = 8,
    // RESP3 only: keys and values by turns, in `element`; `elements` counts both.
    PKV_REPLY_MAP = 9,
    // RESP3 only: as an array.
    PKV_REPLY_SET = 10,
    // Not used: hiredis's number of attributes.
    PKV_REPLY_ATTR = 11,
    // RESP3 only: as an array, of what was published.
    PKV_REPLY_PUSH = 12,
    // RESP3 only: a number too big for `integer`, as text in `str` and `len`.
    PKV_REPLY_BIGNUM = 13,
    // RESP3 only: text in `str` and `len`, and its kind in `vtype`.
    PKV_REPLY_VERB = 14,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pkv_reply_type pkv_reply_type;
#else
typedef int32_t pkv_reply_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How grave a line of the log is.
enum pkv_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Nothing at all.
    PKV_LOG_OFF = 0,
    // Something failed.
    PKV_LOG_ERROR = 1,
    // Something was repaired, or needs attention soon.
    PKV_LOG_WARN = 2,
    // What happens: loaded, saved, rewritten.
    PKV_LOG_INFO = 3,
    // Details for those who look for a fault.
    PKV_LOG_DEBUG = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pkv_log_level pkv_log_level;
#else
typedef int32_t pkv_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A logical connection to a store: its selected database, its MULTI queue, its watched keys. Cheap to make; one
// thread at a time may use it (a second one is refused with `PKV_ERR_BUSY`), so give each thread its own.
typedef struct pkv_client pkv_client;

// What serves a store to others. Any number of threads may use it at once.
typedef struct pkv_listener pkv_listener;

// An open store. Any number of threads may use it at once.
typedef struct pkv_store pkv_store;

// Takes a line of the log: its level (`PKV_LOG_...`), its text, which is valid during the call only, and the `data` that
// was given with the callback. Comes from any thread, several at once. It must be quick, must not call persistkv, and
// must not throw.
typedef void (*pkv_log_callback)(int level, const char *message, void *data);

// A directive. Read it through the pointer that `pkv_directive_at` gives: fields may be added at the end.
typedef struct pkv_directive {
    // Redis's name of it.
    const char *name;
    // An older name that is accepted too, or NULL.
    const char *alias;
    // Its value unless another one is given.
    const char *default_value;
    // What its value may be, in words.
    const char *values;
    // What it does, in a sentence.
    const char *summary;
    // 1 if CONFIG SET may change it while the store is open, else 0.
    int at_run_time;
} pkv_directive;

// A reply, field for field as hiredis's `redisReply`. `type` says which fields count. A `str` ends with a NUL that
// `len` does not count. Read it, and free it whole by `pkv_reply_free`; its parts are not freed on their own.
typedef struct pkv_reply {
    // One of `PKV_REPLY_...`.
    int type;
    // Value of an integer or a bool.
    long long integer;
    // Value of a double.
    double dval;
    // Length of `str`, in bytes.
    size_t len;
    // Bytes of a string, status, error, double, big number or verbatim text; else NULL.
    char *str;
    // Kind of a verbatim text, such as "txt".
    char vtype[4];
    // Number of `element`s.
    size_t elements;
    // Parts of an array, map, set or push; else NULL.
    struct pkv_reply **element;
} pkv_reply;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The text of the last call of this thread that failed; empty if none did. It is UTF-8 apart from what came from
// arguments, ends with a NUL, and stays as it is until another call of this thread fails: copy it to keep it. A call
// that succeeds does not change it.
const char *pkv_last_error(void);

// The code of the last call of this thread that failed; `PKV_OK` if none did. For calls that answer a pointer.
pkv_err pkv_last_error_code(void);

// A code in a few words, for logs: "locked", "wrong type" ... Any number may be given. The text is constant.
const char *pkv_strerror(int32_t code);

// Sets who gets the lines of the log up to `max_level` (`PKV_LOG_...`), for all stores of the process; NULL for nobody.
// When it returns, the callback that was set before is no longer running and its `data` may go. Not to be called from
// the callback.
pkv_err pkv_set_log_callback(pkv_log_callback callback,
                             int max_level,
                             void *data);

// The directive of this index, from 0; NULL behind the last. It is constant and needs no freeing.
const struct pkv_directive *pkv_directive_at(size_t index);

// Opens the store in a directory, which is made when missing, and loads what is there. The first call takes as long as
// loading takes.
//
// `directives` are names and values by turns, ended by a NULL; they mean what they mean in redis.conf, and
// `pkv_directive_at` lists them. NULL stands for Redis's own defaults: snapshots after so many changes, no log.
//
//     const char *const directives[] = {"appendonly", "yes", "appendfsync", "always", NULL};
//     pkv_err err = pkv_open("data", directives, &store);
//
// A directory that this process has open already gives the same store; `pkv_close` on one of them closes both. Fails
// with `PKV_ERR_LOCKED` if another process has it open, `PKV_ERR_CONFIG` for directives, `PKV_ERR_CORRUPT` for
// files, `PKV_ERR_IO` if the system refuses.
pkv_err pkv_open(const char *path,
                 const char *const *directives,
                 struct pkv_store **store);

// Opens a store that lives in memory only: no file is read or written. `directives` as in `pkv_open`.
pkv_err pkv_open_memory(const char *const *directives, struct pkv_store **store);

// Closes a store for all its users, and sets `*store` to NULL. Waits for calls under way, saves a snapshot if save
// points are set and something has changed, and syncs the log.
//
// It is the last use of the pointer; clients may still be in use by other threads, and answer `PKV_ERR_CLOSED` from
// now on. An error means that the last snapshot or sync failed; the store is closed then too. A NULL, or a pointer to
// NULL, is fine. In a forked child it answers `PKV_ERR_FORKED` and touches no file.
pkv_err pkv_close(struct pkv_store **store);

// What was repaired, dropped or is worth knowing from loading the files: an array of lines, empty when all was well.
// Free it by `pkv_reply_free`.
pkv_err pkv_load_notes(const struct pkv_store *store,
                       struct pkv_reply **notes);

// The version of the library, such as "0.1.0". Compare it with `PKV_VERSION` to see whether header and library agree.
const char *pkv_version(void);

// Lets any Redis client or tool talk to the store at an address: "unix:/path", "tcp:127.0.0.1:6379", "127.0.0.1:0"
// (any free port). Threads of its own serve the connections; directives say what it lets in (`requirepass`, `maxclients`,
// `timeout`, `client-output-buffer-limit` …).
//
// It keeps the store's files open until it is closed; `pkv_close` of the store ends it too. Fails with
// `PKV_ERR_CONFIG` for an address that other machines can reach while there is neither a password (`requirepass`) nor
// `protected-mode no`, `PKV_ERR_ARGUMENT` for what is no address, `PKV_ERR_IO` if the system refuses.
pkv_err pkv_listen(const struct pkv_store *store,
                   const char *address,
                   struct pkv_listener **listener);

// Where it listens, with the port the system chose. Lives as long as the listener. NULL for a NULL.
const char *pkv_listener_address(const struct pkv_listener *listener);

// Stops and frees a listener, and sets `*listener` to NULL: nobody is let in any more, each connection finishes the
// command it is in, gets what was answered, and is closed. A NULL, or a pointer to NULL, is fine.
pkv_err pkv_listener_close(struct pkv_listener **listener);

// Makes a client of a store. It is freed by `pkv_client_free`, before or after the store is closed.
pkv_err pkv_client_new(const struct pkv_store *store, struct pkv_client **client);

// Frees a client; a transaction that it has begun is dropped. NULL is fine. In a forked child nothing is freed: what
// the parent made stays as it is there.
void pkv_client_free(struct pkv_client *client);

// Chooses the shapes of replies: RESP3's (maps, sets, doubles, bools) if `on` is not 0, else RESP2's, in which a map or
// set is an array and a double is a string. At first it is RESP2, as on a new connection to Redis.
pkv_err pkv_client_set_resp3(struct pkv_client *client,
                             int on);

// Runs any command, given as its name and arguments, as hiredis's `redisCommandArgv` does.
//
// `argvlen` may be NULL if every argument ends with a NUL. What a server would answer is the reply, be it of type
// `PKV_REPLY_ERROR`; free it by `pkv_reply_free`. NULL means that there is no answer: an argument of this call is not
// valid, the store is closed, the process was forked, or there is no memory; `pkv_last_error_code` says which. Error
// replies are in `pkv_last_error` too.
//
// A command that waits (BLPOP and its kin) keeps this thread until another one serves it or its time is over.
//
// When it returns, what the command did is kept as the store's directives promise: with `appendonly yes` it survives a
// kill of this process, and under `appendfsync always` a power cut.
struct pkv_reply *pkv_command_argv(struct pkv_client *client,
                                   int argc,
                                   const char *const *argv,
                                   const size_t *argvlen);

// Waits for the next message of the channels this client has subscribed to, at most so many milliseconds (0: only looks;
// negative: for ever). `*message` is then the message, an array as from a server ("message", channel, text; also what
// SUBSCRIBE and its kin answer: those commands themselves reply nil), to be freed by `pkv_reply_free`; NULL when none
// has come.
//
// Messages wait in a bounded queue: when there are more than `client-output-buffer-limit` allows, they are lost and this
// fails from then on, with `PKV_ERR_OUT_OF_MEMORY`. The client is in use while this waits. After `pkv_close` it fails with
// `PKV_ERR_CLOSED`.
pkv_err pkv_next_message(struct pkv_client *client,
                         int timeout_ms,
                         struct pkv_reply **message);

// Frees a whole reply. NULL is fine. Not for the parts of a reply.
void pkv_reply_free(struct pkv_reply *reply);

// Frees bytes that a typed call answered. NULL is fine. Not for replies: those are freed by `pkv_reply_free`.
void pkv_free(char *bytes);

// GET: the string of a key. `*value` is NULL if there is none; else free it by `pkv_free`. It ends with a NUL that
// `*value_len` does not count.
pkv_err pkv_get(struct pkv_client *client,
                const char *key,
                size_t key_len,
                char **value,
                size_t *value_len);

// SET: sets a key to a string, whatever was there.
pkv_err pkv_set(struct pkv_client *client,
                const char *key,
                size_t key_len,
                const char *value,
                size_t value_len);

// SET with options: `ttl_ms` milliseconds to live (0: no expiry), `flags` of `PKV_SET_...` or 0. `*stored` is 1, or 0 if
// a condition kept it from being set; `stored` may be NULL.
pkv_err pkv_set_with(struct pkv_client *client,
                     const char *key,
                     size_t key_len,
                     const char *value,
                     size_t value_len,
                     int64_t ttl_ms,
                     uint32_t flags,
                     int64_t *stored);

// DEL of one key. `*removed` is 1 if it existed, else 0; `removed` may be NULL.
pkv_err pkv_del(struct pkv_client *client, const char *key, size_t key_len, int64_t *removed);

// EXISTS of one key. `*exists` is 1 or 0.
pkv_err pkv_exists(struct pkv_client *client, const char *key, size_t key_len, int64_t *exists);

// INCRBY: adds to a number; a missing key counts as 0. `*value` is the sum; `value` may be NULL.
pkv_err pkv_incrby(struct pkv_client *client,
                   const char *key,
                   size_t key_len,
                   int64_t increment,
                   int64_t *value);

// EXPIRE: sets a key's time to live, in seconds; 0 or less deletes it. `*set` is 1, or 0 if there is no such key; `set`
// may be NULL.
pkv_err pkv_expire(struct pkv_client *client,
                   const char *key,
                   size_t key_len,
                   int64_t seconds,
                   int64_t *set);

// TTL: a key's time to live. `*seconds` is -1 if it has no expiry, -2 if there is no such key.
pkv_err pkv_ttl(struct pkv_client *client, const char *key, size_t key_len, int64_t *seconds);

// SAVE: writes a snapshot, and returns when it is on disk. Other threads go on reading and writing meanwhile.
pkv_err pkv_save(struct pkv_client *client);

// BGSAVE: begins a snapshot of the data as of now, which a thread in the background writes. Fails with
// `PKV_ERR_COMMAND` if one is under way.
pkv_err pkv_bgsave(struct pkv_client *client);

// HSET of one field. `*added` is 1 if the field is new, 0 if it had a value; `added` may be NULL.
pkv_err pkv_hset(struct pkv_client *client,
                 const char *key,
                 size_t key_len,
                 const char *field,
                 size_t field_len,
                 const char *value,
                 size_t value_len,
                 int64_t *added);

// HGET: the value of a field. `*value` is NULL if there is none; else free it by `pkv_free`.
pkv_err pkv_hget(struct pkv_client *client,
                 const char *key,
                 size_t key_len,
                 const char *field,
                 size_t field_len,
                 char **value,
                 size_t *value_len);

// HDEL of one field. `*removed` is 1 if it existed, else 0; `removed` may be NULL.
pkv_err pkv_hdel(struct pkv_client *client,
                 const char *key,
                 size_t key_len,
                 const char *field,
                 size_t field_len,
                 int64_t *removed);

// HGETALL: all fields. `*fields` is an array of names and values by turns, empty if there is no such key; free it by
// `pkv_reply_free`.
pkv_err pkv_hgetall(struct pkv_client *client,
                    const char *key,
                    size_t key_len,
                    struct pkv_reply **fields);

// LPUSH of one element, at the head. `*length` is the list's length then; `length` may be NULL.
pkv_err pkv_lpush(struct pkv_client *client,
                  const char *key,
                  size_t key_len,
                  const char *element,
                  size_t element_len,
                  int64_t *length);

// RPUSH of one element, at the tail. `*length` is the list's length then; `length` may be NULL.
pkv_err pkv_rpush(struct pkv_client *client,
                  const char *key,
                  size_t key_len,
                  const char *element,
                  size_t element_len,
                  int64_t *length);

// LPOP of one element, from the head. `*value` is NULL if there is none; else free it by `pkv_free`.
pkv_err pkv_lpop(struct pkv_client *client, const char *key, size_t key_len, char **value, size_t *value_len);

// RPOP of one element, from the tail. `*value` is NULL if there is none; else free it by `pkv_free`.
pkv_err pkv_rpop(struct pkv_client *client, const char *key, size_t key_len, char **value, size_t *value_len);

// LLEN: `*length` is the length of a list, 0 if there is no such key.
pkv_err pkv_llen(struct pkv_client *client, const char *key, size_t key_len, int64_t *length);

// SADD of one member. `*added` is 1 if it is new, else 0; `added` may be NULL.
pkv_err pkv_sadd(struct pkv_client *client,
                 const char *key,
                 size_t key_len,
                 const char *member,
                 size_t member_len,
                 int64_t *added);

// SREM of one member. `*removed` is 1 if it was there, else 0; `removed` may be NULL.
pkv_err pkv_srem(struct pkv_client *client,
                 const char *key,
                 size_t key_len,
                 const char *member,
                 size_t member_len,
                 int64_t *removed);

// SISMEMBER: `*is_member` is 1 or 0.
pkv_err pkv_sismember(struct pkv_client *client,
                      const char *key,
                      size_t key_len,
                      const char *member,
                      size_t member_len,
                      int64_t *is_member);

// ZADD of one member with its score. `*added` is 1 if the member is new, else 0; `added` may be NULL. A NaN is refused.
pkv_err pkv_zadd(struct pkv_client *client,
                 const char *key,
                 size_t key_len,
                 double score,
                 const char *member,
                 size_t member_len,
                 int64_t *added);

// ZSCORE: the score of a member. `*found` is 1, or 0 if there is no such member, and `*score` is 0 then; `found` may be
// NULL.
pkv_err pkv_zscore(struct pkv_client *client,
                   const char *key,
                   size_t key_len,
                   const char *member,
                   size_t member_len,
                   double *score,
                   int64_t *found);

// WATCH of one key: if somebody else changes it before `pkv_exec`, that does nothing and answers `PKV_CHANGED`. Call it
// once for each key, before reading it.
//
//     do {
//         pkv_watch(client, PKV_LIT("stock"));
//         pkv_get(client, PKV_LIT("stock"), &stock, &len);
//         pkv_multi(client);
//         pkv_set(client, PKV_LIT("stock"), less, less_len); // PKV_QUEUED
//         err = pkv_exec(client, &replies);
//     } while (err == PKV_CHANGED);
pkv_err pkv_watch(struct pkv_client *client,
                  const char *key,
                  size_t key_len);

// UNWATCH: forgets the watched keys.
pkv_err pkv_unwatch(struct pkv_client *client);

// MULTI: from now on commands of this client are queued; typed calls answer `PKV_QUEUED`. A command that is refused
// while it is being queued makes `pkv_exec` refuse the whole.
pkv_err pkv_multi(struct pkv_client *client);

// EXEC: runs what was queued since `pkv_multi` as one: nobody sees some of it done and the rest not, and after a crash
// all of it is there or nothing. Ends the watch.
//
// `*replies` is an array with the reply of each command in order, to be freed by `pkv_reply_free`; a command that failed
// has one of type `PKV_REPLY_ERROR`, and leaves the others standing. `replies` may be NULL. Answers `PKV_CHANGED`, with
// nothing done, if a watched key was changed: begin again. Fails with `PKV_ERR_COMMAND`, with nothing done, without
// `pkv_multi`, and if a command was refused while it was queued ("EXECABORT ...").
pkv_err pkv_exec(struct pkv_client *client,
                 struct pkv_reply **replies);

// DISCARD: forgets what was queued, and the watched keys. Fails with `PKV_ERR_COMMAND` without `pkv_multi`.
pkv_err pkv_discard(struct pkv_client *client);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PERSISTKV_H */
