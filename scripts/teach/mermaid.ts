// A trace as a sequence diagram of Mermaid: clients, the kernel, the event loop, the machine.
import { edgesTaken } from './edges';
import { actSentence } from './narration/acts';
import { stateAt } from './state';
import { isAct } from './steps';
import type { StepKind } from './steps';
import type { SystemCall, Trace } from './trace';

const TEXT_MAX = 60;

/** `kind`: the steps to show. All kinds show acts and edges; 'call' and 'change' also system calls. */
export function mermaid(trace: Trace, kind: Exclude<StepKind, 'over' | 'out'>): string {
  const clients = [...new Set(trace.scene.acts.flatMap(connected))];
  const lines = [
    'sequenceDiagram',
    ...clients.map((name) => `  actor ${name}`),
    '  participant Kernel', '  participant Events as event loop', '  participant Machine as driveMachine',
  ];
  const edges = new Map(edgesTaken(trace).map((edge) => [edge.step, edge]));
  const showsCalls = kind !== 'state' && kind !== 'act' && kind !== 'event';
  for (const [n, { act, calls = [] }] of trace.steps.entries()) {
    if (isAct(trace, n)) lines.push(...actLines(trace, act));
    if (showsCalls) for (const call of calls) lines.push(...callLines(trace, n, call));
    if (kind !== 'act' && n > 0 && beginsMachine(trace, n)) lines.push(`  Events->>Machine: ${escaped(which(trace, n))}`);
    const edge = edges.get(n);
    if (edge === undefined || kind === 'act') continue;
    const client = stateAt(trace, n).values.get(`conn.${edge.conn}.client`) ?? 'listening';
    lines.push(`  Note over Machine: ${client}: ${edge.from ?? 'new'} → ${edge.to}`);
  }
  return `${lines.join('\n')}\n`;
}

function connected(act: Trace['scene']['acts'][number]): string[] {
  if ('connect' in act) return [act.connect];
  return 'together' in act ? act.together.flatMap(connected) : [];
}

function actLines({ scene }: Trace, index: number): string[] {
  const acts = [scene.acts[index]].flatMap((act) => ('together' in act ? act.together : [act]));
  return acts.map((act) => {
    if ('connect' in act) return `  ${act.connect}->>Kernel: connect`;
    if ('send' in act) {
      const [client, text, times = 1] = act.send;
      return `  ${client}->>Kernel: ${escaped(JSON.stringify(text))}${times === 1 ? '' : ` × ${times}`}`;
    }
    const [client] = Object.values(act) as unknown[];
    const where = typeof client === 'string' ? client : 'Kernel';
    return `  Note over ${where}: ${escaped(actSentence(act).split(/[:.]/, 1)[0])}`;
  });
}

function callLines(trace: Trace, n: number, call: SystemCall): string[] {
  const who = inMachine(trace, n) ? 'Machine' : 'Events';
  const lines = [`  ${who}->>Kernel: ${escaped(call.text)}`, `  Kernel-->>${who}: ${escaped(result(call))}`];
  const isReply = call.name === 'write' && typeof call.result === 'number' && call.client !== undefined;
  // Bytes that a client does not read stay in the kernel.
  const reads = isReply && stateAt(trace, n).values.get(`socket.${call.client}.reading`) === 1;
  return reads ? [...lines, `  Kernel->>${call.client}: ${escaped(JSON.stringify(call.bytes ?? ''))}`] : lines;
}

function result({ result: value, injected, bytes, name }: SystemCall): string {
  const data = name === 'read' && bytes !== undefined ? ` ${JSON.stringify(bytes)}` : '';
  return `${value}${data}${injected === true ? ' (a fault of the scene)' : ''}`;
}

function inMachine({ functions, stacks, steps }: Trace, n: number): boolean {
  return stacks[steps[n].stack].some(({ fn }) => functions[fn] === 'driveMachine');
}

function beginsMachine(trace: Trace, n: number): boolean {
  return inMachine(trace, n) && !inMachine(trace, n - 1);
}

function which(trace: Trace, n: number): string {
  const { frames } = stateAt(trace, n);
  const locals = frames.find(({ fn }) => fn === 'eventHandler')?.locals ?? {};
  return `${locals['c'] ?? 'a connection'}: ${locals['which'] ?? ''}`;
}

/** Mermaid ends a text at a semicolon, and takes # for the start of a character's name. */
function escaped(text: string): string {
  const short = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
  return short.replace(/[#;]/g, (character) => `#${character.charCodeAt(0)};`);
}
