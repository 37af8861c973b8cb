import type { Eventop } from './event.h';
export declare const netops: Eventop;
