// The address of a step: '#scene=get&step=214'; a scene that was edited is in the address as a whole.
import { checkScene } from '../scene';
import type { Scene } from '../trace';

export interface Address {
  scene: Scene;
  step: number;
}

/** Without a scene's name it is the first one; null where the address names none of ours. */
export function readAddress(hash: string, scenes: readonly Scene[]): Address | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const step = Number(parts.get('step') ?? 0);
  const wanted = parts.get('scene') ?? (parts.has('edited') ? null : scenes[0].name);
  const scene = scenes.find(({ name }) => name === wanted) ?? decode(parts.get('edited'));
  return scene === null ? null : { scene, step: Number.isInteger(step) && step >= 0 ? step : 0 };
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
