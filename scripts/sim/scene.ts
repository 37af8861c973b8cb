// A run as a scene for the teaching page: the clients' actions, as bytes. Acts that a scene cannot express are left
// out and listed.
import type { Act, Fault, Mode, Plan } from './plan';
import type { Telling } from './telling';
import { START_TIME_SECONDS } from './times';

export interface Scene {
  name: string;
  title: string;
  about: string;
  seed: number;
  options: { sendBuffer: number; startTime: number; maxFds: number; shortIo: boolean };
  args: string[];
  acts: SceneAct[];
}

type SceneAct =
  | { connect: string } | { send: [client: string, text: string] } | { pause: string } | { resume: string }
  | { shutdown: string } | { reset: string } | { close: string } | { advance: number } | { fault: Fault };

const OPTION: Record<Mode, string[]> = { default: [], '1.0': ['--1.0'], classic: ['--classic'] };

export class SceneWriter implements Telling {
  private readonly acts: SceneAct[] = [];
  private readonly leftOut = new Set<string>();

  act(_number: number, act: Act): void {
    if ('say' in act || 'push' in act) return;
    if ('connect' in act) this.acts.push({ connect: act.connect });
    else if ('rest' in act) this.acts.push({ advance: 0 });
    else if ('clock' in act || 'sleep' in act || 'restart' in act) this.leftOut.add(Object.keys(act)[0]);
    else this.acts.push(act);
  }

  sends(client: string, text: string): void {
    this.acts.push({ send: [client, text] });
  }

  did(): void {
    // The bytes say it all.
  }

  rests(): void {
    // As above.
  }

  receives(): void {
    // As above.
  }

  /** `what`: the failure, if there is one. */
  scene({ seed, mode, args, sendBuffer, maxFds, shortIo }: Plan, what: string | null): Scene {
    const without = this.leftOut.size === 0 ? '' : ` Without: ${[...this.leftOut].join(', ')}.`;
    return {
      name: `sim-${mode}-${seed}`,
      title: `Seed ${seed} of the simulation`,
      about: `${what ?? 'A run of the simulation, in which nothing is wrong.'}${without}`,
      seed,
      options: { sendBuffer, startTime: START_TIME_SECONDS, maxFds, shortIo },
      args: [...OPTION[mode], ...args],
      acts: this.acts,
    };
  }
}
