import { leb, wasmModule } from "./wasm-module.ts";

const I32 = 0x7f;
const I64 = 0x7e;
const NANOSECONDS = 1_000_000_000;

// Where things lie in the program's memory.
const VECTOR = 0;
const RESULT = 16;
const CLOCK = 64;
const RANDOM = 72;
const STAMP_BYTES = 16;
const PATH = 128;
const RIGHT_WRITE = 1 << 6;
const APPEND = 1;

/**
 * A WASI module that does what a time-bomb would: it appends the time and 8 random bytes to its state and prints them, and in odd
 * seconds it does so twice.
 */
export function timeBomb(): Uint8Array<ArrayBuffer> {
  const clock = 0;
  const random = 1;
  const write = 2;
  const open = 3;
  const path = [...new TextEncoder().encode("sprf/state")];
  const stamp = [...call(write, i32(RESULT), load32(), i32(VECTOR), i32(1), i32(RESULT + 4)), 0x1a];
  const body = [
    ...call(clock, i32(0), i64(1), i32(CLOCK)),
    0x1a,
    ...call(random, i32(RANDOM), i32(STAMP_BYTES - (RANDOM - CLOCK))),
    0x1a,
    ...store32(VECTOR, CLOCK),
    ...store32(VECTOR + 4, STAMP_BYTES),
    ...call(write, i32(1), i32(VECTOR), i32(1), i32(RESULT)),
    0x1a,
    ...call(
      open,
      i32(3),
      i32(0),
      i32(PATH),
      i32(path.length),
      i32(0),
      i64(RIGHT_WRITE),
      i64(0),
      i32(APPEND),
      i32(RESULT),
    ),
    0x1a,
    ...stamp,
    // (clock / 1e9) & 1
    ...i32(CLOCK),
    0x29,
    3,
    0,
    ...i64(NANOSECONDS),
    0x80,
    ...i64(1),
    0x83,
    0xa7,
    0x04,
    0x40,
    ...stamp,
    0x0b,
  ];
  return new Uint8Array(
    wasmModule({
      bodies: [body],
      imports: [
        { name: "clock_time_get", type: [0x60, 3, I32, I64, I32, 1, I32] },
        { name: "random_get", type: [0x60, 2, I32, I32, 1, I32] },
        { name: "fd_write", type: [0x60, 4, I32, I32, I32, I32, 1, I32] },
        { name: "path_open", type: [0x60, 9, I32, I32, I32, I32, I32, I64, I64, I32, I32, 1, I32] },
      ],
      extra: [{ id: 11, content: [1, 0, ...i32(PATH), 0x0b, ...leb(path.length), ...path] }],
    }),
  );
}

function call(index: number, ...parameters: readonly (readonly number[])[]): number[] {
  return [...parameters.flat(), 0x10, index];
}

function i32(value: number): number[] {
  return [0x41, ...signedLeb(value)];
}

function i64(value: number): number[] {
  return [0x42, ...signedLeb(value)];
}

function load32(): number[] {
  return [0x28, 2, 0];
}

function store32(at: number, value: number): number[] {
  return [...i32(at), ...i32(value), 0x36, 2, 0];
}

/** A constant, 0 or more, as signed LEB128: the last byte's bit 6 is the sign. */
function signedLeb(value: number): number[] {
  const bytes = leb(value);
  const last = bytes.at(-1) ?? 0;
  return (last & 0x40) === 0 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0];
}
