// The parts that the specs use of clients without types.
declare module 'memcache-plus' {
  class MemcachePlus {
    constructor(options: { hosts: string[]; netTimeout: number; maxValueSize: number });
    disconnect(): Promise<unknown>;
    set(key: string, value: unknown, lifetime: number): Promise<unknown>;
    add(key: string, value: unknown, lifetime: number): Promise<unknown>;
    replace(key: string, value: unknown, lifetime: number): Promise<unknown>;
    append(key: string, value: string): Promise<unknown>;
    prepend(key: string, value: string): Promise<unknown>;
    cas(key: string, value: unknown, unique: string, lifetime: number): Promise<boolean>;
    get(key: string): Promise<unknown>;
    gets(key: string): Promise<[value: unknown, unique: string]>;
    getMulti(keys: readonly string[]): Promise<Record<string, unknown>>;
    delete(key: string): Promise<boolean>;
    incr(key: string, by: number): Promise<number>;
    decr(key: string, by: number): Promise<number>;
    flush(): Promise<unknown>;
    items(): Promise<{ data: { number: number } }[]>;
    version(): Promise<string>;
  }
  export = MemcachePlus;
}

declare module 'express-session' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  function session(options: {
    secret: string;
    resave: boolean;
    saveUninitialized: boolean;
    store: object;
  }): (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  export = session;
}

declare module 'connect-memcached' {
  import type session from 'express-session';

  function connect(to: typeof session): new (options: { hosts: string[]; timeout: number }) => {
    client: { end(): void };
  };
  export = connect;
}

declare module 'memjs' {
  interface Options {
    username: string;
    password: string;
    retries: number;
    timeout: number;
    logger: { log(...words: unknown[]): void };
  }
  export class Client {
    static create(servers: string, options: Options): Client;
    get(key: string): Promise<{ value: Buffer | null }>;
    set(key: string, value: string, options: object): Promise<boolean>;
    add(key: string, value: string, options: object): Promise<boolean>;
    increment(key: string, by: number, options: { initial: number }): Promise<{ success: boolean; value: number }>;
    delete(key: string): Promise<boolean>;
    close(): void;
  }
}
