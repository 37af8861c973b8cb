// A client that behaves badly: leaves in the middle, reads slowly, comes as a storm, sends rubbish. If an answer is due
// and it reads, it must get all of the answer.
import { setTimeout as sleep } from 'node:timers/promises';

import type { Random } from '../bench/random';
import { below } from '../bench/random';
import { Connection } from './connection';
import { Store } from './store';
import type { Tally } from './tally';
import { pick, textExchange } from './text';

const LARGE_BYTES = 300_000;
const READS = 30;
/** The longest pause of a slow reader after a piece. */
const PAUSE_MS = 30;
const STORM = 300;
const ANSWERS = ['VERSION ', 'MN\r\n', 'END\r\n', 'STAT '];

export class Rough {
  private count = 0;

  /** `name`: the start of all its keys, and of no other client's. */
  constructor(
    private readonly port: number, private readonly random: Random, private readonly name: string,
    private readonly tally: Tally,
  ) {}

  async run(over: () => boolean): Promise<void> {
    const deeds = {
      'half-closed': () => this.halfClosed(), 'reset': () => this.leaves(true), 'left': () => this.leaves(false),
      'slow reader': () => this.slow(), 'storm': () => this.storm(), 'rubbish': () => this.rubbish(),
      'statistics': () => this.statistics(),
    };
    while (!over()) {
      const name = pick(this.random, Object.keys(deeds) as (keyof typeof deeds)[]);
      await deeds[name]();
      this.tally.did(name);
      await sleep(below(this.random, 300));
    }
  }

  /** Cycles through a few prefixes, so that it does not fill the server. */
  private prefix(): string {
    return `${this.name}${this.count++ % 4}:`;
  }

  /** Sends requests and ends its side at once: the server answers all, and then ends the connection. */
  private async halfClosed(): Promise<void> {
    const connection = await Connection.open(this.port);
    const prefix = this.prefix(), store = new Store(), count = 1 + below(this.random, 20);
    const clean = await this.cleanUp(connection, prefix); // it does not know which items are there already
    const exchanges = Array.from({ length: count }, () => textExchange(this.random, store, prefix));
    connection.send(exchanges.map(({ request }) => request).join(''));
    connection.end();
    const answer = exchanges.map((exchange) => exchange.answer).join('');
    const got = await connection.closed();
    if (clean && got === answer) this.tally.answered(exchanges.length);
    else this.tally.wrong(`half-closed: ${got.length} bytes for ${answer.length}, or a remainder`);
    connection.destroy();
  }

  private async cleanUp(connection: Connection, prefix: string): Promise<boolean> {
    const names = ['k', 'n'].flatMap((kind) => Array.from({ length: 40 }, (_, i) => `${prefix}${kind}${i}`));
    connection.send(`${names.map((name) => `delete ${name} noreply\r\n`).join('')}mn\r\n`);
    return await connection.takeTo('MN\r\n') === 'MN\r\n';
  }

  /** Leaves while requests and replies are in transit. */
  private async leaves(reset: boolean): Promise<void> {
    const connection = await Connection.open(this.port);
    const store = new Store(), prefix = this.prefix();
    const text = Array.from({ length: 30 }, () => textExchange(this.random, store, prefix).request).join('');
    connection.send(text.slice(0, below(this.random, text.length)));
    if (this.random() < 0.5) await sleep(below(this.random, 20));
    if (reset) connection.reset();
    else connection.destroy();
  }

  /** Requests more than the kernel buffers, and reads it bit by bit. */
  private async slow(): Promise<void> {
    const connection = await Connection.open(this.port);
    const name = `${this.prefix()}slow`;
    const data = 'slowly '.repeat(LARGE_BYTES / 7);
    connection.send(`set ${name} 0 0 ${data.length}\r\n${data}\r\n`);
    const stored = await connection.takeTo('\r\n');
    connection.send(`get ${name}\r\n`.repeat(READS));
    const answer = `VALUE ${name} 0 ${data.length}\r\n${data}\r\nEND\r\n`;
    let right = stored === 'STORED\r\n';
    for (let i = 0; i < READS && right; i++) {
      connection.socket.pause();
      await sleep(below(this.random, PAUSE_MS));
      connection.socket.resume();
      right = await connection.take(answer.length) === answer;
    }
    if (right) this.tally.answered(READS + 1);
    else this.tally.wrong(`slow reader: ${JSON.stringify(stored)}, and not what was stored`);
    connection.send(`delete ${name}\r\n`);
    connection.end();
    await connection.closed();
    connection.destroy();
  }

  /** Many connections at once: some send a request, some leave without one. */
  private async storm(): Promise<void> {
    await Promise.all(Array.from({ length: STORM }, async () => {
      const connection = await Connection.open(this.port);
      if (this.random() < 0.7) {
        connection.send('version\r\n');
        const got = await connection.takeTo('\r\n');
        if (/^VERSION \S+\r\n$/.test(got)) this.tally.answered(1);
        else this.tally.wrong(`storm: ${JSON.stringify(got)}`);
      }
      if (this.random() < 0.3) connection.reset();
      else connection.destroy();
    }));
  }

  /** Sends random bytes: whatever it answers, the server must go on. */
  private async rubbish(): Promise<void> {
    const connection = await Connection.open(this.port);
    const bytes = Array.from({ length: below(this.random, 3000) }, () => String.fromCharCode(below(this.random, 256)));
    connection.send(`${this.random() < 0.3 ? '\x80' : ''}${bytes.join('')}`);
    await sleep(below(this.random, 20));
    connection.end();
    await connection.closed();
    connection.destroy();
  }

  private async statistics(): Promise<void> {
    const connection = await Connection.open(this.port);
    const of = pick(this.random, ['', ' items', ' slabs', ' settings', ' conns', ' sizes']);
    connection.send(`stats${of}\r\n`);
    const got = await connection.takeTo('END\r\n');
    if (got.endsWith('END\r\n') && ANSWERS.some((begin) => got.startsWith(begin))) this.tally.answered(1);
    else this.tally.wrong(`stats${of}: ${JSON.stringify(got.slice(0, 100))}`);
    connection.destroy();
  }
}
