// Spells a wasm as text that compresses well, for a module of JavaScript to carry.
//
// The code is taken apart, for which instruction comes next says much of the one behind it, and little of an
// offset in memory. So the instructions are one row of symbols, and their operands are rows of their own, by
// kind: under brotli all of them are a tenth smaller than the code as it stands. A symbol is an instruction
// with those of its operands that have few values.
//
// Another wasm, of half a kilobyte, puts the code together again (wasm-text.wat), which takes less time than
// JavaScript that runs but once. It knows nothing of instructions.
import { readFileSync } from "node:fs";
import binaryen from "binaryen";
import { at, fail } from "./project.mjs";

/** What stands in every kind of string literal, and in a page's script, without an escape. */
const alphabet = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).filter(
  (character) => !'"$<\\`'.includes(character),
);

/** How many numbers are spelled by one character: the first two of the alphabet begin those of two. */
const single = alphabet.length - 2;

/** What is spelled. A symbol draws its operand from one of the rows from `local` on. */
const rows = [
  ...["head", "tail", "kinds", "symbols"],
  ...["local", "memory", "i32", "i64", "branch", "call", "other"],
];

/** Instead of such a row: a symbol that has no operand, and one that ends a function. */
const NO_OPERAND = 0;
const END_OF_FUNCTION = 1;

/** How many bytes of its own a symbol has at most: they are read at once, with what tells of them. */
const MAX_FIXED = 3;
const KIND_BYTES = MAX_FIXED + 1;

/** Where things lie in the memory of what puts it together: where each row goes on, symbols, the text. */
const KINDS_ADDRESS = 4 * rows.length;
const TEXT_ADDRESS = 1024;

/** The section of a wasm that holds the functions. */
const CODE_SECTION = 10;

/** The source of a module that carries a wasm. */
export function wasmTextModule(wasm) {
  const numbers = rowsOf(wasm);
  const texts = rows.map((row) => spelled(numbers[row]));
  const text = texts.join("");
  const unpacker = unpackerOf(texts, numbers, wasm.length);
  check(text, unpacker, wasm);
  return `export const text = "${text}";
export const textAddress = ${TEXT_ADDRESS};
export const length = ${wasm.length};
export const unpacker = "${Buffer.from(unpacker).toString("base64")}";
`;
}

/** The types of that source. */
export const wasmTextTypes = `/** A wasm, taken apart: printable ASCII. */
export declare const text: string;
/** Where the text has to lie in the unpacker's memory. */
export declare const textAddress: number;
/** How many bytes the wasm has. */
export declare const length: number;
/** What puts it together: another wasm, in base64. */
export declare const unpacker: string;
`;

/** Compiles what puts this one text together. */
function unpackerOf(texts, { head, kinds }, length) {
  const starts = texts.map((_, row) => TEXT_ADDRESS + texts.slice(0, row).join("").length);
  const out = starts.at(-1) + texts.at(-1).length;
  const constants = {
    ...{ out, headEnd: out + head.length, outEnd: out + length },
    ...{ kinds: KINDS_ADDRESS, kindsEnd: KINDS_ADDRESS + kinds.length },
    ...{ single, base: alphabet.length, endOfFunction: 4 * END_OF_FUNCTION },
    symbolsEnd: starts[rows.indexOf("local")],
  };
  for (const [index, row] of rows.entries()) constants[`${row}Row`] = 4 * index;
  if (constants.kindsEnd > TEXT_ADDRESS) fail("The wasm has too many kinds of symbols.");
  const bytes = [...new Uint8Array(new Uint32Array(starts).buffer)];
  const source = readFileSync(at("scripts/wasm-text.wat"), "utf8")
    .replaceAll(/\(global\.get \$(\w+)\)/g, (_, name) => `(i32.const ${constants[name]})`)
    .replace("$pages", Math.ceil((constants.outEnd + KIND_BYTES) / 65_536))
    .replace("$starts", bytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join(""));
  const module = binaryen.parseText(source);
  module.setFeatures(binaryen.Features.BulkMemory | binaryen.Features.BulkMemoryOpt);
  if (!module.validate()) fail("scripts/wasm-text.wat is no valid module.");
  // No names of functions.
  binaryen.setDebugInfo(false);
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(2);
  binaryen.setAlwaysInlineMaxSize(0);
  binaryen.setFlexibleInlineMaxSize(0);
  binaryen.setOneCallerInlineMaxSize(0);
  module.optimize();
  return module.emitBinary();
}

/** What a page puts together must be what was taken apart, to the byte. */
function check(text, unpacker, wasm) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(unpacker));
  const memory = Buffer.from(exports.memory.buffer);
  memory.write(text, TEXT_ADDRESS, "latin1");
  const start = exports.unpack();
  if (!memory.subarray(start, start + wasm.length).equals(wasm)) {
    fail("The wasm's text does not give it back.");
  }
}

/** The numbers of each row. */
function rowsOf(wasm) {
  const { head, functions, tail } = takenApart(wasm);
  const numbers = Object.fromEntries(rows.map((row) => [row, []]));
  const symbols = new Map();
  const sequence = functions.flat().map(({ fixed, row, operand }) => {
    const kind = [row * KIND_BYTES + fixed.length, ...fixed];
    const symbol = symbols.get(kind.join()) ?? { kind, count: 0 };
    symbols.set(kind.join(), symbol);
    symbol.count++;
    if (operand) numbers[rows[row]].push(...operand);
    return symbol;
  });
  const ordered = inOrder([...symbols.values()]);
  const numberOf = new Map(ordered.map((symbol, number) => [symbol, number]));
  numbers.head = head;
  numbers.tail = tail;
  numbers.kinds = ordered.flatMap(({ kind }) => [...kind, 0, 0, 0].slice(0, KIND_BYTES));
  numbers.symbols = sequence.map((symbol) => numberOf.get(symbol));
  return numbers;
}

