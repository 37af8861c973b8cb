// Client libraries of the npm registry talk to the server: all that each of them can do.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import connectMemcached from 'connect-memcached';
import session from 'express-session';
import { served } from './support/client';
import { clients } from './support/npm-clients';
import type { Ability, Cache, Client } from './support/npm-clients';
import { startServer } from './support/server';
import type { Server } from './support/server';
import { upTo } from './support/thorough';

type Request = IncomingMessage & { session?: { visits?: number; destroy(done: () => void): void } };
type Run = (t: ExecutionContext, cache: Cache, key: string, client: Client) => Promise<void>;

const large = randomBytes(675_000).toString('base64'); // 900,000 bytes; no client makes it smaller

/** Resolves when the key has expired; a failed assertion where it has not within the time that a spec has. */
async function expires(t: ExecutionContext, cache: Cache, key: string): Promise<void> {
  let tries = 0;
  while (await cache.get(key) && ++tries < 500) await wait(50);
  t.falsy(await cache.get(key));
}

/** What memcached could in 2003. */
const since2003: Record<string, Run> = {
  'set and get': async (t, cache, key) => {
    t.falsy(await cache.get(key));
    t.true(await cache.set(key, 'välue'));
    t.is(await cache.get(key), 'välue');
  },
  'a get of many keys': async (t, cache, key) => {
    for (const end of ['1', '2', '3']) await cache.set(key + end, `of ${end}`);
    t.deepEqual((await cache.getMulti([`${key}1`, `${key}none`, `${key}3`])).sort(), ['of 1', 'of 3']);
  },
  'values of many types': async (t, cache, key, { values }) => {
    for (const [index, value] of [' ', 'ü', ...values].entries()) {
      t.true(await cache.set(key + String(index), value));
      t.deepEqual(await cache.get(key + String(index)), value);
    }
  },
  'add and replace': async (t, cache, key) => {
    t.false(await cache.replace(key, 'early'));
    t.true(await cache.add(key, 'first'));
    t.false(await cache.add(key, 'second'));
    t.is(await cache.get(key), 'first');
    t.true(await cache.replace(key, 'third'));
    t.is(await cache.get(key), 'third');
  },
  'incr and decr': async (t, cache, key) => {
    t.is(await cache.incr(key, 1), false);
    t.is(await cache.decr(key, 1), false);
    await cache.set(key, '9');
    t.is(await cache.incr(key, 3), 12);
    t.is(await cache.decr(key, 2), 10);
    t.is(await cache.decr(key, 11), 0);
  },
  delete: async (t, cache, key) => {
    t.false(await cache.delete(key));
    await cache.set(key, 'here');
    t.true(await cache.delete(key));
    t.falsy(await cache.get(key));
  },
  'a value of 900 KB': async (t, cache, key) => {
    t.true(await cache.set(key, large));
    t.true(await cache.get(key) === large);
  },
  'the longest key': async (t, cache, key, { longestKey }) => {
    const long = key.padEnd(longestKey, 'k');
    t.true(await cache.set(long, 'far'));
    t.is(await cache.get(long), 'far');
    t.true(await cache.delete(long));
  },
};

/** What it can besides, today. */
const today: Record<string, Run> = {
  'add, once deleted': async (t, cache, key) => {
    await cache.set(key, 'old');
    await cache.delete(key);
    t.true(await cache.add(key, 'new'));
    t.is(await cache.get(key), 'new');
  },
  'append and prepend': async (t, cache, key) => {
    t.false(await cache.append(key, 'c'));
    t.false(await cache.prepend(key, 'a'));
    await cache.set(key, 'b');
    t.true(await cache.append(key, 'c'));
    t.true(await cache.prepend(key, 'a'));
    t.is(await cache.get(key), 'abc');
  },
  'numbers of more than 32 bits': async (t, cache, key) => {
    await cache.set(key, '4294967295');
    t.is(await cache.incr(key, 2), 4294967297);
    t.is(await cache.decr(key, 1), 4294967296);
  },
  'a value that expires': async (t, cache, key) => {
    t.true(await cache.set(key, 'long', 100));
    t.is(await cache.get(key), 'long');
    t.true(await cache.set(key, 'short', 1));
    await expires(t, cache, key);
  },
  'a value of 2 MB is refused, and the next is served': async (t, cache, key) => {
    t.false(await cache.set(key, 'x'.repeat(2 << 20)));
    t.falsy(await cache.get(key));
    t.true(await cache.set(key, 'small'));
  },
  version: async (t, cache) => {
    t.regex(await cache.version(), /\b1\.6\.\d+/);
  },
  statistics: async (t, cache, key) => {
    await cache.set(key, 'counted');
    t.true(await cache.items() > 0);
  },
  'many at once': async (t, cache, key) => {
    await Promise.all(Array.from({ length: 20 }, async (_, each) => {
      for (let round = 0; round < 5; round++) {
        await cache.set(`${key}${each}`, `${each}.${round}`);
        t.is(await cache.get(`${key}${each}`), `${each}.${round}`);
      }
    }));
  },
};

