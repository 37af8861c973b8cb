/** The wall clock when a run begins: 2003-06-23 00:00:00 UTC. */
export const START_TIME_SECONDS = 1056326400;
