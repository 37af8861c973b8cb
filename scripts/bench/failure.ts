// A run that cannot go on: a wrong reply, no reply, a server that does not start. The message is for the user.

export class Failure extends Error {}
