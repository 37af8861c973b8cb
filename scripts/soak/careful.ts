// A client that knows its stored items, and checks every byte of every answer: in the text protocol, with meta
// commands, and in the binary protocol, with the same keys.
import { setTimeout as sleep } from 'node:timers/promises';

import type { Random } from '../bench/random';
import { below } from '../bench/random';
import { HEADER_BYTES, binaryExchange, bodyLength, difference } from './binary';
import { Connection } from './connection';
import { Store } from './store';
import type { Tally } from './tally';
import { textExchange } from './text';

const BATCH_MAX = 20;
/** The longest rest between two batches. */
const REST_MS = 40;
const EXCERPT = 60;

export class Careful {
  private readonly store = new Store();
  private opaque = 0;

  /** `prefix`: the start of all its keys, and of no other client's. */
  constructor(
    private readonly port: number, private readonly random: Random, private readonly prefix: string,
    private readonly tally: Tally,
  ) {}

  /** Sends requests until `over()`, or until an answer is wrong: then it no longer knows the stored items. */
  async run(over: () => boolean): Promise<void> {
    let text = await Connection.open(this.port);
    let binary = await Connection.open(this.port);
    try {
      let right = true;
      while (right && !over()) {
        right = this.random() < 0.7 ? await this.askText(text) : await this.askBinary(binary);
        if (below(this.random, 200) === 0) {
          text.destroy();
          binary.end();
          text = await Connection.open(this.port);
          binary = await Connection.open(this.port);
        }
        await sleep(below(this.random, REST_MS));
      }
    } finally {
      text.destroy();
      binary.destroy();
    }
  }

  /** Whether all answers are right. */
  private async askText(connection: Connection): Promise<boolean> {
    const { random, store, prefix, tally } = this;
    const count = 1 + below(random, BATCH_MAX);
    const exchanges = Array.from({ length: count }, () => textExchange(random, store, prefix));
    const answer = exchanges.map((exchange) => exchange.answer).join('');
    const begun = performance.now();
    await this.send(connection, exchanges.map(({ request }) => request).join(''));
    const got = await connection.take(answer.length);
    tally.took(performance.now() - begun);
    if (got === answer) {
      tally.answered(count);
      return true;
    }
    let at = 0;
    while (at < got.length && got[at] === answer[at]) at++;
    const excerpt = (text: string): string => JSON.stringify(text.slice(at, at + EXCERPT));
    const asked = exchanges.map(({ request }) => request.slice(0, EXCERPT)).join('');
    tally.wrong(`at byte ${at}: ${excerpt(got)} for ${excerpt(answer)}, to ${JSON.stringify(asked)}`);
    return false;
  }

  private async askBinary(connection: Connection): Promise<boolean> {
    const { random, store, prefix, tally } = this;
    const count = 1 + below(random, BATCH_MAX);
    const exchanges = Array.from({ length: count }, () => {
      this.opaque = (this.opaque + 1) >>> 0;
      return binaryExchange(random, store, prefix, this.opaque);
    });
    const begun = performance.now();
    await this.send(connection, exchanges.map(({ request }) => request).join(''));
    for (const { answer } of exchanges) {
      if (answer === null) continue;
      const header = await connection.take(HEADER_BYTES);
      const wrong = header.length < HEADER_BYTES ? `the connection ended for ${JSON.stringify(answer).slice(0, 200)}`
        : difference(header, await connection.take(bodyLength(header)), answer);
      if (wrong === null) continue;
      tally.wrong(`binary: ${wrong.slice(0, 400)}`);
      return false;
    }
    tally.took(performance.now() - begun);
    tally.answered(count);
    return true;
  }

  /** Sends the text at once, or in two pieces. */
  private async send(connection: Connection, text: string): Promise<void> {
    const at = this.random() < 0.7 ? text.length : below(this.random, text.length);
    connection.send(text.slice(0, at));
    if (at === text.length) return;
    await sleep(below(this.random, 3));
    connection.send(text.slice(at));
  }
}
