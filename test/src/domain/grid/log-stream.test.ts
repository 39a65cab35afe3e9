import { expect } from "chai";
import fc from "fast-check";

import {
  LOG_LEASE_MS,
  LOG_RESEND_MS,
  appendChunk,
  hasRoom,
  isOver,
  openLogReader,
  openLogStream,
  renewLogStream,
  takeChunk,
  takeDueAgain,
  type ChunkContent,
} from "../../../../src/domain/grid/log-stream.ts";

const entry = (text: string) => ({ stream: "stdout" as const, atMs: 1, bytes: new Uint8Array(Buffer.from(text)) });
const FATES = ["lost", "once", "twice", "late"] as const;

describe("domain/grid/log-stream", () => {
  it("brings every chunk once and in order over a network that loses, doubles and re-orders", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 16 }),
        fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 80 }),
        (total, window, fates) => {
          let nowMs = 0;
          let drawn = 0;
          const nextFate = (): string => fates[drawn++ % fates.length] ?? "once";
          let stream = openLogStream({ issuedAt: nowMs, window });
          let reader = openLogReader(window);
          const read: string[] = [];
          let late: ChunkContent[] = [];
          // After some rounds the network behaves, so that the play ends.
          for (let round = 0; round < 200 && !isOver(stream, nowMs); round++) {
            const sent: ChunkContent[] = [];
            while (hasRoom(stream)) {
              const number = stream.nextSequence;
              const last = number === total - 1;
              const appended = appendChunk(stream, { entries: [entry(`${number}`)], last }, nowMs);
              stream = appended.stream;
              sent.push(appended.chunk);
            }
            expect(stream.underWay.length).to.be.at.most(window);
            const again = takeDueAgain(stream, nowMs);
            stream = again.stream;
            const arriving = late;
            late = [];
            for (const chunk of [...sent, ...again.chunks]) {
              const fate = round < 10 ? nextFate() : "once";
              if (fate === "late") late.push(chunk);
              else if (fate !== "lost") arriving.push(...(fate === "twice" ? [chunk, chunk] : [chunk]));
            }
            for (const chunk of arriving.reverse()) {
              const taken = takeChunk(reader, chunk);
              reader = taken.reader;
              for (const { entries } of taken.ready)
                read.push(...entries.map(({ bytes }) => Buffer.from(bytes).toString()));
            }
            const isHeard = round >= 10 || nextFate() !== "lost";
            if (isHeard) stream = renewLogStream(stream, { next: reader.next, issuedAt: nowMs });
            nowMs += LOG_RESEND_MS;
          }
          expect(read).to.deep.equal(Array.from({ length: total }, (_, index) => `${index}`));
          expect(reader.isOver).to.equal(true);
        },
      ),
    );
  });

  it("ends with its lease, which only the reader's own time prolongs", () => {
    const opened = openLogStream({ issuedAt: 1_000, window: 4 });
    expect(isOver(opened, 1_000 + LOG_LEASE_MS)).to.equal(false);
    expect(isOver(opened, 1_001 + LOG_LEASE_MS)).to.equal(true);
    const renewed = renewLogStream(opened, { next: 0, issuedAt: 5_000 });
    expect(renewed.leaseUntilMs).to.equal(5_000 + LOG_LEASE_MS);
    expect(renewLogStream(renewed, { next: 0, issuedAt: 2_000 }).leaseUntilMs).to.equal(renewed.leaseUntilMs);
  });

  it("believes no reader that has what was never sent", () => {
    const { stream } = appendChunk(openLogStream({ issuedAt: 0, window: 1 }), { entries: [], last: false }, 0);
    const renewed = renewLogStream(stream, { next: 1_000_000, issuedAt: 0 });
    expect(appendChunk(renewed, { entries: [], last: false }, 0).chunk.sequence).to.equal(1);
  });

  it("keeps no chunks beyond its window, and none after the last", () => {
    const chunk = (sequence: number, last = false): ChunkContent => ({ sequence, entries: [], last });
    const far = takeChunk(openLogReader(2), chunk(2));
    expect(far.reader.early.size).to.equal(0);
    const ended = takeChunk(openLogReader(2), chunk(0, true));
    expect(ended.reader.isOver).to.equal(true);
    expect(takeChunk(ended.reader, chunk(1)).ready).to.deep.equal([]);
  });
});
