// Converts acts to the lines of the page's editor and back: 'A: get x\r\n', 'A stops reading', '5 seconds pass'.
import type { Act } from './trace';

/** The kinds of lines in the editor; `needs` is the input besides the client. */
export const actKinds = [
  { name: 'send', title: 'sends', needs: 'text' },
  { name: 'bytes', title: 'sends byte by byte', needs: 'text' },
  { name: 'connect', title: 'connects', needs: '' },
  { name: 'pause', title: 'stops reading', needs: '' },
  { name: 'resume', title: 'reads again', needs: '' },
  { name: 'shutdown', title: 'ends its side', needs: '' },
  { name: 'reset', title: 'resets', needs: '' },
  { name: 'close', title: 'closes', needs: '' },
  { name: 'advance', title: 'seconds pass', needs: 'number' },
  { name: 'other', title: 'as the scene has it', needs: 'json' },
] as const;
export type ActKind = (typeof actKinds)[number]['name'];

export interface Row {
  kind: ActKind;
  client: string;
  /** The text to send, with \r\n as typed; or a number of seconds; or JSON of an act without a line of its own. */
  text: string;
  /** How often the text is sent in one go. */
  times: number;
}

/** Bytes that are sent one by one become one row. */
export function rowsOf(acts: readonly Act[]): Row[] {
  const rows: Row[] = [];
  for (const act of acts) {
    const row = rowOf(act);
    const last = rows.at(-1);
    const single = 'send' in act && act.send[1].length === 1 && row.times === 1;
    if (single && last?.kind === 'bytes' && last.client === row.client) last.text += row.text;
    else rows.push(single ? { ...row, kind: 'bytes' } : row);
  }
  return rows;
}

function rowOf(act: Act): Row {
  if ('send' in act) return { kind: 'send', client: act.send[0], text: typed(act.send[1]), times: act.send[2] ?? 1 };
  if ('advance' in act) return { kind: 'advance', client: 'A', text: String(act.advance), times: 1 };
  const simple = Object.entries(act).find(([name, value]) => typeof value === 'string' && isKind(name));
  if (simple === undefined) return { kind: 'other', client: 'A', text: JSON.stringify(act), times: 1 };
  return { kind: simple[0] as ActKind, client: String(simple[1]), text: '', times: 1 };
}

function isKind(name: string): name is ActKind {
  return actKinds.some((kind) => kind.name === name);
}

/** Connects a client before its first act if no row does. Throws an Error of one line for an invalid act. */
export function actsOf(rows: readonly Row[]): Act[] {
  const acts: Act[] = [];
  const connected = new Set<string>();
  for (const row of rows) {
    const made = actsOfRow(row);
    if (row.kind !== 'advance' && row.kind !== 'other') {
      if (row.kind !== 'connect' && !connected.has(row.client)) acts.push({ connect: row.client });
      connected.add(row.client);
    }
    for (const act of made) connect(act, connected);
    acts.push(...made);
  }
  if (acts.length === 0) throw new Error('A scene has at least one line.');
  return acts;
}

function connect(act: Act, connected: Set<string>): void {
  if ('connect' in act) connected.add(act.connect);
  if ('together' in act) for (const each of act.together) connect(each, connected);
}

function actsOfRow({ kind, client, text, times }: Row): Act[] {
  switch (kind) {
    case 'send': return [{ send: times === 1 ? [client, bytes(text)] : [client, bytes(text), times] }];
    case 'bytes': return Array.from(bytes(text)).map((byte) => ({ send: [client, byte] }));
    case 'connect': return [{ connect: client }];
    case 'pause': return [{ pause: client }];
    case 'resume': return [{ resume: client }];
    case 'shutdown': return [{ shutdown: client }];
    case 'reset': return [{ reset: client }];
    case 'close': return [{ close: client }];
    case 'advance': {
      if (!/^\d{1,6}(\.\d+)?$/.test(text.trim())) throw new Error(`Not a number of seconds: "${text}"`);
      return [{ advance: Number(text) }];
    }
    case 'other': return [parsed(text)];
  }
}

function parsed(text: string): Act {
  try {
    const act: unknown = JSON.parse(text);
    if (typeof act === 'object' && act !== null && !Array.isArray(act)) return act as Act;
  } catch {
    // Reported below.
  }
  throw new Error(`Not an act: ${text.slice(0, 60)}`);
}

/** The bytes of a text with \r, \n, \t, \0, \\ and \xHH. */
export function bytes(text: string): string {
  const plain = text.replace(/\\(?:x([0-9a-f]{2})|([\\rnt0]))/gi, (_, code: string | undefined, name: string | undefined) => {
    if (code !== undefined) return String.fromCharCode(parseInt(code, 16));
    return { 'r': '\r', 'n': '\n', 't': '\t', '0': '\0', '\\': '\\' }[(name ?? '').toLowerCase()] ?? '';
  });
  // Text beyond latin1 is sent as UTF-8.
  return /[^\0-\xff]/.test(plain) ? String.fromCharCode(...new TextEncoder().encode(plain)) : plain;
}

function typed(text: string): string {
  return text.replace(/[^ -[\]-~]/g, (byte) => {
    const names: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\0': '\\0', '\\': '\\\\' };
    return names[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The words of a command line. */
export function argumentsOf(text: string): string[] {
  return text.trim() === '' ? [] : text.trim().split(/\s+/);
}
