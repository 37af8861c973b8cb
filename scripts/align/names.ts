// How a C name is written in the port: snake_case becomes camelCase, macros in capitals stay.

export function portName(name: string): string {
  if (name === name.toUpperCase()) return name;
  return name.replace(/(?<=[^_])_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
