import { expect } from "chai";

import { createMemoryDisk, createMemoryRecordLog } from "../../../src/adapters/record-log/memory.ts";
import {
  certifiedHeight,
  finalHere,
  holdsBase,
  saveSnapshot,
  takeCertificate,
  type Core,
} from "../../../src/channel/core.ts";
import { fromLogEntry, type Logged } from "../../../src/channel/log-entries.ts";
import type { RecordLog } from "../../../src/ports/record-log.ts";
import type { Certificate } from "../../../src/wire/channel/batch.ts";
import type { RecordHeader } from "../../../src/wire/channel/record.ts";

const ACKS: Certificate["acks"] = [];

function certificate(term: number, height: number): Certificate {
  return { term, height, recordHash: hashOf(height), acks: ACKS };
}

function hashOf(height: number): Uint8Array {
  return new Uint8Array(32).fill(height);
}

/** What the functions here look at of a node in term 3, which goes on from a certificate of term 1 for height 5. */
function coreWith(part: Partial<Record<keyof Core, unknown>> = {}): Core {
  return {
    term: 3,
    terms: { baseOf: (term: number) => (term === 3 ? { term: 1, height: 5 } : undefined) },
    chain: { settled: { height: 0, recordHash: hashOf(0) }, isSettled: () => false },
    certificate: undefined,
    unwritten: undefined,
    player: {
      lowest: 0,
      head: { header: { height: 9 } },
      at: (height: number) => (height <= 9 ? { hash: hashOf(height) } : undefined),
      votersAt: () => undefined,
    },
    ...part,
  } as unknown as Core;
}

describe("channel/core", () => {
  describe("the certificate that counts", () => {
    it("is one of this term, on the disk", () => {
      expect(certifiedHeight(coreWith({ certificate: certificate(3, 7) }))).to.equal(7);
      expect(certifiedHeight(coreWith({ certificate: certificate(2, 7) }))).to.equal(0);
      const unwritten = certificate(3, 7);
      expect(certifiedHeight(coreWith({ certificate: unwritten, unwritten }))).to.equal(0);
    });

    it("shows what the term stands on when it is that or a later one", () => {
      expect(holdsBase(coreWith())).to.equal(false);
      expect(holdsBase(coreWith({ certificate: certificate(1, 4) }))).to.equal(false);
      expect(holdsBase(coreWith({ certificate: certificate(1, 5) }))).to.equal(true);
      expect(holdsBase(coreWith({ certificate: certificate(3, 2) }))).to.equal(true);
      const unwritten = certificate(1, 5);
      expect(holdsBase(coreWith({ certificate: unwritten, unwritten }))).to.equal(false);
    });

    it("needs not show what is final, nor what nobody was elected for", () => {
      const chain = { settled: { height: 5, recordHash: hashOf(5) }, isSettled: () => true };
      expect(holdsBase(coreWith({ chain }))).to.equal(true);
      expect(holdsBase(coreWith(), 4)).to.equal(true);
    });

    it("is none of a term that this node has left, but for what its own goes on from", () => {
      // Whether a quorum has signed it is asked only when it may be taken.
      const isLooked = (given: Certificate, core: Partial<Core>): boolean => {
        let looked = false;
        const { player } = coreWith();
        const looking = { ...player, votersAt: () => void (looked = true) };
        takeCertificate(coreWith({ ...core, player: looking }), given);
        return looked;
      };
      expect(isLooked(certificate(1, 5), {})).to.equal(true);
      expect(isLooked(certificate(1, 6), {})).to.equal(false);
      expect(isLooked(certificate(2, 1), {})).to.equal(false);
      expect(isLooked(certificate(3, 1), {})).to.equal(true);
      // Nobody leads term 4 yet.
      expect(isLooked(certificate(1, 5), { term: 4 })).to.equal(false);
    });
  });

  describe("what is final here", () => {
    const chainWith = (height: number, finals: Readonly<Record<number, Uint8Array>>) => ({
      settled: { height, recordHash: finals[height] ?? hashOf(99) },
      isSettled: (at: number, hash: Uint8Array) => finals[at]?.[0] === hash[0],
    });

    it("is the settled height where the chain has this node's record", () => {
      expect(finalHere(coreWith({ chain: chainWith(6, { 6: hashOf(6) }) }))).to.equal(6);
    });

    it("is an earlier one where the chain has gone on from below this node's head", () => {
      const finals = { 4: hashOf(4), 7: hashOf(77), 20: hashOf(20) };
      expect(finalHere(coreWith({ chain: chainWith(20, finals) }))).to.equal(4);
    });

    it("is where this node begins when nothing else is", () => {
      expect(finalHere(coreWith({ chain: chainWith(20, { 20: hashOf(20) }) }))).to.equal(0);
    });
  });

  it("should keep what was promised where a node dies right after it saved a snapshot above that", async () => {
    const disk = createMemoryDisk();
    const log = createMemoryRecordLog(disk);
    const leader = "0x".padEnd(42, "1");
    const header = { height: 8 } as RecordHeader;
    const found: Logged[] = [];
    const dying: RecordLog = {
      ...log,
      async saveSnapshot() {
        for await (const entry of log.entries({ fromHeight: header.height })) found.push(fromLogEntry(entry));
        throw new Error("it dies");
      },
    };
    const terms = { promisedIn: () => leader, election: undefined } as unknown as Core["terms"];
    const died = saveSnapshot({ log: dying, term: 3, terms }, header, (async function* () {})());
    expect(await died.catch(String)).to.equal("Error: it dies");
    expect(found).to.deep.equal([{ kind: "term", term: 3, leader, height: 8 }]);
  });
});
