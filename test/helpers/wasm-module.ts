/** What a module for a test is made of; what is left out is as in the smallest valid WASI command. */
export interface WasmParts {
  /** Bodies of functions after `_start`, which is the first; instructions without the final `end`. */
  readonly bodies?: readonly (readonly number[])[];
  /** Groups of locals of the first body: count and type of each. @default none */
  readonly locals?: readonly (readonly [number, number])[];
  /** Types that bodies refer to, from index 1 on when there are no imports. */
  readonly types?: readonly (readonly number[])[];
  readonly imports?: readonly { readonly module?: string; readonly name: string; readonly type?: readonly number[] }[];
  /** The memory section's content, or null for none. */
  readonly memory?: readonly number[] | null;
  readonly table?: readonly number[];
  readonly exports?: readonly { readonly name: string; readonly kind: number; readonly index: number }[];
  readonly custom?: Readonly<Record<string, string>>;
  /** Sections to put at the end, by id. */
  readonly extra?: readonly { readonly id: number; readonly content: readonly number[] }[];
}

const FUNCTION_TYPE = [0x60, 0, 0];

/** A WebAssembly module in its binary format. All bodies have the type () -> (). */
export function wasmModule(parts: WasmParts = {}): Uint8Array {
  const bodies = parts.bodies ?? [[]];
  const imports = parts.imports ?? [];
  const exports = parts.exports ?? [
    { name: "_start", kind: 0, index: imports.length },
    { name: "memory", kind: 2, index: 0 },
  ];
  const types = [FUNCTION_TYPE, ...imports.map(({ type }) => [...(type ?? FUNCTION_TYPE)]), ...(parts.types ?? [])];
  const importEntries = imports.map(({ module = "wasi_snapshot_preview1", name }, index) => [
    ...text(module),
    ...text(name),
    0,
    index + 1,
  ]);
  return new Uint8Array([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...Object.entries(parts.custom ?? {}).flatMap(([name, value]) =>
      section(0, [...text(name), ...new TextEncoder().encode(value)]),
    ),
    ...section(1, vector(types)),
    ...(imports.length === 0 ? [] : section(2, vector(importEntries))),
    ...section(3, vector(bodies.map(() => [0]))),
    ...(parts.table === undefined ? [] : section(4, parts.table)),
    ...(parts.memory === null ? [] : section(5, parts.memory ?? [1, 0, 1])),
    ...section(7, vector(exports.map(({ name, kind, index }) => [...text(name), kind, index]))),
    ...section(
      10,
      vector(
        bodies.map((body, index) => {
          const locals = index === 0 ? (parts.locals ?? []) : [];
          const code = [...vector(locals.map(([count, type]) => [...leb(count), type])), ...body, 0x0b];
          return [...leb(code.length), ...code];
        }),
      ),
    ),
    ...(parts.extra ?? []).flatMap(({ id, content }) => section(id, content)),
  ]);
}

/** A module with one more custom section. */
export function withSection(module: Uint8Array, name: string, value: string): Uint8Array {
  return Buffer.concat([module, Buffer.from(section(0, [...text(name), ...Buffer.from(value)]))]);
}

/** An unsigned number as LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80);
    left = Math.floor(left / 0x80);
  }
  return [...bytes, left];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...leb(bytes.length), ...bytes];
}
