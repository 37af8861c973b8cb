// Client libraries from npm behind one interface of cache operations.
import { promisify } from 'node:util';
import { Memcache } from 'memcache';
import { MemcacheClient } from 'memcache-client';
import MemcachePlus from 'memcache-plus';
import Memcached from 'memcached';

/** Operations that some of them lack. */
export type Ability = 'cas' | 'touch' | 'gat' | 'noreply';

export interface Cache {
  close(): unknown;
  /** Storage calls resolve to whether the server stored. A lifetime is in seconds, 0 for ever. */
  set(key: string, value: unknown, lifetime?: number): Promise<boolean>;
  add(key: string, value: string): Promise<boolean>;
  replace(key: string, value: string): Promise<boolean>;
  append(key: string, value: string): Promise<boolean>;
  prepend(key: string, value: string): Promise<boolean>;
  setUnanswered?(key: string, value: string): Promise<unknown>;
  /** gets returns the item's cas number; cas stores if the number is still the same. */
  gets?(key: string): Promise<string>;
  cas?(key: string, value: string, unique: string): Promise<boolean>;
  /** The value, or something falsy. */
  get(key: string): Promise<unknown>;
  /** The values that are there. */
  getMulti(keys: string[]): Promise<unknown[]>;
  delete(key: string): Promise<boolean>;
  touch?(key: string, lifetime: number): Promise<boolean>;
  /** The value, whose lifetime is set anew. */
  getAndTouch?(key: string, lifetime: number): Promise<unknown>;
  /** The new number; false if there is none. */
  incr(key: string, by: number): Promise<number | false>;
  decr(key: string, by: number): Promise<number | false>;
  flush(): Promise<unknown>;
  version(): Promise<string>;
  /** The number of items, as one of the server's statistics has it. */
  items(): Promise<number>;
}

export interface Client {
  name: string;
  open(port: number): Cache;
  /** Values other than strings that come back unchanged. */
  values: readonly unknown[];
  longestKey: number;
  can: readonly Ability[];
}

/** Milliseconds to wait for a reply: longer than a spec may take. */
const timeout = 100_000;

/** So that the server refuses too large values, not the client. But the client memcached gives up a server then. */
const maxValue = 1 << 30;

const address = (port: number): string => `127.0.0.1:${port}`;

const refusal = /NOT_STORED|not stored|NOT_FOUND|EXISTS|does not exist|already exists|too large|is greater than/i;

/** Resolves to the server's result; to false if the client reports a refusal as an error. */
async function unlessRefused<T>(reply: Promise<T>): Promise<T | false> {
  try {
    return await reply;
  } catch (error) {
    if (refusal.test(String(error))) return false;
    throw error;
  }
}

async function succeeds(reply: Promise<unknown>): Promise<boolean> {
  const answer: unknown = await unlessRefused(reply);
  return answer !== false;
}

/** A callback for calls whose result memcached's types omit, or give as any. */
type Done = (error: unknown, result?: unknown) => void;

const memcached: Client = {
  name: 'memcached',
  values: [{ a: [1, 'two'] }, 42, true, Buffer.from('a\0\xff\r\n', 'latin1')],
  longestKey: 250,
  can: ['cas', 'touch'],
  open: (port) => {
    const client = new Memcached(address(port), { timeout });
    const call = <T = unknown>(run: (done: (error: unknown, result: T) => void) => void): Promise<T> =>
      promisify(run)();
    const number = async (reply: Promise<number | boolean>): Promise<number | false> => {
      const value = await reply;
      return typeof value === 'number' && value;
    };
    return {
      close: () => client.end(),
      set: (key, value, lifetime = 0) => succeeds(call((done) => client.set(key, value, lifetime, done))),
      add: (key, value) => succeeds(call((done) => client.add(key, value, 0, done))),
      replace: (key, value) => succeeds(call((done) => client.replace(key, value, 0, done))),
      append: (key, value) => succeeds(call((done) => client.append(key, value, done))),
      prepend: (key, value) => succeeds(call((done) => client.prepend(key, value, done))),
      gets: async (key) => (await call<{ cas: string }>((done) => client.gets(key, done))).cas,
      cas: (key, value, unique) => succeeds(call((done) => client.cas(key, value, unique, 0, done))),
      get: (key) => call((done: Done) => client.get(key, done)),
      getMulti: async (keys) =>
        Object.values(await call<Record<string, unknown>>((done) => client.getMulti(keys, done))),
      delete: (key) => succeeds(call((done) => client.del(key, done))),
      touch: (key, lifetime) => succeeds(call((done: Done) => client.touch(key, lifetime, done))),
      incr: (key, by) => number(call((done) => client.incr(key, by, done))),
      decr: (key, by) => number(call((done) => client.decr(key, by, done))),
      flush: () => call((done) => client.flush(done)),
      version: async () => (await call<{ version: string }[]>((done) => client.version(done)))[0].version,
      items: async () => Number((await call<Memcached.StatusData[]>((done) => client.stats(done)))[0].curr_items),
    };
  },
};

