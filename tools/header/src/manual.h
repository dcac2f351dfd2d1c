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
