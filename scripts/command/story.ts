// What DEBUG=memcached:* prints besides the port's own lines: each command line, and the bytes of each read and
// write, with the requested size.
import debug from 'debug';
import { getSystemErrorName } from 'node:util';
import { errno } from '../../reactor/errno.h';
import type { Eventop } from '../../reactor/event.h';
import { observed } from '../../reactor/observed';
import type { Observer } from '../../reactor/observed';
import { gather } from '../../reactor/uio.h';
import { CommandLines } from './commandlines';

const BYTES_MAX = 80;

const io = debug('memcached:io');
const command = debug('memcached:command');

/** The layer that prints it; null if DEBUG does not ask for it, so that it costs nothing. */
export function story(): ((base: Eventop) => Eventop) | null {
  if (!io.enabled && !command.enabled) return null;
  return (base) => observed(base, new Teller());
}

class Teller implements Observer {
  private readonly lines = new Map<number, CommandLines>();

  read(fd: number, buf: Uint8Array, offset: number, length: number, result: number): void {
    const bytes = buf.subarray(offset, offset + Math.max(result, 0));
    io('%d: read(%d) = %s', fd, length, outcome(result, bytes));
    if (result <= 0) return;
    const lines = this.lines.get(fd) ?? new CommandLines();
    this.lines.set(fd, lines);
    for (const line of lines.take(bytes)) command('%d: %s', fd, shown(Buffer.from(line, 'latin1')));
  }

  wrote(fd: number, iov: Parameters<Observer['wrote']>[1], result: number): void {
    const bytes = gather(iov);
    io('%d: write(%d) = %s', fd, bytes.length, outcome(result, bytes.subarray(0, Math.max(result, 0))));
  }

  closed(fd: number): void {
    this.lines.delete(fd);
  }
}

function outcome(result: number, bytes: Uint8Array): string {
  if (result === -1) return `-1 ${getSystemErrorName(-errno)}`;
  return result === 0 ? '0, end of stream' : `${result} "${shown(bytes)}"`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** As in a C string literal, cut off after BYTES_MAX. */
function shown(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, BYTES_MAX)).toString('latin1')
    .replace(/[^ !#-[\]-~]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return bytes.length > BYTES_MAX ? `${text}…` : text;
}
