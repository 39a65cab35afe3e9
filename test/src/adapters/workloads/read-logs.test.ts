import { expect } from "chai";
import fc from "fast-check";

import { logEntries } from "../../../../src/adapters/workloads/docker/read-logs.ts";
import type { LogEntry } from "../../../../src/ports/workloads.ts";

const AT = "2026-11-28T08:58:33.255105866Z";

function frame(stream: "stdout" | "stderr", bytes: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(`${AT} `), bytes]);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream === "stdout" ? 1 : 2, 0);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

async function entriesOf(pieces: readonly Buffer[]): Promise<LogEntry[]> {
  const entries = [];
  for await (const entry of logEntries(pieces)) entries.push(entry);
  return entries;
}

describe("logs of the Docker Engine", () => {
  const said = fc.array(fc.record({ stream: fc.constantFrom("stdout", "stderr"), bytes: fc.uint8Array() }));

  it("are the same wherever the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(said, fc.array(fc.nat({ max: 100 })), async (parts, cuts) => {
        const whole = Buffer.concat(parts.map(({ stream, bytes }) => frame(stream as "stdout", bytes)));
        const pieces: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) pieces.push(whole.subarray(at, (at += cut)));
        pieces.push(whole.subarray(at));
        expect(await entriesOf(pieces)).to.deep.equal(parts.map((part) => ({ ...part, at: AT })));
      }),
    );
  });

  it("leave out a frame that is cut short at the end", async () => {
    const whole = Buffer.concat([frame("stdout", Buffer.from("one\n")), frame("stderr", Buffer.from("two\n"))]);
    for (let end = whole.length - 1; end > whole.length - 30; end--) {
      expect(await entriesOf([whole.subarray(0, end)])).to.have.length(1);
    }
  });
});
