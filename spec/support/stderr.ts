// Stderr, for specs.
export { Stderr } from '../../scripts/sim/stderr';
