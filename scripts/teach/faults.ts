// Faults as edits of a scene: the same run up to a step, and then the next call of a kind goes wrong.
import type { Act, Fault, Scene, SystemCall, Trace } from './trace';

export interface FaultKind {
  name: string;
  /** The choice in the page. */
  title: string;
  call: string;
  errno?: string;
  /** Whether a number of bytes is asked for. */
  limited?: true;
  /** Whether the call is on a client's connection. */
  ofClient: boolean;
}

export const faultKinds: readonly FaultKind[] = [
  { name: 'short-read', title: 'a short read: only some of the bytes come', call: 'read', limited: true, ofClient: true },
  { name: 'short-write', title: 'a short write: only some of the bytes go', call: 'write', limited: true, ofClient: true },
  { name: 'read-eagain', title: 'read: EAGAIN, nothing is there yet', call: 'read', errno: 'EAGAIN', ofClient: true },
  { name: 'write-eagain', title: 'write: EAGAIN, the send buffer is full', call: 'write', errno: 'EAGAIN', ofClient: true },
  { name: 'read-reset', title: 'read: ECONNRESET, the client is gone', call: 'read', errno: 'ECONNRESET', ofClient: true },
  { name: 'write-reset', title: 'write: ECONNRESET, the client is gone', call: 'write', errno: 'ECONNRESET', ofClient: true },
  { name: 'accept-emfile', title: 'accept: EMFILE, no descriptor is free', call: 'accept', errno: 'EMFILE', ofClient: false },
];

/** `client`: null for any; `limit` is for a kind with `limited`. */
export function faultOf(kind: FaultKind, client: string | null, limit: number): Fault {
  return {
    call: kind.call,
    ...(kind.ofClient && client !== null ? { client } : {}),
    ...(kind.limited === true ? { limit } : { errno: kind.errno ?? 'EAGAIN' }),
  };
}

/**
 * The scene in which the first call after step `n` that the fault would change goes wrong; null if there is no such
 * call.
 */
export function withFault({ scene, steps }: Trace, n: number, fault: Fault): Scene | null {
  // The fault goes before the running act in the scene, and skips the calls that this act has already made.
  const act = Math.max(0, steps[n].act);
  const first = steps.findIndex((step) => step.act >= act);
  const isMeant = ({ name, client }: SystemCall): boolean => {
    return name === fault.call && (fault.client === undefined || client === fault.client);
  };
  let skip = 0;
  for (let i = Math.max(0, first); i < steps.length; i++) {
    for (const call of steps[i].calls?.filter(isMeant) ?? []) {
      if (i > n && differs(call, fault)) {
        const acts: Act[] = [...scene.acts];
        acts.splice(act, 0, { fault: { ...fault, ...(skip > 0 ? { skip } : {}) } });
        return { ...edited(scene), acts };
      }
      skip++;
    }
  }
  return null;
}

/** A call that moves less than the limit, or fails in the same way already, would not show the fault. */
function differs({ result }: SystemCall, { limit, errno }: Fault): boolean {
  return limit === undefined ? result !== errno : typeof result === 'number' && result > limit;
}

/** Marks a scene as different from the one of its name. */
export function edited(scene: Scene): Scene {
  return { ...scene, name: 'edited', title: scene.title.endsWith(' (edited)') ? scene.title : `${scene.title} (edited)` };
}
