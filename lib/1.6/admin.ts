// The commands of administration (proto_text.c: text_cmd_entries).
import type { Conn } from '../memcached.h';
import { outString } from './transmit';

/** By the first word of their line. The line is in the tokens. */
export const adminCommands: ReadonlyMap<string, (c: Conn) => void> = new Map([
  ['verbosity', (c: Conn): void => outString(c, 'OK')],
]);
