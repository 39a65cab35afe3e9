import { expect } from "chai";
import fc from "fast-check";

import { openArchive, writeArchive } from "../../../src/channel/archive.ts";
import type { ChannelHistory } from "../../../src/channel/verify.ts";
import type { LogEntry } from "../../../src/ports/record-log.ts";
import { isSprfError } from "../../../src/errors.ts";
import { codeOf } from "../../helpers/code-of.ts";

const HEADING = { chainId: 31_337n, hub: `0x${"ab".repeat(20)}`, channel: 7n };

const entryOf = fc.record({ height: fc.nat(), bytes: fc.uint8Array({ maxLength: 200 }) });
const historyOf = fc.record({
  entries: fc.array(entryOf, { maxLength: 12 }),
  snapshot: fc.option(
    fc.record({
      height: fc.nat(),
      parts: fc.array(fc.uint8Array({ minLength: 1, maxLength: 99 }), { minLength: 1, maxLength: 4 }),
    }),
  ),
});

type Plain = typeof historyOf extends fc.Arbitrary<infer T> ? T : never;

function asHistory({ entries, snapshot }: Plain): ChannelHistory {
  return {
    async *entries() {
      yield* entries;
    },
    snapshots: async () => await Promise.resolve(snapshot === null ? [] : [snapshot.height]),
    async *readSnapshot() {
      yield* snapshot?.parts ?? [];
    },
  };
}

async function bytesOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

/** The same bytes in chunks of whatever size. */
async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("channel/archive", () => {
  it("should give back what was put in, in chunks of any size", async () => {
    await fc.assert(
      fc.asyncProperty(historyOf, fc.integer({ min: 1, max: 300 }), async (plain, size) => {
        const file = await bytesOf(writeArchive(HEADING, asHistory(plain)));
        const archive = await openArchive(() => chunks(file, size));
        expect(archive.heading).to.deep.equal(HEADING);
        const entries: LogEntry[] = [];
        for await (const entry of archive.entries()) entries.push(entry);
        expect(entries).to.deep.equal(plain.entries);
        const { snapshot } = plain;
        expect(await archive.snapshots()).to.deep.equal(snapshot === null ? [] : [snapshot.height]);
        if (snapshot === null) return;
        expect(await bytesOf(archive.readSnapshot(snapshot.height))).to.deep.equal(Buffer.concat(snapshot.parts));
      }),
      { numRuns: 60 },
    );
  });

  it("should refuse what was cut off anywhere, or goes on behind its end", async () => {
    await fc.assert(
      fc.asyncProperty(historyOf, fc.nat(), async (plain, place) => {
        const file = await bytesOf(writeArchive(HEADING, asHistory(plain)));
        const cut = file.subarray(0, place % file.length);
        expect(await codeOf(openArchive(() => chunks(cut, 64)))).to.equal("CHANNEL_UNVERIFIED");
        expect(await codeOf(openArchive(() => chunks(Buffer.concat([file, file]), 64)))).to.equal("CHANNEL_UNVERIFIED");
      }),
      { numRuns: 60 },
    );
  });

  it("should say nothing but that it is none of whatever bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        const error: unknown = await openArchive(() => chunks(bytes, 50)).catch((reason: unknown) => reason);
        expect(isSprfError(error, "CHANNEL_UNVERIFIED")).to.equal(true);
      }),
      { numRuns: 100 },
    );
  });
});
