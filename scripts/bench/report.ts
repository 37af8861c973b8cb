// (to come)
import type { Result } from './model';
export function htmlReport(_result: Result): string {
  return '';
}
