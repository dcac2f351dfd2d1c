// Types of persistkv. The commands are in commands.d.ts, which is made from the engine's command table.

import { EventEmitter } from 'node:events';
import type { Commands } from './commands.js';

export type { Commands } from './commands.js';

/** Whatever holds bytes. */
export type Bytes = NodeJS.ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** An argument of a command: strings as UTF-8, numbers and bigints as their decimal text. */
export type Argument = string | number | bigint | Bytes;

/** Any number of arguments; an array stands for its elements. */
export type Arguments = ReadonlyArray<Argument | readonly Argument[]>;

/** Of a command that waits: arguments, and at their end what may end the waiting. */
export type WaitArguments = Arguments | readonly [...Arguments, WaitOptions];

/** Options of a command that waits. */
export interface WaitOptions {
  /** Ends the waiting when it is aborted: the promise rejects with its reason, and nothing was taken. */
  signal?: AbortSignal;
}

/** Pairs where a command takes pairs. */
export type Pairs =
  Readonly<Record<string, Argument>> | ReadonlyMap<Argument, Argument> | ReadonlyArray<readonly [Argument, Argument]>;

/** An integer of 64 bits: a bigint when it is beyond 2^53. */
export type Integer = number | bigint;

/** Any reply. `T` is what a string of bytes becomes. */
export type Reply<T = string> = T | string | number | bigint | boolean | null | ReplyError | Reply<T>[];

/** Directives by the names of redis.conf; `true` and `false` are `yes` and `no`. */
export type Directives = Readonly<Record<string, string | number | bigint | boolean>>;

export interface Options {
  /** Whether strings of bytes become strings (the default) or Buffers. */
  decode?: boolean;
}

export interface ListenOptions {
  /** Threads that run commands; 0, the default, stands for one per core. */
  threads?: number;
}

/** What serves a store to other programs, made by {@link Store.listen}. It ends when the store is closed. */
export interface Listener {
  /** Where it listens, with the port the system chose for port 0. */
  readonly addresses: string[];
  /** How many connections there are. */
  readonly connections: number;
  /** Stops: each connection finishes the command it is in and gets what was answered. Twice is fine. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A store. Commands are synchronous: they work in memory, and with a log on, what returned survives a kill of the process.
 * What waits for the disk is a promise.
 *
 * Made by {@link open}. `T` is what a string of bytes becomes: string, or Buffer with `{ decode: false }`.
 */
export class Store<T = string> {
  constructor(path: string | URL, directives?: Directives | null, options?: Options);

  /** The directory; `":memory:"` for a store in memory. */
  readonly path: string;
  /** Whether it can be used. */
  readonly isOpen: boolean;
  /** The selected database. */
  readonly db: number;

  /** Runs any command by its name, as the method of that name does. */
  call(name: 'save' | 'SAVE' | 'bgsave' | 'BGSAVE' | 'bgrewriteaof' | 'BGREWRITEAOF'): Promise<string>;
  call(name: string, ...args: ReadonlyArray<Argument | readonly Argument[] | Pairs>): any;
  /** As {@link call}, with Buffers. */
  callBuffer(name: string, ...args: ReadonlyArray<Argument | readonly Argument[] | Pairs>): any;
  /** Runs a command at once, in this thread, and answers exactly what Redis would: no object for HGETALL, no promise. */
  execute(argv: readonly [string, ...Argument[]], options?: Options): Reply<T>;

  /** Subscriptions, with a client of their own. */
  subscriber(): Subscriber<T>;
  /** Commands that are gathered and run together: one after the other, or (`atomic`) as one transaction. */
  pipeline(options?: { atomic?: boolean }): Pipeline;
  /**
   * Check-and-set: calls `queue` with an atomic pipeline and a client of its own that watches the keys, then runs what was
   * queued; begins again as often as somebody else changed one of the keys meanwhile. `queue` may answer a promise: then
   * this does too, and other work goes on between the look and the transaction.
   */
  transaction(queue: (pipeline: Pipeline, store: Store<T>) => Promise<void>): Promise<PipelineReplies>;
  transaction(queue: (pipeline: Pipeline, store: Store<T>) => void): PipelineReplies;
  transaction(keys: Arguments, queue: (pipeline: Pipeline, store: Store<T>) => Promise<void>): Promise<PipelineReplies>;
  transaction(keys: Arguments, queue: (pipeline: Pipeline, store: Store<T>) => void): PipelineReplies;
  /** Another connection to the same store, with the same database selected. It closes for itself. */
  duplicate(): Store<T>;
  /**
   * Lets any Redis client or tool talk to this store, at `unix:/path` or `127.0.0.1:6379`. Threads of its own serve the
   * connections. What is let in, directives say: `requirepass`, `maxclients`, `timeout` and their kin.
   */
  listen(address: string, options?: ListenOptions): Listener;
  /** What was repaired or dropped when the files were loaded, one line each. */
  loadNotes(): string[];

