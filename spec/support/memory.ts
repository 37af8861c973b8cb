// Where specs find it.
export { bytes, put, putz, text } from '../../scripts/sim/memory';
