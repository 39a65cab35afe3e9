import { expect } from "chai";

import type { LogEntry, RecordLog } from "../../src/ports/record-log.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { codeOf } from "../helpers/code-of.ts";

const entry = (height: number, text = `record ${height}`): LogEntry => ({ height, bytes: utf8(text) });

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of source) found.push(each);
  return found;
}

async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text);
}

/** What every implementation of the port must do; `open` opens the same log each time. */
export function recordLogCompliance(name: string, newLog: () => Promise<() => Promise<RecordLog>>): void {
  describe(`record log port: ${name}`, () => {
    let open: () => Promise<RecordLog>;
    let log: RecordLog;

    beforeEach(async () => {
      open = await newLog();
      log = await open();
    });
    afterEach(async () => await log.close());

    const heights = async (fromHeight = 0): Promise<number[]> =>
      (await all(log.entries({ fromHeight }))).map(({ height }) => height);
    const textOf = async (height: number): Promise<string> =>
      Buffer.concat(await all(log.readSnapshot(height))).toString("utf8");

    it("keeps entries in their order, also over a new start", async () => {
      await Promise.all(
        [1, 2, 3].map(async (height) => await log.append([entry(height), entry(height, "certificate")])),
      );
      await log.append([entry(2, "cut")]);
      const before = await all(log.entries());
      expect(before.map(({ height }) => height)).to.deep.equal([1, 1, 2, 2, 3, 3, 2]);
      await log.close();
      log = await open();
      expect(await all(log.entries())).to.deep.equal(before);
    });

    it("leaves out nothing from the height that is asked for", async () => {
      for (let height = 1; height <= 20; height += 1) await log.append([entry(height)]);
      expect((await heights(15)).filter((height) => height >= 15)).to.deep.equal([15, 16, 17, 18, 19, 20]);
    });

    it("forgets what is below a height, from the front, and nothing above", async () => {
      for (let height = 1; height <= 20; height += 1) await log.append([entry(height)]);
      await log.prune(12);
      const left = await heights();
      expect(left.length).to.be.lessThan(20);
      expect(left.slice(-9)).to.deep.equal([12, 13, 14, 15, 16, 17, 18, 19, 20]);
      await log.append([entry(21)]);
      await log.close();
      log = await open();
      expect(await heights()).to.deep.equal([...left, 21]);
    });

    it("keeps snapshots, and after pruning the newest that is not above", async () => {
      await log.saveSnapshot(5, parts("five"));
      await log.saveSnapshot(10, parts("te", "n"));
      await log.saveSnapshot(15, parts("fifteen"));
      await log.saveSnapshot(5, parts("five again"));
      expect(await log.snapshots()).to.deep.equal([5, 10, 15]);
      expect([await textOf(5), await textOf(10)]).to.deep.equal(["five again", "ten"]);
      await log.prune(12);
      expect(await log.snapshots()).to.deep.equal([10, 15]);
      await log.prune(3);
      expect(await log.snapshots()).to.deep.equal([10, 15]);
      expect(await codeOf(textOf(5))).to.equal("STORE_UNAVAILABLE");
    });

    it("leaves no half of a snapshot whose source failed", async () => {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield utf8("half");
        throw new Error("away");
      }
      const failed = await log.saveSnapshot(5, failing()).then(
        () => false,
        () => true,
      );
      expect(failed).to.equal(true);
      expect(await log.snapshots()).to.deep.equal([]);
    });

    it("keeps its own bytes", async () => {
      const bytes = utf8("mine");
      await log.append([{ height: 1, bytes }]);
      bytes.fill(0);
      for (const found of await all(log.entries())) found.bytes.fill(0);
      expect((await all(log.entries()))[0]?.bytes).to.deep.equal(utf8("mine"));
    });

    it("does nothing more once it is closed", async () => {
      await log.close();
      await log.close();
      expect(await codeOf(log.append([entry(1)]))).to.equal("STORE_UNAVAILABLE");
      expect(await codeOf(all(log.entries()))).to.equal("STORE_UNAVAILABLE");
      expect(await codeOf(log.prune(1))).to.equal("STORE_UNAVAILABLE");
      expect(await codeOf(log.snapshots())).to.equal("STORE_UNAVAILABLE");
      log = await open();
    });
  });
}
