// Where specs find it.
export { Stderr } from '../../scripts/sim/stderr';
