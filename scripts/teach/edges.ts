// The state diagram of a connection: its edges with their meanings, the edges that a trace takes, and quiz questions
// before each.
import type { Trace } from './trace';

/** ConnState, by number. */
export const STATES = ['listening', 'read', 'write', 'nread', 'swallow', 'closing', 'mwrite'] as const;
export type StateName = (typeof STATES)[number];

/** What a connection does in each state. */
export const STATE_MEANINGS: Readonly<Record<StateName, string>> = {
  listening: 'waits for clients, and accepts them',
  read: 'reads a command line',
  write: 'writes a reply of one line, or a block of text',
  nread: 'reads the data of a set, add or replace',
  swallow: 'reads data that nobody wants, and throws them away',
  closing: 'is about to be closed',
  mwrite: 'writes out the items that a get has found',
};

export interface Edge {
  /** Null: the connection is new. */
  from: StateName | null;
  to: StateName;
  /** When it is taken. */
  when: string;
  /** Why the machine goes on there. */
  why: string;
}

export const EDGES: readonly Edge[] = [
  {
    from: null, to: 'listening', when: 'main has made the listening socket',
    why: 'The listening socket is a connection, too: the same machine serves it, in a state of its own.',
  },
  {
    from: null, to: 'read', when: 'a client has been accepted',
    why: 'The protocol begins with the client: the server has nothing to say before a command line has come.',
  },
  {
    from: 'read', to: 'write', when: 'the command has an answer of one line',
    why: 'outString puts the line into wbuf; it is sent by the machine, since the socket may not take it at once.',
  },
  {
    from: 'read', to: 'nread', when: 'a set, add or replace announces data',
    why: 'The item is allocated already, and the data are read straight into it: rcurr says where, rlbytes how many.',
  },
  {
    from: 'read', to: 'mwrite', when: 'a get has found at least one item',
    why: 'The items are in ilist, each held by its refcount; they are sent one after the other, without a copy.',
  },
  {
    from: 'read', to: 'closing', when: 'the client has ended its side, has said quit, or sends a line without an end',
    why: 'There is nobody left to serve: the machine closes the connection in its next round.',
  },
  {
    from: 'write', to: 'read', when: 'all of wbuf is sent',
    why: 'writeAndGo says what comes after the reply: nearly always the next command.',
  },
  {
    from: 'write', to: 'swallow', when: 'a storage command was refused, and its error is sent',
    why: 'The client sends the data anyway. They are no commands, so they must be read and thrown away.',
  },
  {
    from: 'write', to: 'closing', when: 'the client is gone, or the reply was the last one',
    why: 'The write failed with an error other than EAGAIN, or writeAndGo says that the connection ends with this reply.',
  },
  {
    from: 'nread', to: 'write', when: 'all data are there',
    why: 'As rlbytes is 0, completeNread stores the item, or refuses it, and answers.',
  },
  {
    from: 'nread', to: 'closing', when: 'the client is gone before its data are complete',
    why: 'The read gave 0 or an error. The half-filled item is given back by connClose.',
  },
  {
    from: 'swallow', to: 'read', when: 'all data are thrown away',
    why: 'As sbytes is 0, the next byte is the first of a command again.',
  },
  {
    from: 'swallow', to: 'closing', when: 'the client is gone in the middle of its data',
    why: 'The read gave 0 or an error.',
  },
  {
    from: 'mwrite', to: 'write', when: 'the last item is sent',
    why: 'As ipart is 3, what is left is END, an answer of one line.',
  },
  {
    from: 'mwrite', to: 'closing', when: 'the client is gone before it has got everything',
    why: 'The write failed with an error other than EAGAIN. connClose lets the items go that are still in ilist.',
  },
];

export function edgeBetween(from: StateName | null, to: StateName): Edge | undefined {
  return EDGES.find((edge) => edge.from === from && edge.to === to);
}

/** An edge that a connection has taken. */
export interface Taken {
  /** The step at which the new state is there; the statement of the step before has set it. */
  step: number;
  conn: number;
  from: StateName | null;
  to: StateName;
}

const takenIn = new WeakMap<Trace, readonly Taken[]>();

/** All edges of a trace, in order. */
export function edgesTaken(trace: Trace): readonly Taken[] {
  const known = takenIn.get(trace);
  if (known !== undefined) return known;
  const states = new Map<number, number>();
  const taken: Taken[] = [];
  for (const [step, { set }] of trace.steps.entries()) {
    for (const [path, value] of Object.entries(set ?? {})) {
      const conn = Number(/^conn\.(\d+)\.state$/.exec(path)?.[1]);
      if (Number.isNaN(conn) || typeof value !== 'number') continue;
      const before = states.get(conn);
      states.set(conn, value);
      if (step === 0 || before === undefined) continue;
      // A reused structure begins in its old state.
      const isNew = trace.functions[trace.steps[step - 1].fn] === 'connNew';
      taken.push({ step, conn, from: isNew ? null : STATES[before], to: STATES[value] });
    }
  }
  takenIn.set(trace, taken);
  return taken;
}

/** How often each edge was taken up to step `n`, by 'read>write' ('>read' for a new connection). */
export function edgeCounts(trace: Trace, n = trace.steps.length - 1): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { step, from, to } of edgesTaken(trace)) {
    const key = `${from ?? ''}>${to}`;
    if (step <= n) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** A connection's other choice besides a next state: it waits for an event. */
export const WAITS = 'waits';

export interface Question {
  /** The step before which to ask: the machine looks at the state, and has done nothing in it yet. */
  step: number;
  conn: number;
  state: StateName;
  /** Names of states, or WAITS; in the order of the diagram. */
  choices: string[];
  answer: string;
  /** The step at which the answer can be seen. */
  answeredAt: number;
  explanation: string;
}

const CHOICES = 4;

/** "What comes next?" before each edge of a trace, but not before the first of a connection. */
export function questions(trace: Trace): Question[] {
  const asked: Question[] = [];
  const since = new Map<number, number>();
  for (const { step, conn, from, to } of edgesTaken(trace)) {
    const entered = since.get(conn) ?? 0;
    since.set(conn, step);
    if (from === null) continue;
    const at = machineLooks(trace, entered, step);
    if (at === null) continue;
    const edge = edgeBetween(from, to);
    asked.push({
      step: at, conn, state: from, choices: choices(from, to), answer: to, answeredAt: step,
      explanation: edge === undefined ? '' : `${capital(edge.when)}. ${capital(edge.why)}`,
    });
  }
  return asked;
}

/** The last step before the edge at which driveMachine looks at the state, outside of its cases. */
function machineLooks({ steps, sites, functions }: Trace, from: number, to: number): number | null {
  for (let n = to - 1; n >= from; n--) {
    const { fn, site } = steps[n];
    if (functions[fn] === 'driveMachine' && sites[site].code.startsWith('switch (c.state)')) return n;
  }
  return null;
}

function choices(from: StateName, answer: StateName): string[] {
  const others = EDGES.filter((edge) => edge.from === from && edge.to !== answer).map(({ to }) => to as string);
  const more = STATES.filter((name) => name !== from && name !== answer && !others.includes(name));
  const wrong = [...others, WAITS, ...more].slice(0, CHOICES - 1);
  return [...STATES, WAITS].filter((name) => name === answer || wrong.includes(name));
}

/** Capitalizes the text, unless its first word is a camelCase name: outString. */
export function capital(text: string): string {
  return /^[a-z]+[A-Z]/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
