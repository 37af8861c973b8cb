// sd_notify(3): tells systemd that the server listens, if the unit asks for it (Type=notify).
import { spawnSync } from 'node:child_process';
import { loadSystem } from '../../reactor/linux/ffi';
import { AF_UNIX, SOCK_DGRAM } from '../../reactor/socket.h';

const READY = Buffer.from('READY=1');

/** systemd writes the leading NUL of an abstract socket's name as @. */
function nameOf(socket: string): string {
  return socket.startsWith('@') ? `\0${socket.slice(1)}` : socket;
}

/** Ignores failures: systemd then reports that the server did not become ready. */
export function notifyReady(): void {
  const socket = process.env['NOTIFY_SOCKET'] ?? '';
  if (socket === '') return;
  const calls = loadSystem()?.syscalls;
  if (calls === undefined) {
    spawnSync('systemd-notify', ['--ready']); // systemd accepts it only with NotifyAccess=all
    return;
  }
  const fd = calls.socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd === -1) return;
  calls.sendto(fd, READY, 0, READY.length, { sunFamily: AF_UNIX, sunPath: nameOf(socket) });
  calls.close(fd);
}
