// Sentences for changes of the state between two steps.
import { capital, edgeBetween } from '../edges';
import type { StateName } from '../edges';
import type { State } from '../state';
import type { Value } from '../trace';
import { itemSentences } from './items';
import { queueSentences } from './queues';
import { bytes, connName, count, numberAt, quoted, stateName } from './values';

/** Explains the new value of a connection's field. */
type FieldSentence = (value: number, conn: string, before: number) => string;

const IPART = [
  'the next VALUE line is to be built', 'the VALUE line is on its way, and then the data',
  'the data are on their way, and then the next item', 'all items are sent, and END is left',
];
const COMMANDS = ['', 'add', 'set', 'replace'];

const FIELDS: Readonly<Record<string, FieldSentence>> = {
  rbytes: (value, _conn, before) => {
    if (value > before) return `rbuf holds ${bytes(value)} that are not worked off.`;
    return value === 0 ? 'rbuf is worked off: rbytes is 0.' : `rbuf has ${bytes(value)} left.`;
  },
  rlbytes: (value) => {
    return value === 0 ? 'rlbytes is 0: the data are complete.' : `rlbytes: ${bytes(value)} of the data are still to come.`;
  },
  rcurr: () => 'rcurr points to where the next bytes of the data go.',
  rsize: (value, _conn, before) => (value > before ? `rbuf has room for ${bytes(value)} now.` : ''),
  wbytes: (value, _conn, before) => {
    if (value > before) return `wbuf holds a reply of ${bytes(value)}.`;
    return value === 0 ? 'wbytes is 0: the reply is out.' : `${bytes(value)} of the reply are left.`;
  },
  wcurr: () => 'wcurr points to what is to be written next.',
  writeAndGo: (value) => `writeAndGo: after the reply comes the state ${stateName(value)}.`,
  writeAndFree: (value) => (value === 0 ? 'The block of text is freed.' : 'The block of text is freed after it is sent.'),
  sbytes: (value) => (value === 0 ? 'sbytes is 0: all is swallowed.' : `sbytes: ${bytes(value)} are to be thrown away.`),
  item: (value) => (value === 0 ? 'The connection has no item in hand any more.' : 'The connection has the item in hand.'),
  itemComm: (value) => `itemComm keeps that the command is ${COMMANDS[value] ?? value}.`,
  ileft: (value) => (value === 0 ? 'ileft is 0: no item is left to be sent.' : `ileft: ${count(value, 'item')} to send.`),
  icurr: () => 'icurr points to the item in ilist that is sent now.',
  ipart: (value) => `ipart is ${value}: ${IPART[value] ?? ''}.`,
  iptr: () => 'iptr points to what is to be written next.',
  ibytes: (value) => (value === 0 ? 'ibytes is 0: this piece is out.' : `ibytes: ${bytes(value)} of this piece to write.`),
  isize: (value) => `ilist has room for ${count(value, 'item')} now.`,
  evFlags: (value, conn) => {
    const flags = [value & 2 ? 'EV_READ' : '', value & 4 ? 'EV_WRITE' : ''].filter((name) => name !== '');
    return `${conn} waits for ${flags.length === 0 ? 'nothing' : flags.join(' and ')} now (evFlags).`;
  },
  which: (value, conn) => `${conn} is called for ${value & 4 ? 'EV_WRITE: there is room to write' : 'EV_READ'}.`,
  rbuf: (value) => (value === 0 ? 'rbuf is freed: an idle connection keeps no buffers.' : 'The connection has an rbuf.'),
  wbuf: (value) => (value === 0 ? 'wbuf is freed.' : 'The connection has a wbuf.'),
  ilist: (value) => (value === 0 ? 'ilist is freed.' : 'The connection has an ilist.'),
};

