// Whether what came from outside is a scene. What its acts say is looked at when it runs.
import type { Scene } from './trace';

export function isScene(value: unknown): value is Scene {
  if (typeof value !== 'object' || value === null) return false;
  const { name, title, about, seed, args, acts } = value as Partial<Record<keyof Scene, unknown>>;
  return typeof name === 'string' && typeof title === 'string' && typeof about === 'string' && typeof seed === 'number'
    && isArrayOf(args, 'string') && isArrayOf(acts, 'object');
}

function isArrayOf(value: unknown, type: 'string' | 'object'): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === type && each !== null);
}
