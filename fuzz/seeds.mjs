// What each target starts from: the captures, in the form that the target takes.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { at, filesBelow } from "../scripts/project.mjs";

/** The captures hold batches of up to 19 records, and of 1,000: of those a few tell as much as all. */
const longBatch = 100;
const keptOfALongBatch = 5;

const captures = filesBelow(at("tests/fixtures/s2")).map((path) => {
  const text = readFileSync(path, "utf8");
  return { name: basename(path, ".sse"), events: text.split("\n\n").slice(0, -1).map(shortened) };
});
const batches = captures.flatMap(({ name, events }) =>
  events.flatMap(batchOf).map((batch, index) => ({ name: `${name}-${index}`, batch })),
);
const bodies = batches.flatMap(({ name, batch }) =>
  batch.records.flatMap(({ seq_num, body }) =>
    body?.startsWith("{") ? [{ name: `${name}-${seq_num}`, body }] : [],
  ),
);

const byTarget = {
  // No cut behind the stream.
  event_stream: () => captures.map(({ name, events }) => [name, `${joined(events)}\0`]),

  batch: () => [
    ...batches.map(({ name, batch }) => [name, JSON.stringify(batch)]),
    ...bodies.map(({ name, body }) => [`${name}-body`, body]),
    ...bodies.map(({ name, body }) => [`${name}-chunk`, JSON.stringify(JSON.parse(body).data)]),
  ],

  machine: () => [
    // The chat, a message, its session; the append's answer, the stream's; room, and its bytes.
    ...captures.map(({ name, events }) => [name, `00m0o0k000h000w0b02${joined(events)}\0e0`]),
    // The same in the machine's own pieces of a capture, with a loss between them.
    ["pieces", "40m0h000k003w0b000:n0zh000w0b000~w0b000~w0b05e0z"],
    ["restored", "81rh000w0b0330010100010200400w0b05e0zh000w0b04"],
    ["settled", "22rh002w0b04w0b05e0"],
    ["stopped", "43m0k003h000w0b0300100xk000m0k007h000w0b0310401300440700"],
    ["aborted", "44m0a01k003k000m0k005h000w0a01k000"],
    ["refused", "45m0k020th040tk003h000w0m0k030o0k000h000"],
    ["away", "40m0k003h000w0v1n0v0h000w0v2l?v3h000w0l>zh000n0v4h0b4d"],
    ["gated", "64m0k004h000w0b031000840400400w0b05e0zh002w0b05e0"],
    ["merged", "43m0k003h000w0b084w0b085w0b084"],
    ["v1", "41m0k003h001w0b0741w0b0710"],
    ["head start", "40M0h000w0b0w0b0e0m0k0h000w0b0"],
    ["watched", "22W1rh000w0b04w0b05w0b04"],
    ["disposed", "02sm0do0k000m0k009h000w0y8c0r"],
  ],
};

/** The seeds of a target, each with its name. */
export function seeds(target) {
  return byTarget[target]();
}

function joined(events) {
  return events.map((event) => `${event}\n\n`).join("");
}

function batchOf(event) {
  const [, data] = /^event: batch\n(?:.*\n)*data: (.*)$/.exec(event) ?? [];
  return data === undefined ? [] : [JSON.parse(data)];
}

function shortened(event) {
  const [batch] = batchOf(event);
  if (batch === undefined || batch.records.length < longBatch) return event;
  const records = batch.records.slice(0, keptOfALongBatch);
  return event.replace(/data: .*$/, () => `data: ${JSON.stringify({ ...batch, records })}`);
}
