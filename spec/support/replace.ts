// Where specs find it.
export { replace } from '../../scripts/sim/replace';