/** Those that are there most have the numbers of one character; like ones stand side by side. */
function inOrder(symbols) {
  const byCount = symbols.toSorted((one, other) => other.count - one.count);
  const byCode = (one, other) => (one.kind[1] ?? 0) - (other.kind[1] ?? 0);
  return [...byCount.slice(0, single).sort(byCode), ...byCount.slice(single)];
}

function spelled(numbers) {
  const base = alphabet.length;
  const spell = (number) =>
    number < single
      ? alphabet[number + 2]
      : alphabet[Math.floor((number - single) / base)] + alphabet[(number - single) % base];
  return Array.from(numbers, spell).join("");
}

/** The functions, each as its symbols, and what stands before and behind them. */
function takenApart(wasm) {
  const reader = new Reader(wasm, 8);
  for (;;) {
    const section = reader.byte();
    const end = reader.number() + reader.at;
    if (section !== CODE_SECTION) {
      reader.at = end;
      continue;
    }
    const count = reader.number();
    const head = wasm.subarray(0, reader.at);
    const functions = Array.from({ length: count }, () => takenFunction(reader));
    return { head, functions, tail: wasm.subarray(end) };
  }
}

function takenFunction(reader) {
  const end = reader.number() + reader.at;
  const groups = drawn([], "other", reader);
  const symbols = [groups];
  // Local variables: how many of which type.
  for (let count = number(groups.operand); count > 0; count--) {
    symbols.push(drawn([], "other", reader), ...whole([reader.byte()]));
  }
  while (reader.at < end) symbols.push(...takenInstruction(reader));
  symbols.at(-1).row = END_OF_FUNCTION;
  return symbols;
}

/** A symbol that draws its operand from a row. */
function drawn(fixed, row, reader) {
  return { fixed, row: rows.indexOf(row), operand: reader.leb() };
}

/** Symbols that draw none. */
function whole(bytes) {
  const fixed = bytes.slice(0, MAX_FIXED);
  const rest = bytes.slice(MAX_FIXED);
  return [{ fixed, row: NO_OPERAND }, ...(rest.length > 0 ? whole(rest) : [])];
}

function takenInstruction(reader) {
  const start = reader.at;
  const code = reader.byte();
  const row = rowOf(code);
  if (row === "memory") reader.leb();
  if (row) return [drawn(reader.since(start), row, reader)];
  if (code === 0x0e) {
    // br_table: how many targets there are beside the last one, and each of them.
    const count = drawn([], "other", reader);
    const targets = Array.from({ length: number(count.operand) + 1 }, () =>
      drawn([], "other", reader),
    );
    return [...whole([code]), count, ...targets];
  }
  passOperands(code, reader);
  return whole(reader.since(start));
}

/** The row of an instruction's last operand, if that has many values. */
function rowOf(code) {
  if (code >= 0x28 && code <= 0x3e) return "memory";
  switch (code) {
    case 0x0c: // br
    case 0x0d: // br_if
      return "branch";
    case 0x10:
      return "call";
    case 0x20: // local.get
    case 0x21: // local.set
    case 0x22: // local.tee
      return "local";
    case 0x41: // i32.const
      return "i32";
    case 0x42: // i64.const
      return "i64";
  }
}

function passOperands(code, reader) {
  const count = code === 0xfc ? miscellaneous[reader.number()] : operands(code);
  if (count === undefined) fail(`The wasm has an instruction that is not known: ${code}.`);
  if (code === 0x43) reader.at += 4;
  if (code === 0x44) reader.at += 8;
  for (let passed = 0; passed < count; passed++) reader.leb();
}

/** How many operands an instruction has that are numbers of any length. */
function operands(code) {
  switch (code) {
    case 0x11: // call_indirect
    case 0x1c: // select, of a type
      return 2;
    case 0x02: // block
    case 0x03: // loop
    case 0x04: // if
    case 0x23: // global.get
    case 0x24: // global.set
    case 0x25: // table.get
    case 0x26: // table.set
    case 0x3f: // memory.size
    case 0x40: // memory.grow
    case 0xd0: // ref.null
    case 0xd2: // ref.func
      return 1;
    case 0x00: // unreachable
    case 0x01: // nop
    case 0x05: // else
    case 0x0b: // end
    case 0x0f: // return
    case 0x1a: // drop
    case 0x1b: // select
    case 0x43: // f32.const
    case 0x44: // f64.const
    case 0xd1: // ref.is_null
      return 0;
  }
  // Comparisons, arithmetic, conversions.
  return code >= 0x45 && code <= 0xc4 ? 0 : undefined;
}

/** The same for those behind 0xfc, by their second number: conversions, memory, tables. */
const miscellaneous = [...Array(8).fill(0), ...[2, 1, 2, 1], ...[2, 1, 2, 1, 1, 1]];

/** An unsigned number, of the bytes of its LEB128. */
function number(leb) {
  return leb.reduceRight((higher, byte) => higher * 128 + (byte & 127), 0);
}

class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  leb() {
    const start = this.at;
    while (this.byte() > 127);
    return this.since(start);
  }

  number() {
    return number(this.leb());
  }

  since(start) {
    return this.bytes.subarray(start, this.at);
  }
}
