// <sysexits.h>: exit statuses for kinds of errors.

/** The command line is wrong. */
export const EX_USAGE = 64;
/** There is no such user. */
export const EX_NOUSER = 67;
/** The system refused a call. */
export const EX_OSERR = 71;
