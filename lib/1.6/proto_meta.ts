// The meta half of proto_parser.c and proto_text.c: mg ms md ma me.
import type { Conn } from '../memcached.h';
import type { Ptr } from '../libc/memory';
import { outString } from './transmit';

export function processMget(c: Conn): void { outString(c, 'ERROR'); }
export function processMset(c: Conn): void { outString(c, 'ERROR'); }
export function processMdelete(c: Conn): void { outString(c, 'ERROR'); }
export function processMarithmetic(c: Conn): void { outString(c, 'ERROR'); }
export function processMeta(c: Conn): void { outString(c, 'ERROR'); }
export function completeMset(c: Conn, _it: Ptr): void { outString(c, 'ERROR'); }
