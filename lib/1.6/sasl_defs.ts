// sasl_defs.c, and what memcached needs of libsasl: the mechanism PLAIN, with the users in the file that the variable
// MEMCACHED_SASL_PWDB names. A line is `user:password`; text after a second colon is ignored.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { strerror } from '../../reactor/errno.h';
import { fprintf, stderr } from '../libc/stdio';
import { digestOf, isAmong } from './secrets';
import { settings } from './settings';

/** Results of an attempt, with libsasl's numbers: -v prints them. */
export enum Sasl {
  ok = 0,
  /** The client must send another message. */
  continue = 1,
  fail = -1,
  noMech = -4,
  badProt = -5,
  badAuth = -13,
  noUser = -20,
}

/** The mechanisms served, separated by spaces. */
export const MECHANISMS = 'PLAIN';

/** Maximum bytes of a user and a password together. */
const MAX_USER_AND_PASSWORD = 252;

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

let memcachedSaslPwdb = '';

// sasl_defs.c: init_sasl
/** Returns null, or the exit status, after a line on stderr. */
export function initSasl(): number | null {
  const pwdb = process.env['MEMCACHED_SASL_PWDB'];
  if (pwdb === undefined || pwdb === '') {
    // C then asks the system's libsasl, which we do not have: no client could authenticate.
    const what = 'the path of a file of users, with a line user:password for each';
    fprintf(stderr, `-S needs the environment variable MEMCACHED_SASL_PWDB: ${what}\n`);
    return 1;
  }
  memcachedSaslPwdb = resolve(pwdb); // -d changes the directory to /
  if (settings.verbose > 0) fprintf(stderr, 'Initialized SASL.\n');
  return null;
}

// libsasl: sasl_server_start
/** Starts authentication by a mechanism; most clients send the whole message at once. */
export function saslServerStart(mech: string, message: Buffer): Sasl {
  if (mech.toUpperCase() !== MECHANISMS) return Sasl.noMech;
  return message.length === 0 ? Sasl.continue : saslServerStep(message);
}

// libsasl: sasl_server_step, plain_server_mech_step
/** `message`: authzid (empty, or the same user), authcid and password, separated by NULs (RFC 4616). */
export function saslServerStep(message: Buffer): Sasl {
  const first = message.indexOf(NUL), second = message.indexOf(NUL, first + 1);
  if (first === -1 || second === -1 || message.includes(NUL, second + 1)) return Sasl.badProt;
  const author = message.toString('latin1', 0, first);
  const user = message.toString('latin1', first + 1, second);
  if (user === '') return Sasl.fail;
  if (!checkpass(user, message.subarray(second + 1))) return Sasl.noUser;
  return author === '' || withRealm(author) === withRealm(user) ? Sasl.ok : Sasl.badAuth;
}

/** libsasl adds this host's name to a user without a realm. */
function withRealm(user: string): string {
  return user.includes('@') ? user : `${user}@${hostname()}`;
}

// sasl_defs.c: sasl_server_userdb_checkpass
/**
 * Whether the file has that user with that password. As in C, the file is read each time. Its line may have the user
 * with the realm, as C requires, or as the client sent it.
 */
function checkpass(user: string, password: Buffer): boolean {
  if (user.length + password.length > MAX_USER_AND_PASSWORD) {
    // C prints it without -v, too, and so a client could fill the log.
    if (settings.verbose > 0) {
      fprintf(stderr, `WARNING: Failed to authenticate <${printable(user)}> due to too long password ` +
        `(${password.length})\n`);
    }
    return false;
  }
  let lines: Buffer[];
  try {
    lines = linesOf(readFileSync(memcachedSaslPwdb));
  } catch (error) {
    const why = error instanceof Error && 'errno' in error ? strerror(-Number(error.errno)) : String(error);
    if (settings.verbose > 0) {
      fprintf(stderr, `WARNING: Failed to open sasl database <${memcachedSaslPwdb}>: ${why}\n`);
    }
    return false;
  }
  const asSaid = isOneOf(lines, user, password), asCHasIt = isOneOf(lines, withRealm(user), password);
  if (asSaid || asCHasIt) return true;
  if (settings.verbose > 0) fprintf(stderr, `INFO: User <${printable(user)}> failed to authenticate\n`);
  return false;
}

/** Whether a line has that user and password. Compares all lines, even after a match. */
function isOneOf(lines: readonly Buffer[], user: string, password: Buffer): boolean {
  const wanted = Buffer.concat([Buffer.from(`${user}:`, 'latin1'), password, Buffer.of(COLON)]);
  const candidates = lines.map((line) => digestOf(line.subarray(0, wanted.length)));
  return isAmong(digestOf(wanted), candidates);
}

/** The lines without their \n or \r\n, but with a colon added to each. */
function linesOf(file: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let begin = 0; begin < file.length;) {
    const newline = file.indexOf(LF, begin);
    const end = newline === -1 ? file.length : newline;
    const text = file.subarray(begin, end > begin && file[end - 1] === CR ? end - 1 : end);
    lines.push(Buffer.concat([text, Buffer.of(COLON)]));
    begin = end + 1;
  }
  return lines;
}

/** Makes a client's text safe for stderr. */
export function printable(word: string): string {
  return word.replace(/[^\x20-\x7e]/g, '?');
}