const STATS: Readonly<Record<string, string>> = {
  currItems: 'items', totalItems: 'items ever stored', currBytes: 'bytes of items', currConns: 'open connections',
  totalConns: 'connections ever', connStructs: 'connection structures', getCmds: 'keys asked for',
  setCmds: 'storage commands', getHits: 'hits', getMisses: 'misses', bytesRead: 'bytes read',
  bytesWritten: 'bytes written', connYields: 'after 20 commands in a row the connection lets the others go first',
};

/** The buffers to whose start a new connection's pointers point. */
const BEGINNINGS: Readonly<Record<string, string>> = { rcurr: 'rbuf', wcurr: 'wbuf', icurr: 'ilist', iptr: 'ibuf' };

/** For edges with several possible reasons: the reason, by the function that set the state. */
export const REASONS: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = {
  'read>closing': {
    tryReadNetwork: 'the client has ended its side',
    processCommand: 'the client has said quit',
    tryReadCommand: 'a line without an end is no command of this protocol',
  },
};

/** Most important first, an edge before all. `set`: the changes. `by`: the function that made them. */
export function changeSentences(
  set: Readonly<Record<string, Value>>, before: State, after: State, by: string,
): string[] {
  const edges: string[] = [];
  const fields: string[] = [];
  const rest: string[] = [];
  for (const [path, value] of Object.entries(set)) {
    const [kind, id, field] = path.split('.');
    if (kind === 'conn') {
      if (field === 'state') edges.push(edgeSentence(after, id, before.values.get(path), value, by));
      else fields.push(connSentence(before, after, id, field, value, by));
    } else if (kind === 'settings') rest.push(`settings.${id} is ${String(value)} now.`);
    else if (kind === 'stats' && id in STATS) rest.push(`stats.${id} is ${String(value)} now: ${STATS[id]}.`);
  }
  return [...edges, ...itemSentences(set, before, after, by), ...queueSentences(set, before), ...fields, ...rest]
    .filter((text) => text !== '').map(begun);
}

/** Capitalizes a sentence, unless it begins with a name of C. */
function begun(text: string): string {
  const [word] = text.split(/\W/, 1);
  const isName = word in FIELDS || word === 'stats' || word === 'settings' || word === 'next' || word === 'prev';
  return isName && !text.startsWith('item "') ? text : capital(text);
}

function edgeSentence(after: State, id: string, was: Value | undefined, to: Value, by: string): string {
  if (was === undefined) return 'There is a structure for a new connection, with nothing in it yet.';
  const conn = connName(after, id);
  const target = stateName(to) as StateName;
  // A reused structure begins in its old state.
  const source = by === 'connNew' ? null : stateName(was) as StateName;
  const edge = edgeBetween(source, target);
  const move = source === null ? `${conn} begins in ${target}` : `${conn} goes from ${source} to ${target}`;
  if (edge === undefined) return `${move}.`;
  const when = REASONS[`${source ?? ''}>${target}`]?.[by] ?? edge.when;
  return `${move}: ${when}. ${capital(edge.why)}${target === 'write' ? replySentence(after, id) : ''}`;
}

function replySentence(after: State, id: string): string {
  const wbuf = numberAt(after, `conn.${id}.wbuf`);
  const text = after.memory.latin1(wbuf, numberAt(after, `conn.${id}.wbytes`));
  return numberAt(after, `conn.${id}.wcurr`) === wbuf && text !== '' ? ` The reply is ${quoted(text)}.` : '';
}

function connSentence(
  before: State, after: State, id: string, field: string, value: Value, by: string,
): string {
  const conn = connName(after, id);
  if (field === 'sfd') {
    if (value === -1) return '';
    return value === null ? 'The structure of the connection is kept for the next client.' : `Its descriptor is ${value}.`;
  }
  // For a structure that is being filled in, or has just appeared, this would be noise.
  if (typeof value !== 'number' || !before.values.has(`conn.${id}.${field}`) || !(field in FIELDS)) return '';
  if (by === 'connNew' && field in BEGINNINGS) return `${field} points to the beginning of ${BEGINNINGS[field]}.`;
  return FIELDS[field](value, conn, numberAt(before, `conn.${id}.${field}`));
}
