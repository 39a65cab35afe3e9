import { expect } from "chai";
import fc from "fast-check";

import { tailLogs } from "../../../src/node/tail-logs.ts";
import type { LogEntry, LogOptions } from "../../../src/ports/workloads.ts";
import { utf8 } from "../../../src/utils/bytes.ts";

const at = (second: number): string => `2026-11-28T00:00:${String(second).padStart(2, "0")}.000000000Z`;
const entryOf = (text: string, index: number): LogEntry => ({ stream: "stdout", at: at(index), bytes: utf8(text) });

describe("node/tail-logs", () => {
  const tail = async (
    entries: readonly LogEntry[],
    tailLines: number,
    later?: readonly LogEntry[],
  ): Promise<string> => {
    async function* logs(_contract: string, _name: string, { follow, since }: LogOptions = {}) {
      if (follow !== true) return yield* entries;
      const from = since === undefined ? "" : new Date(since * 1_000).toISOString().slice(0, 19);
      yield* [...entries, ...(later ?? [])].filter((entry) => entry.at >= from);
    }
    const options = { tailLines, follow: later !== undefined, signal: new AbortController().signal };
    let text = "";
    for await (const { bytes } of tailLogs({ logs }, { contractId: "1", container: "web" }, options)) {
      text += Buffer.from(bytes).toString();
    }
    return text;
  };

  it("should give the last lines, whatever parts they come in", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
        fc.integer({ min: 0, max: 15 }),
        async (lines, tailLines) => {
          const parts = lines.flatMap((line) =>
            line.map((part, index) => (index === line.length - 1 ? `${part}\n` : part)),
          );
          const wanted = tailLines === 0 ? [] : lines.slice(-tailLines);
          expect(await tail(parts.map(entryOf), tailLines)).to.equal(
            wanted.map((line) => `${line.join("")}\n`).join(""),
          );
        },
      ),
    );
  });

  it("should go on with what is written later, once", async () => {
    const entries = ["one\n", "two\n", "three\n"].map(entryOf);
    const later = [entryOf("four\n", 3), entryOf("five\n", 4)];
    expect(await tail(entries, 1, later)).to.equal("three\nfour\nfive\n");
    expect(await tail([], 1, later)).to.equal("four\nfive\n");
  });

  it("should hold no more than a megabyte of what is there", async () => {
    const long = Array.from({ length: 200 }, (_, index) => entryOf(`${"x".repeat(10_000)}\n`, index % 60));
    expect((await tail(long, 10_000)).length).to.be.within(1_000_000, 1024 * 1024);
  });
});
