import { readSync, writeSync } from "node:fs";

/** One message between the engine and its sandbox: a JSON header, then as many bodies as `header.bodies` has lengths. */
export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly bodies: readonly Uint8Array[];
}

/** The largest header of a frame. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** The bytes of a frame up to its bodies: header length (u32, little endian), header. */
export function encodeHeader(header: Readonly<Record<string, unknown>>, bodies: readonly Uint8Array[]): Buffer {
  const json = Buffer.from(JSON.stringify({ ...header, bodies: bodies.map((body) => body.length) }));
  const bytes = Buffer.allocUnsafe(4 + json.length);
  bytes.writeUInt32LE(json.length, 0);
  json.copy(bytes, 4);
  return bytes;
}

/** Reads one frame from a blocking descriptor; undefined when it has been closed. */
export function readFrame(fd: number): Frame | undefined {
  const prefix = readFully(fd, 4);
  if (prefix === undefined) return undefined;
  const json = readFully(fd, prefix.readUInt32LE(0));
  if (json === undefined) return undefined;
  const header = JSON.parse(json.toString("utf8")) as Record<string, unknown> & { bodies: number[] };
  const bodies: Uint8Array[] = [];
  for (const length of header.bodies) {
    const body = readFully(fd, length);
    if (body === undefined) return undefined;
    bodies.push(body);
  }
  return { header, bodies };
}

/** Writes one frame to a blocking descriptor. */
export function writeFrame(
  fd: number,
  header: Readonly<Record<string, unknown>>,
  bodies: readonly Uint8Array[] = [],
): void {
  writeFully(fd, encodeHeader(header, bodies));
  for (const body of bodies) writeFully(fd, body);
}

/** Writes all of `bytes`, at `position` if one is given. */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null = null): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
  }
}

/** Reads exactly `length` bytes, from `position` if one is given; undefined when there are fewer. */
export function readFully(fd: number, length: number, position: number | null = null): Buffer | undefined {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, position === null ? null : position + done);
    if (read === 0) return undefined;
    done += read;
  }
  return bytes;
}
