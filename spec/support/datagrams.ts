// UDP requests and answers: their format, and a client.
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';

export const HEADER_BYTES = 8;

/** A request in one datagram, with any header. */
export function request(id: number, text: string, total = 1, sequence = 0): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(sequence, 2);
  header.writeUInt16BE(total, 4);
  return Buffer.concat([header, Buffer.from(text, 'latin1')]);
}

export interface Answer {
  id: number;
  text: string;
  /** The bytes of each datagram, with its header. */
  lengths: number[];
}

/** The answers in datagrams that came in order. Throws if a header is wrong. */
export function answers(datagrams: readonly Buffer[]): Answer[] {
  const found: Answer[] = [];
  let left = 0;
  for (const datagram of datagrams) {
    const [id, sequence, total, reserved] = [0, 2, 4, 6].map((at) => datagram.readUInt16BE(at));
    const last = found.at(-1);
    const { length } = datagram;
    const text = datagram.toString('latin1', HEADER_BYTES);
    if (left === 0 || last === undefined) {
      found.push({ id, text, lengths: [length] });
      left = total;
    } else {
      if (last.id !== id) throw new Error(`a datagram of ${id} within the answer to ${last.id}`);
      last.text += text;
      last.lengths.push(length);
    }
    const due = (found.at(-1)?.lengths.length ?? 0) - 1;
    if (sequence !== due || reserved !== 0 || total - sequence !== left) {
      throw new Error(`header ${[id, sequence, total, reserved].join()}`);
    }
    left--;
  }
  if (left > 0) throw new Error(`${left} datagrams are missing`);
  return found;
}

/** A client for specs, with a real socket. */
export class DatagramClient {
  private readonly got: Buffer[] = [];
  private changed: () => void = () => {};

  private constructor(private readonly socket: Socket) {
    socket.on('message', (datagram) => {
      this.got.push(datagram);
      this.changed();
    });
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<DatagramClient> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.connect(port, host);
    await once(socket, 'connect');
    return new DatagramClient(socket);
  }

  send(datagram: Buffer): void {
    this.socket.send(datagram);
  }

  /** Resolves to all answers since the last call, when the one to `id` is complete. */
  async answersUntil(id: number): Promise<Answer[]> {
    for (;;) {
      if (this.isComplete(id)) return answers(this.got.splice(0));
      await new Promise<void>((resolve) => {
        this.changed = resolve;
      });
    }
  }

  /** Resolves to the answer; there must be no other. */
  async ask(id: number, text: string): Promise<Answer> {
    this.send(request(id, text));
    const all = await this.answersUntil(id);
    if (all.length !== 1) throw new Error(`${all.length} answers`);
    return all[0];
  }

  close(): void {
    this.socket.close();
  }

  private isComplete(id: number): boolean {
    const own = this.got.filter((datagram) => datagram.readUInt16BE(0) === id);
    return own.length > 0 && own.length === own[0].readUInt16BE(4);
  }
}