/** What only some clients have a call for. */
const ofSome: Record<Ability, Run> = {
  cas: async (t, cache, key) => {
    await cache.set(key, 'one');
    const unique = await cache.gets?.(key) ?? '';
    t.true(await cache.cas?.(key, 'two', unique));
    t.false(await cache.cas?.(key, 'three', unique));
    t.is(await cache.get(key), 'two');
    t.false(await cache.cas?.(`${key}none`, 'four', unique));
  },
  touch: async (t, cache, key) => {
    t.false(await cache.touch?.(key, 1));
    await cache.set(key, 'brief');
    t.true(await cache.touch?.(key, 100));
    t.is(await cache.get(key), 'brief');
    t.true(await cache.touch?.(key, 1));
    await expires(t, cache, key);
  },
  gat: async (t, cache, key) => {
    await cache.set(key, 'brief');
    t.is(await cache.getAndTouch?.(key, 1), 'brief');
    await expires(t, cache, key);
  },
  noreply: async (t, cache, key) => {
    await cache.setUnanswered?.(key, 'quiet');
    t.true(await cache.set(`${key}2`, 'heard'));
    t.is(await cache.get(key), 'quiet');
  },
};

const servers = new Map<string, Server>();
const caches = new Map<string, Cache>();

const of = (server: string, name: string): string => `${server}, npm's ${name}`;

test.after.always('all end', async () => {
  for (const cache of caches.values()) await cache.close();
  for (const server of servers.values()) await server.stop();
});

/** Each backend and each version once; in a thorough run each version on each backend. */
const tried = [['epoll', '1.6'], ['net', '1.0'], ['epoll', '1.0'], ['net', '1.6']] as const;

for (const [backend, version] of tried.slice(0, upTo(2, tried.length))) {
  const server = `${backend}, memcached ${version}`;

  test.before(`${server} starts`, async () => {
    const started = await startServer({ backend, today: version === '1.6' });
    servers.set(server, started);
    await served(started.port);
    for (const client of clients) caches.set(of(server, client.name), client.open(started.port));
  });

  for (const client of clients) {
    const some = client.can.map((ability) => [ability, ofSome[ability]] as const);
    const later = version === '1.6' ? [...Object.entries(today), ...some] : [];
    for (const [what, run] of [...Object.entries(since2003), ...later]) {
      test(`${of(server, client.name)}: ${what}`, async (t) => {
        const cache = caches.get(of(server, client.name));
        if (cache === undefined) throw new Error('not open');
        await run(t, cache, `${client.name}:${what.replaceAll(' ', '-')}:`, client);
      });
    }
  }

  if (version !== '1.6') continue;

  // Serial tests run before the others, one by one: nobody else misses what is flushed.
  for (const { name } of clients) {
    test.serial(`${of(server, name)}: flush_all`, async (t) => {
      const cache = caches.get(of(server, name));
      await cache?.set('flushed', 'soon');
      await cache?.flush();
      t.falsy(await cache?.get('flushed'));
      t.true(await cache?.set('flushed', 'later'));
    });
  }

  test(`${of(server, 'connect-memcached')} keeps the sessions of a web server`, async (t) => {
    const port = servers.get(server)?.port ?? 0;
    const store = new (connectMemcached(session))({ hosts: [`127.0.0.1:${port}`], timeout: 100_000 });
    const sessions = session({ secret: 'unknown', resave: false, saveUninitialized: false, store });
    const web = createServer((request: Request, response) => {
      sessions(request, response, () => {
        if (request.url === '/out') {
          request.session?.destroy(() => response.end('bye'));
          return;
        }
        const visits = (request.session?.visits ?? 0) + 1;
        if (request.session !== undefined) request.session.visits = visits;
        response.end(String(visits));
      });
    }).listen(0, '127.0.0.1');
    await once(web, 'listening');
    let cookie = '';
    const visit = async (path: string): Promise<string> => {
      const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}${path}`;
      const response = await fetch(url, { headers: { cookie, connection: 'close' } });
      cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
      return response.text();
    };
    t.is(await visit('/'), '1');
    t.is(await visit('/'), '2');
    t.is(await visit('/'), '3');
    t.is(await visit('/out'), 'bye');
    t.is(await visit('/'), '1');
    store.client.end();
    web.close();
  });
}
