import { expect } from "chai";

import { readNodeLogs } from "../../../src/messaging/read-node-logs.ts";
import type { LogEntry } from "../../../src/ports/workloads.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createGridMessagingScene, type GridMessagingScene } from "../../helpers/grid-messaging-scene.ts";

const LINE_BYTES = 20_000;

describe("messaging/read-node-logs", () => {
  let scene: GridMessagingScene;
  let written: number;
  let isClosed: boolean;
  let lines: number;
  let goesOn: boolean;

  async function* container(signal: AbortSignal): AsyncGenerator<LogEntry> {
    try {
      for (let line = 0; line < lines; line += 1) {
        written += 1;
        // So long that each is a chunk.
        const bytes = utf8(`${line} `.padEnd(LINE_BYTES, "x"));
        yield { stream: "stdout", at: "2026-11-28T00:00:00.123456789Z", bytes };
      }
      if (goesOn) await scene.clock.sleep(3_600_000, { signal });
    } finally {
      isClosed = true;
    }
  }

  beforeEach(async () => {
    [written, isClosed, lines, goesOn] = [0, false, 40, false];
    scene = await createGridMessagingScene({
      refuse: async () => undefined,
      answer: async () => ({ kind: "done" }),
      readLogs: async ({ container: name }, { signal }) =>
        name === "db" ? container(signal) : { kind: "refuse", code: "container-unknown", detail: "" },
    });
  });
  afterEach(async () => {
    await scene.stop();
  });
  const read = (name = "db", signal?: AbortSignal) =>
    readNodeLogs(scene.user, {
      nodeKey: scene.nodeKey,
      contractId: 5n,
      container: name,
      follow: goesOn,
      tailLines: 100,
      signal,
    });
  const all = async (): Promise<number[]> => {
    const seen: number[] = [];
    for await (const { bytes } of read()) seen.push(Number.parseInt(new TextDecoder().decode(bytes), 10));
    return seen;
  };
  const inOrder = (): number[] => Array.from({ length: lines }, (_, line) => line);

  it("should give all of it in order and end", async () => {
    expect(await scene.settle(all())).to.deep.equal(inOrder());
    await scene.clock.advance(5_000);
    expect(isClosed).to.equal(true);
  });

  it("should give all of it in order through losses and doubles", async () => {
    scene.copies = (_, index) => [1, 0, 2, 1, 0][index % 5] ?? 1;
    expect(await scene.settle(all())).to.deep.equal(inOrder());
  });

  it("should hold the container's reader up while nobody takes more", async () => {
    const log = read();
    await scene.settle(log.next());
    await scene.clock.advance(25_000);
    // The window of eight, what is taken, and what the node has read ahead.
    expect(written).to.be.within(9, 12);
    await scene.settle(log.return(undefined));
    await scene.clock.advance(2_000);
    expect(isClosed).to.equal(true);
  });

  it("should stay with a container that writes nothing, until the reader goes", async () => {
    [lines, goesOn] = [1, true];
    const stop = new AbortController();
    const log = read("db", stop.signal);
    await scene.settle(log.next());
    const waiting = log.next();
    await scene.clock.advance(120_000);
    expect(isClosed).to.equal(false);
    stop.abort();
    expect(await codeOf(waiting)).to.equal("ABORTED");
    await scene.clock.advance(40_000);
    expect(isClosed).to.equal(true);
  });

  it("should end when the node is gone", async () => {
    [lines, goesOn] = [1, true];
    const log = read();
    await scene.settle(log.next());
    scene.copies = () => 0;
    expect(await codeOf(scene.settle(log.next()))).to.equal("NODE_SILENT");
  });

  it("should tell why there is nothing to read", async () => {
    expect(await codeOf(scene.settle(read("other").next()))).to.equal("NODE_REFUSED");
  });
});
