// The address of a step: '#scene=get&step=214', or by its place in the code: '#scene=get&at=driveMachine:mwrite&n=2'.
// The address of an edited scene contains the whole scene.
import { checkScene } from '../scene';
import type { Scene } from '../trace';

export interface Address {
  scene: Scene;
  step: number;
  /** In place of the number: a place in the code, and which visit of it, as for stepAt. */
  at?: { place: string; nth: number };
}

/** Without a scene's name, the first scene; null if the address names an unknown one. */
export function readAddress(hash: string, scenes: readonly Scene[]): Address | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const step = Number(parts.get('step') ?? 0);
  const wanted = parts.get('scene') ?? (parts.has('edited') ? null : scenes[0].name);
  const scene = scenes.find(({ name }) => name === wanted) ?? decode(parts.get('edited'));
  const place = parts.get('at');
  const at = place === null ? {} : { at: { place, nth: Number(parts.get('n') ?? 1) } };
  return scene === null ? null : { scene, step: Number.isInteger(step) && step >= 0 ? step : 0, ...at };
}

export function writeAddress({ scene, step }: Address, scenes: readonly Scene[]): string {
  return scenes.includes(scene) ? `#scene=${scene.name}&step=${step}` : `#edited=${encode(scene)}&step=${step}`;
}

function encode(scene: Scene): string {
  const bytes = new TextEncoder().encode(JSON.stringify(scene));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function decode(text: string | null): Scene | null {
  if (text === null) return null;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    return checkScene(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return null;
  }
}