const memcache: Client = {
  name: 'memcache',
  values: [],
  longestKey: 250,
  can: ['touch'],
  open: (port) => {
    const client = new Memcache({ nodes: [address(port)], timeout, maxValueSize: maxValue });
    return {
      close: () => client.disconnect(),
      set: (key, value, lifetime = 0) => succeeds(client.set(key, String(value), lifetime)),
      add: (key, value) => succeeds(client.add(key, value)),
      replace: (key, value) => succeeds(client.replace(key, value)),
      append: (key, value) => succeeds(client.append(key, value)),
      prepend: (key, value) => succeeds(client.prepend(key, value)),
      // Its cas() needs a cas number, and it has no call that returns one.
      get: (key) => client.get(key),
      getMulti: async (keys) => [...(await client.gets(keys)).values()],
      delete: (key) => succeeds(client.delete(key)),
      touch: (key, lifetime) => succeeds(client.touch(key, lifetime)),
      incr: async (key, by) => await client.incr(key, by) ?? false,
      decr: async (key, by) => await client.decr(key, by) ?? false,
      flush: () => client.flush(),
      version: async () => [...(await client.version()).values()][0],
      items: async () => Number([...(await client.stats()).values()][0].curr_items),
    };
  },
};

const memcacheClient: Client = {
  name: 'memcache-client',
  values: [{ a: [1, 'two'] }, 42, Buffer.from('a\0\xff\r\n', 'latin1')],
  longestKey: 250,
  can: ['cas', 'touch', 'gat', 'noreply'],
  open: (port) => {
    const client = new MemcacheClient({ server: address(port), cmdTimeout: timeout });
    const found = async (reply: Promise<string[]>): Promise<boolean> => {
      const line = await unlessRefused(reply);
      return line !== false && line[0] !== 'NOT_FOUND';
    };
    const number = async (reply: Promise<string>): Promise<number | false> => {
      const text = String(await unlessRefused(reply));
      return text !== 'false' && text !== 'NOT_FOUND' && Number(text);
    };
    const lifetime = 0; // it has a default of its own
    return {
      close: () => client.shutdown(),
      set: (key, value, lifetime = 0) => succeeds(client.set(key, value as string, { lifetime })),
      add: (key, value) => succeeds(client.add(key, value, { lifetime })),
      replace: (key, value) => succeeds(client.replace(key, value, { lifetime })),
      append: (key, value) => succeeds(client.append(key, value)),
      prepend: (key, value) => succeeds(client.prepend(key, value)),
      setUnanswered: (key, value) => client.set(key, value, { lifetime, noreply: true }),
      gets: async (key) => String((await client.gets<string>(key)).casUniq),
      cas: (key, value, casUniq) => succeeds(client.cas(key, value, { casUniq, lifetime })),
      get: async (key) => (await client.get<string>(key) as { value: unknown } | undefined)?.value,
      getMulti: async (keys) =>
        Object.values(await client.get<Record<string, { tokens: string[]; value: string }>>(keys))
          .map(({ value }) => value),
      delete: (key) => found(client.delete(key)),
      touch: (key, lifetime) => found(client.touch(key, lifetime)),
      // retrieve sends these words behind the command.
      getAndTouch: async (key, lifetime) =>
        (await client.retrieve<Record<string, { value: string }>>('gat', [String(lifetime), key]))[key].value,
      incr: (key, by) => number(client.incr(key, by)),
      decr: (key, by) => number(client.decr(key, by)),
      flush: () => client.cmd('flush_all'),
      version: async () => (await client.version()).join(' '),
      items: async () => {
        const { STAT } = await client.cmd<{ STAT: string[][] }>('stats');
        return Number(STAT.find(([name]) => name === 'curr_items')?.[1]);
      },
    };
  },
};

const memcachePlus: Client = {
  name: 'memcache-plus',
  values: [{ a: [1, 'two'] }, 42],
  longestKey: 249,
  can: ['cas'],
  open: (port) => {
    const client = new MemcachePlus({ hosts: [address(port)], netTimeout: timeout, maxValueSize: maxValue });
    // It turns NOT_FOUND into NaN.
    const number = async (reply: Promise<number>): Promise<number | false> => {
      const value = await reply;
      return !Number.isNaN(value) && value;
    };
    return {
      close: () => client.disconnect(),
      set: (key, value, lifetime = 0) => succeeds(client.set(key, value, lifetime)),
      add: (key, value) => succeeds(client.add(key, value, 0)),
      replace: (key, value) => succeeds(client.replace(key, value, 0)),
      append: (key, value) => succeeds(client.append(key, value)),
      prepend: (key, value) => succeeds(client.prepend(key, value)),
      gets: async (key) => (await client.gets(key))[1],
      cas: (key, value, unique) => succeeds(client.cas(key, value, unique, 0)),
      get: (key) => client.get(key),
      getMulti: async (keys) => Object.values(await client.getMulti(keys)).filter((value) => value !== null),
      delete: (key) => succeeds(client.delete(key)),
      incr: (key, by) => number(client.incr(key, by)),
      decr: (key, by) => number(client.decr(key, by)),
      flush: () => client.flush(),
      version: () => client.version(),
      items: async () => (await client.items()).reduce((sum, { data }) => sum + data.number, 0),
    };
  },
};

export const clients = [memcached, memcache, memcacheClient, memcachePlus] as const;
