import { DEFAULT_PROGRAM_SECONDS, MAX_PROGRAM_SECONDS } from "../../../domain/engine-limits.ts";
import { WASI_MODULE, WASI_SIGNATURES } from "./sandbox/signatures.ts";
import { readValueType, scanFunction } from "./scan-instructions.ts";
import { refuse, WasmReader } from "./wasm-reader.ts";
import { encodeU32 } from "./wasm-writer.ts";

/** Bytes of a page of WebAssembly memory. */
export const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
/** Entries of all tables together. */
const MAX_TABLE_ENTRIES = 1_000_000;
const MAGIC = Buffer.from("\0asm\x01\0\0\0", "latin1");
const TYPE_LETTERS: Readonly<Record<number, string>> = { 0x7f: "i", 0x7e: "I", 0x7d: "f", 0x7c: "F" };

/** What the engine needs to know of a module before it runs it. */
export interface ModuleFacts {
  /** From the custom section `sprf.seconds`: a decimal number. */
  readonly seconds: number;
  /** From the custom section `sprf.state`. */
  readonly state: "file" | "directory";
  /** Whether it computes with floats so that it may see a NaN whose bits could differ from machine to machine. */
  readonly floats: boolean;
  /** Of the functions that it defines, in order. */
  readonly parameterCounts: readonly number[];
  readonly memory: {
    readonly minPages: number;
    readonly maxPages: number;
    /** Where the memory section is, header included. */
    readonly sectionStart: number;
    readonly sectionEnd: number;
  };
}

/**
 * Checks that `bytes` are a WASI preview 1 command that needs nothing the sandbox does not have: WebAssembly 2.0 with one
 * memory of its own and no threads, imports of known functions with their exact types, `_start` and `memory` exported.
 * Types are left to the WebAssembly engine, which the sandbox asks.
 *
 * @throws SprfError `PROGRAM_INVALID`
 */
export function inspectModule(bytes: Uint8Array): ModuleFacts {
  if (Buffer.compare(bytes.subarray(0, 8), MAGIC) !== 0) refuse("it is no WebAssembly module");
  const reader = new WasmReader(bytes, 8);
  const types: string[] = [];
  const functionTypes: number[] = [];
  let memory: ModuleFacts["memory"] | undefined;
  let seconds = DEFAULT_PROGRAM_SECONDS;
  let state: ModuleFacts["state"] = "file";
  let floats = false;
  let start: number | undefined;
  let exportsMemory = false;
  let imported = 0;
  while (!reader.done) {
    const sectionStart = reader.position;
    const id = reader.byte();
    const section = reader.part(reader.u32());
    if (id === 0) {
      const name = section.name();
      if (name === "sprf.seconds") seconds = parseSeconds(section.rest());
      if (name === "sprf.state") state = parseState(section.rest());
    } else if (id === 1) section.repeat(() => types.push(readFunctionType(section)));
    else if (id === 2) {
      section.repeat(() => functionTypes.push(readImport(section, types)));
      imported = functionTypes.length;
    } else if (id === 3) section.repeat(() => functionTypes.push(section.u32()));
    else if (id === 4) readTables(section);
    else if (id === 5) memory = { ...readMemory(section), sectionStart, sectionEnd: reader.position };
    else if (id === 7) {
      section.repeat(() => {
        const name = section.name();
        const kind = section.byte();
        const index = section.u32();
        if (name === "_start" && kind === 0) start = index;
        if (name === "memory" && kind === 2) exportsMemory = true;
      });
    } else if (id === 8) refuse("it has a start section; a WASI command exports _start instead");
    else if (id === 10) section.repeat(() => void scanFunction(section, () => (floats = true)));
    else if (id > 12) refuse(`section ${id} is not part of WebAssembly 2.0`);
  }
  if (memory === undefined || !exportsMemory) refuse("it does not export a memory of its own");
  if (start === undefined) refuse("it exports no function _start; build it as a WASI command");
  if (types[functionTypes[start] ?? -1] !== ":") refuse("_start takes parameters or gives results");
  // A function whose type does not exist has none; the WebAssembly engine refuses it.
  const parameterCounts = functionTypes.slice(imported).map((type) => types[type]?.indexOf(":") ?? 0);
  return { seconds, state, floats, memory, parameterCounts };
}

/**
 * The module with its memory limited to `maxPages`, so that `memory.grow` fails at the same size everywhere; undefined when
 * it needs more from the start.
 */
export function limitMemory(
  bytes: Uint8Array,
  { memory }: Pick<ModuleFacts, "memory">,
  maxPages: number,
): Uint8Array | undefined {
  if (memory.minPages > maxPages) return undefined;
  if (memory.maxPages <= maxPages) return bytes;
  const section = [1, 1, ...encodeU32(memory.minPages), ...encodeU32(maxPages)];
  return Buffer.concat([
    bytes.subarray(0, memory.sectionStart),
    Buffer.from([5, section.length, ...section]),
    bytes.subarray(memory.sectionEnd),
  ]);
}

function readFunctionType(reader: WasmReader): string {
  if (reader.byte() !== 0x60) refuse("it defines types past WebAssembly 2.0");
  const letters = (): string => {
    let text = "";
    reader.repeat(() => (text += TYPE_LETTERS[readValueType(reader)] ?? "?"));
    return text;
  };
  const parameters = letters();
  return `${parameters}:${letters()}`;
}

function readImport(reader: WasmReader, types: readonly string[]): number {
  const module = reader.name();
  const name = reader.name();
  const label = `${module}.${name}`.slice(0, 200);
  if (reader.byte() !== 0) refuse(`it imports ${label}, which is not a function`);
  const type = reader.u32();
  const signature = (WASI_SIGNATURES as Readonly<Record<string, string>>)[name];
  if (module !== WASI_MODULE || signature === undefined || !Object.hasOwn(WASI_SIGNATURES, name)) {
    refuse(`it imports ${label}, which programs may not use`);
  }
  if (types[type] !== signature) refuse(`it imports ${label} with a type other than that of WASI preview 1`);
  return type;
}

function readTables(reader: WasmReader): void {
  let entries = 0;
  reader.repeat(() => {
    const type = reader.byte();
    if (type !== 0x70 && type !== 0x6f) refuse("it defines tables past WebAssembly 2.0");
    const flags = reader.byte();
    if (flags > 1) refuse("it defines tables past WebAssembly 2.0");
    entries += reader.u32();
    if (flags === 1) reader.u32();
  });
  if (entries > MAX_TABLE_ENTRIES) refuse(`its tables have more than ${MAX_TABLE_ENTRIES} entries`);
}

function readMemory(reader: WasmReader): { minPages: number; maxPages: number } {
  if (reader.u32() !== 1) refuse("it must have exactly one memory");
  const flags = reader.byte();
  if (flags === 2 || flags === 3) refuse("its memory is shared");
  if (flags > 1) refuse("its memory is not a 32-bit memory");
  const minPages = reader.u32();
  const maxPages = flags === 1 ? reader.u32() : MAX_PAGES;
  return { minPages, maxPages };
}

function parseSeconds(bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString("latin1");
  const seconds = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > MAX_PROGRAM_SECONDS) {
    refuse(`sprf.seconds must be a whole number from 1 to ${MAX_PROGRAM_SECONDS}`);
  }
  return seconds;
}

function parseState(bytes: Uint8Array): ModuleFacts["state"] {
  const text = Buffer.from(bytes).toString("latin1");
  if (text !== "file" && text !== "directory") refuse("sprf.state must be file or directory");
  return text;
}