  /**
   * Closes; resolves when that is done. With save points, changes since the last snapshot are saved. The files are
   * closed with the last opening of the directory in this process. Closing twice is fine.
   */
  close(): Promise<void>;
  /** As {@link close}, at once. */
  closeSync(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Store<T = string> extends Commands<T> {}

/** For each command of a pipeline its error, or null and its reply. */
export type PipelineReplies = Array<[error: PersistKVError | null, reply: any]>;

/** Commands that are gathered; made by {@link Store.pipeline}. Every command is a method that returns the pipeline. */
export class Pipeline {
  private constructor();
  /** How many commands are queued. */
  readonly length: number;
  /** Queues any command by its name. */
  call(name: string, ...args: ReadonlyArray<Argument | readonly Argument[] | Pairs>): this;
  /** Runs what is queued; null when it is atomic and a watched key was changed. */
  exec(): PipelineReplies | null;
}

type Queueing = Exclude<
  { [K in keyof Commands]: K extends `${string}Buffer` ? never : K }[keyof Commands],
  'multi' | 'exec' | 'discard' | 'watch' | 'unwatch'
>;
export interface Pipeline extends Record<
  Queueing,
  (...args: ReadonlyArray<Argument | readonly Argument[] | Pairs>) => Pipeline
> {}

/** A message of a channel. */
export interface Message<T = string> {
  channel: T;
  message: T;
  /** The pattern that matched, when it was one. */
  pattern?: T;
}

/**
 * Subscriptions; made by {@link Store.subscriber}. An emitter of `message` (channel, text), `pmessage` (pattern, channel,
 * text), `smessage`, of `subscribe`, `unsubscribe` and their kin (name, number of subscriptions), of `error` and `end`; or
 * an iterator over the messages. Messages wait in a bounded queue (`client-output-buffer-limit`): when too many do, they
 * are lost, there is an `error`, and the subscriber is closed. Until it is closed it keeps the process alive.
 */
export class Subscriber<T = string> extends EventEmitter {
  private constructor();
  subscribe(...channels: Arguments): this;
  unsubscribe(...channels: Arguments): this;
  psubscribe(...patterns: Arguments): this;
  punsubscribe(...patterns: Arguments): this;
  ssubscribe(...channels: Arguments): this;
  sunsubscribe(...channels: Arguments): this;
  /** Ends all subscriptions. */
  close(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>>;
}

/**
 * Opens the store in a directory, which is made when it is missing, and loads what is there; `":memory:"` is a store that
 * keeps nothing. A directory that this process has open already, in whatever thread, gives the same store.
 *
 * @throws PersistKVError with code `LOCKED` (open in another process), `CORRUPT`, `CONFIG` or `IO`.
 */
export function open(
  path: string | URL,
  directives: Directives | null | undefined,
  options: Options & { decode: false },
): Store<Buffer>;
export function open(path: string | URL, directives?: Directives | null, options?: Options): Store;

/** Anything that was refused or failed. */
export class PersistKVError extends Error {
  constructor(code: string, message: string, options?: ErrorOptions);
  /**
   * `LOCKED`, `CLOSED`, `CORRUPT`, `CONFIG`, `IO`, `FORKED`, `INTERNAL`; of a {@link ReplyError} the first word of its
   * message (`ERR`, `WRONGTYPE` …).
   */
  code: string;
}

/** A command was refused; the message is Redis's text. */
export class ReplyError extends PersistKVError {
  /** The command, in lower case. */
  command?: string;
}

/** The names of all commands. */
export const commands: readonly string[];
