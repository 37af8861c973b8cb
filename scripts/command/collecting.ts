// Keeps V8 from collecting old objects while clients wait. V8's incremental marking has a timer that, eight seconds
// after the flat memory was allocated, collects a heap of 6 MB twice: a pause of up to 30 ms. Without it V8 collects
// old objects when their space is full; thousands of new connections fill it, requests do not.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--no-incremental-marking');
