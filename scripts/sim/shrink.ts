// Cuts a failing plan down to a small one that also fails: it leaves out first large parts of its acts, then smaller
// ones, then single acts, and makes its settings plain (Zeller and Hildebrandt, ddmin).
import type { Act, Plan } from './plan';
import type { Failure } from './play';

export interface Shrunk {
  plan: Plan;
  failure: Failure;
  /** The number of plans that were tried. */
  tries: number;
}

/** `play` runs a plan. Tries at most `most` plans. */
export async function shrink(
  plan: Plan, failure: Failure, play: (plan: Plan) => Promise<Failure | null>, most: number,
): Promise<Shrunk> {
  let best: Shrunk = { plan, failure, tries: 0 };
  const attempt = async (candidate: Plan): Promise<boolean> => {
    if (best.tries >= most) return false;
    best.tries++;
    const found = await play(candidate);
    if (found === null) return false;
    best = { ...best, plan: candidate, failure: found };
    return true;
  };

  // Acts after the failure do not matter.
  await attempt({ ...plan, acts: plan.acts.slice(0, failure.act + 1) });
  for (let size = Math.ceil(best.plan.acts.length / 2); size >= 1; size = Math.floor(size / 2)) {
    let removed = true;
    while (removed) {
      removed = false;
      for (let from = 0; from < best.plan.acts.length;) {
        const acts = without(best.plan.acts, from, size);
        if (await attempt({ ...best.plan, acts })) removed = true;
        else from += size;
      }
      if (size > 1 || best.tries >= most) break;
    }
  }
  for (let i = 0; ;) {
    const plainer = plainerThan(best.plan);
    if (i >= plainer.length) break;
    if (!await attempt({ ...best.plan, ...plainer[i] }) || i < PLAIN) i++;
  }
  for (let at = 0; at < best.plan.acts.length; at++) {
    for (const act of smaller(best.plan.acts[at])) {
      if (await attempt({ ...best.plan, acts: best.plan.acts.with(at, act) })) break;
    }
  }
  return best;
}

function without(acts: readonly Act[], from: number, count: number): Act[] {
  return [...acts.slice(0, from), ...acts.slice(from + count)];
}

/** The first arguments always stay; the others get fewer. */
const PLAIN = 4;

function plainerThan({ args }: Plan): Partial<Plan>[] {
  const plainer: Partial<Plan>[] = [
    { shortIo: false }, { keepsItems: false }, { maxFds: 1 << 20 }, { sendBuffer: 65536 },
  ];
  // Options with their words, the first two (-m) kept.
  for (let i = 2; i < args.length; i++) {
    if (!args[i].startsWith('-')) continue;
    const words = i + 1 < args.length && !args[i + 1].startsWith('-') ? 2 : 1;
    plainer.push({ args: [...args.slice(0, i), ...args.slice(i + words)] });
  }
  return plainer;
}

/** The same act with less in it. */
function smaller(act: Act): Act[] {
  if ('push' in act && act.push[1] > 0) return [{ push: [act.push[0], 0] }];
  if (!('say' in act)) return [];
  const [client, op] = act.say;
  const found: Act[] = [];
  if ('keys' in op && op.keys.length > 1) found.push({ say: [client, { ...op, keys: op.keys.slice(0, 1) }] });
  if ('missing' in op && op.missing > 0) found.push({ say: [client, { ...op, missing: 0 }] });
  if ('value' in op && op.value.length > 10) found.push({ say: [client, { ...op, value: { ...op.value, length: 10 } }] });
  return found;
}
