// Replaces an exported function of a module for a time, as the checked memory does.
export { replace } from '../../scripts/checked/replace';
