// A trace as a text: one paragraph for each stop, under a heading for each act.
import { narration } from './narrate';
import { isAct, stops } from './steps';
import type { StepKind } from './steps';
import type { Trace } from './trace';

export function story(trace: Trace, kind: Exclude<StepKind, 'over' | 'out'>): string {
  const { scene } = trace;
  const paragraphs = [`# ${scene.title}`, scene.about];
  const all = new Set([...stops(trace, kind), ...stops(trace, 'act'), 0]);
  for (const n of [...all].sort((a, b) => a - b)) {
    const { happened, next } = narration(trace, n);
    const told = happened.length > 0 ? happened.join(' ') : next;
    // The statement of the step before has caused what happened.
    const at = happened.length > 0 && n > 0 ? n - 1 : n;
    paragraphs.push(isAct(trace, n) ? `## ${told}` : `[${n}] ${place(trace, at)} ${told}`);
  }
  const outputs = Object.entries(trace.outputs).map(([client, text]) => `${client} has received ${short(text)}`);
  return [...paragraphs, `## The end`, ...outputs].join('\n\n') + '\n';
}

/** 'memcached.ts:709 tryReadCommand:' */
function place({ files, functions, steps }: Trace, n: number): string {
  const { file, line, fn } = steps[n];
  return `${files[file].replace(/^.*\//, '')}:${line} ${functions[fn]}:`;
}

function short(text: string): string {
  return text.length > 300 ? `${JSON.stringify(text.slice(0, 300))} and so on: ${text.length} bytes` : JSON.stringify(text);
}
