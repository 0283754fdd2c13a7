// What Chromium's trace tells of a reading.

/** The name under which the page tells when its reading began and ended. */
export const READING = "reading";

/** An event of a trace; the members that count here. */
export interface TraceEvent {
  name: string;
  /** The phase: "b" and "e" for a measure's begin and end, "X" for what is told with its duration. */
  ph: string;
  pid: number;
  tid: number;
  /** In microseconds, as the duration. */
  ts: number;
  dur?: number;
}

/** The longest task of the thread that the page's reading was on, of those that ran meanwhile. */
export function longestTaskMs(events: TraceEvent[]): number {
  const edge = (phase: string) => events.find(({ name, ph }) => name === READING && ph === phase);
  const [begin, end] = [edge("b"), edge("e")];
  if (!begin || !end) throw new Error("There is no reading in the trace.");
  const lengths = events
    .filter(({ name, pid, tid }) => name === "RunTask" && pid === begin.pid && tid === begin.tid)
    .filter(({ ts, dur = 0 }) => ts < end.ts && ts + dur > begin.ts)
    .map(({ dur = 0 }) => dur / 1_000);
  if (lengths.length === 0) throw new Error("There is no task in the trace.");
  return Math.max(...lengths);
}
