// Programs that a test starts. However its process ends, they do not outlive it.
import type { ChildProcess } from "node:child_process";

const running = new Map<ChildProcess, NodeJS.Signals>();

process.once("exit", () => {
  for (const [child, signal] of running) child.kill(signal);
});

/** Ends the program with this process, by the signal. */
export function endWithUs(child: ChildProcess, signal: NodeJS.Signals): void {
  running.set(child, signal);
  child.once("exit", () => running.delete(child));
}
