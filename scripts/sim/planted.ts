export function plantAll(_: unknown): Promise<number> { return Promise.resolve(0); }
