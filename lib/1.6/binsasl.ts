// Authentication in the binary protocol (proto_bin.c: authenticated, bin_list_sasl_mechs, process_bin_sasl_auth,
// process_bin_complete_sasl_auth). A request's key is the mechanism, its value the client's message.
import type { Conn } from '../memcached.h';
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { fprintf, stderr } from '../libc/stdio';
import { Status, addHeader, fail, sendPacket, succeedWith } from './binreply';
import { itemAlloc, itemRemove } from './items';
import { IT_NBYTES, ITEM_CHUNKED, dataOf, field, itFlags, keyOf, nkeyOf, threadStats } from './memcached.h';
import { readData } from './receive';
import { MECHANISMS, Sasl, printable, saslServerStart, saslServerStep } from './sasl_defs';
import { settings } from './settings';

/** protocol_binary.h: protocol_binary_command */
export const SASL_LIST_MECHS = 0x20;
export const SASL_AUTH = 0x21;
export const SASL_STEP = 0x22;
const GET_VERSION = 0x0b;

/** One more NREAD_*, beside those of memcached.h: reads a SASL message (bin_reading_sasl_auth_data). */
export const NREAD_SASL = 100;

const MAX_SASL_MECH_LEN = 32;
const CRLF = 2;

// proto_bin.c: authenticated
/** Whether the command may be served: without authentication only version and the SASL commands are. */
export function authenticated(c: Conn): boolean {
  const rv = c.authenticated || c.opcode === GET_VERSION
    || (c.opcode >= SASL_LIST_MECHS && c.opcode <= SASL_STEP);
  if (settings.verbose > 1) {
    fprintf(stderr, `authenticated() in cmd 0x${c.opcode.toString(16).padStart(2, '0')} is ${String(rv)}\n`);
  }
  return rv;
}

// proto_bin.c: bin_list_sasl_mechs
export function binListSaslMechs(c: Conn): void {
  c.authenticated = false; // as in C
  succeedWith(c, MECHANISMS, NULL);
}

// proto_bin.c: process_bin_sasl_auth
/** Starts to read the message of `vlen` bytes. */
export function processBinSaslAuth(c: Conn, mech: Ptr, nkey: number, vlen: number): void {
  if (nkey > MAX_SASL_MECH_LEN) {
    fail(c, Status.einval, vlen);
    return;
  }
  const it = itemAlloc(mech, nkey, 0, 0, vlen + CRLF);
  if (it === NULL || (itFlags(it) & ITEM_CHUNKED) !== 0) {
    if (it !== NULL) itemRemove(it);
    fail(c, Status.enomem, vlen);
    return;
  }
  readData(c, it, NREAD_SASL);
  c.rlbytes = vlen;
}

// proto_bin.c: process_bin_complete_sasl_auth
export function processBinCompleteSaslAuth(c: Conn, it: Ptr): void {
  c.authenticated = false;
  const data = dataOf(it), vlen = field(it, IT_NBYTES) - CRLF;
  const message = Buffer.from(u8.subarray(data, data + vlen));
  const mech = Buffer.from(u8.subarray(keyOf(it), keyOf(it) + nkeyOf(it))).toString('latin1');
  if (settings.verbose > 0) fprintf(stderr, `mech:  \`\`${printable(mech)}'' with ${vlen} bytes of data\n`);

  const result = c.opcode === SASL_AUTH ? start(c, mech, message) : step(c, message);

  if (settings.verbose > 0) fprintf(stderr, `sasl result code:  ${result}\n`);
  if (result === Sasl.continue) {
    sendPacket(c, addHeader(c, Status.authContinue, 0, 0, 0, NULL));
    return;
  }
  threadStats.authCmds++;
  if (result === Sasl.ok) {
    c.authenticated = c.saslDone = true;
    succeedWith(c, 'Authenticated', NULL);
    return;
  }
  threadStats.authErrors++;
  if (settings.verbose > 0) fprintf(stderr, `Unknown sasl response:  ${result}\n`);
  fail(c, Status.authError);
}

/** libsasl fails if authentication was complete before, and begins anew after that. */
function start(c: Conn, mech: string, message: Buffer): Sasl {
  const result = c.saslDone ? Sasl.fail : saslServerStart(mech, message);
  c.saslDone = false;
  c.saslStarted = result === Sasl.ok || result === Sasl.continue;
  return result;
}

function step(c: Conn, message: Buffer): Sasl {
  if (c.saslStarted) return c.saslDone ? Sasl.fail : saslServerStep(message);
  if (settings.verbose > 0) {
    fprintf(stderr, `${c.sfd}: SASL_STEP called but sasl_server_start not called for this connection!\n`);
  }
  return Sasl.fail;
}
