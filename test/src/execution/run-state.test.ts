import { expect } from "chai";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryContentStore } from "../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { createWasiEngine } from "../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { runProgram } from "../../../src/execution/run-program.ts";
import type { RunOutcome } from "../../../src/ports/runs.ts";
import { createStateCache, type StateCache } from "../../../src/execution/state-cache.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";
import { withSection } from "../../helpers/wasm-module.ts";

const KIB = 1024;
const EMPTY_FILE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const EMPTY_DIRECTORY = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354";

/** A content store that says which files were read from it and stored in it. */
interface CountingContent extends CollectingContentStore {
  readonly gets: string[];
  puts: number;
}

describe("the state of a run", () => {
  let home: string;
  let content: CountingContent;
  let engine: Engine;
  let cids: { readonly file: string; readonly directory: string };
  const logger = createMemoryLogger();
  const clock = createManualClock();

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-run-state-"));
    content = counting(createMemoryContentStore({ clock, logger }));
    await content.start();
    const probe = await readFile(new URL("../adapters/engine/fixtures/probe.wasm", import.meta.url));
    cids = {
      file: await content.putFile(probe),
      directory: await content.putFile(withSection(probe, "sprf.state", "directory")),
    };
    engine = createWasiEngine({ content, logger }, { scratchDirectory: join(home, "scratch") });
    await engine.check();
  });
  after(async () => {
    await engine.close();
    await content.stop();
    await rm(home, { recursive: true });
  });

  let caches = 0;
  const cacheDirectory = (): string => join(home, `states-${caches}`);
  const openCache = (maxBytes = 1024 * KIB): StateCache =>
    createStateCache({ clock, logger }, { directory: cacheDirectory(), maxBytes });
  beforeEach(() => {
    caches += 1;
    content.gets.length = 0;
  });

  const run = async (
    kind: "file" | "directory",
    state: string,
    input: string,
    states?: StateCache,
    wrap: (inner: Engine) => Engine = (inner) => inner,
  ): Promise<RunOutcome> => {
    await clock.advance(1_000);
    const components = {
      content,
      engines: new Map([["wasi", wrap(engine)]] as const),
      scratchDirectory: join(home, "runs"),
      states,
    };
    return await runProgram(components, {
      program: "G",
      reference: { kind: "wasi", cid: cids[kind] },
      state,
      input: { bytes: new Uint8Array(utf8(input)) },
      sequence: 1n,
      time: 1n,
      seed: new Uint8Array(32),
    });
  };
  const outputOf = ({ output }: RunOutcome): string => Buffer.from(output).toString();

  describe("that is a directory", () => {
    it("grows from the empty file, and is the same with a cache and without", async () => {
      const states = openCache();
      let plain = EMPTY_FILE;
      let cached = EMPTY_FILE;
      for (const input of ["mkdir a\n", "make a/b\n", "make c\n", "cat a/b\n", "remove c\n", "make a/b\n", "noop\n"]) {
        const without = await run("directory", plain, input);
        const withCache = await run("directory", cached, input, states);
        expect([withCache.newState, withCache.gas, withCache.status]).to.deep.equal([
          without.newState,
          without.gas,
          without.status,
        ]);
        [plain, cached] = [without.newState, withCache.newState];
      }
      expect((await content.listDirectory(plain)).map(({ path }) => path)).to.deep.equal(["a", "a/b"]);
    });

    it("does not move when nothing changes, empty or not", async () => {
      for (const state of [EMPTY_FILE, EMPTY_DIRECTORY]) {
        expect((await run("directory", state, "noop\n")).newState).to.equal(state);
      }
      const { newState } = await run("directory", EMPTY_FILE, "make a\n");
      expect((await run("directory", newState, "cat a\n")).newState).to.equal(newState);
      expect((await run("directory", newState, "remove a\n")).newState).to.equal(EMPTY_FILE);
    });

    it("costs gas for its entries, also when they are empty", async () => {
      const { newState } = await run("directory", EMPTY_FILE, "entries 100\n");
      const small = await run("directory", EMPTY_FILE, "noop\n");
      const large = await run("directory", newState, "noop\n");
      // 100 entries of 512 bytes before and after are 100 KiB at 10 gas.
      expect(large.gas - small.gas).to.equal(1_000n);
    });

    it("is neither read nor stored again but for what changed", async () => {
      const states = openCache();
      const first = await run("directory", EMPTY_FILE, "make a\n", states);
      const second = await run("directory", first.newState, "make b\n", states);
      content.gets.length = 0;
      content.puts = 0;
      await run("directory", second.newState, "make c\n", states);
      expect([content.gets, content.puts]).to.deep.equal([[], 1]);
      content.puts = 0;
      await run("directory", second.newState, "noop\n", states);
      expect([content.gets, content.puts]).to.deep.equal([[], 0]);
    });

    it("must be a directory", async () => {
      const file = await content.putFile(utf8("a file"));
      expect(await codeOf(run("directory", file, "noop\n"))).to.equal("STATE_REFUSED");
    });
  });

  describe("that is a file", () => {
    it("is neither read nor stored again when it did not change", async () => {
      const states = openCache();
      const { newState } = await run("file", EMPTY_FILE, "append x\n", states);
      content.gets.length = 0;
      const read = await run("file", newState, "show\n", states);
      expect([outputOf(read), read.newState, content.gets]).to.deep.equal(["x", newState, []]);
      expect(await content.has(newState)).to.equal(true);
    });

    it("is what the run left, whatever an engine does to the file itself", async () => {
      const states = openCache();
      const { newState } = await run("file", EMPTY_FILE, "append x\n", states);
      // In place, as no engine may: what is on disk is no longer what its CID says, and must not be used again.
      const lied = await run("file", newState, "show\n", states, (inner) => ({
        ...inner,
        run: async (parts, options) => {
          const result = await inner.run(parts, options);
          await appendFile(parts.statePath, "forged");
          return result;
        },
      }));
      expect(lied.newState).to.equal(await content.putFile(utf8("xforged")));
      expect(outputOf(await run("file", newState, "show\n", states))).to.equal("x");
    });

    it("is the same after a rejected run", async () => {
      const states = openCache();
      const { newState } = await run("file", EMPTY_FILE, "append x\n", states);
      expect((await run("file", newState, "exit 3\n", states)).status).to.equal("rejected");
      expect(outputOf(await run("file", newState, "show\n", states))).to.equal("x");
    });

    it("cannot be a directory", async () => {
      const { newState } = await run("directory", EMPTY_FILE, "make a\n");
      expect(await codeOf(run("file", newState, "noop\n"))).to.equal("CONTENT_CORRUPT");
    });
  });

  describe("on disk", () => {
    const stored = async (): Promise<string[]> => (await readdir(cacheDirectory())).toSorted();

    it("survives a restart, and is checked before it is used again", async () => {
      const { newState } = await run("file", EMPTY_FILE, "append x\n", openCache());
      content.gets.length = 0;
      expect(outputOf(await run("file", newState, "show\n", openCache()))).to.equal("x");
      expect(content.gets).to.deep.equal([]);
      await writeFile(join(cacheDirectory(), newState, "state"), "y");
      expect(outputOf(await run("file", newState, "show\n", openCache()))).to.equal("x");
      expect(content.gets).to.deep.equal([newState]);
    });

    it("goes when it is damaged while it is used", async () => {
      const states = openCache();
      const { newState } = await run("file", EMPTY_FILE, "append x\n", states);
      await writeFile(join(cacheDirectory(), newState, "state"), "damaged");
      expect(outputOf(await run("file", newState, "show\n", states))).to.equal("x");
      await rm(join(cacheDirectory(), newState), { recursive: true });
      expect(outputOf(await run("file", newState, "show\n", states))).to.equal("x");
    });

    it("is removed when a crash left a part of it", async () => {
      const { newState } = await run("file", EMPTY_FILE, "append x\n", openCache());
      await writeFile(join(cacheDirectory(), newState, "manifest.json"), '{"kind":"fi');
      await mkdtemp(join(cacheDirectory(), "part-"));
      await writeFile(join(cacheDirectory(), "stray"), "");
      expect(outputOf(await run("file", newState, "show\n", openCache()))).to.equal("x");
      expect(await stored()).to.deep.equal([newState]);
    });

    it("stays below its limit, and what was used last stays", async () => {
      const states = openCache(250);
      const made: string[] = [];
      for (const letter of ["a", "b"]) {
        made.push((await run("file", EMPTY_FILE, `append ${letter.repeat(100)}\n`, states)).newState);
      }
      const [a = "", b = ""] = made;
      await run("file", a, "show\n", states);
      const { newState: c } = await run("file", EMPTY_FILE, `append ${"c".repeat(100)}\n`, states);
      expect(await stored()).to.deep.equal([a, c].toSorted());
      // Also after a restart, in the order of use.
      await run("file", a, "show\n", states);
      const { newState: d } = await run("file", EMPTY_FILE, `append ${"d".repeat(100)}\n`, openCache(250));
      expect(await stored()).to.deep.equal([a, d].toSorted());
      const { newState: large } = await run("file", EMPTY_FILE, "fill 251\n", openCache(250));
      expect(await stored()).to.not.include(large);
      expect(b).to.not.equal(a);
    });

    it("serves many runs at once", async () => {
      const states = openCache();
      const { newState } = await run("file", EMPTY_FILE, "append x\n", states);
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, async (_, index) => await run("file", newState, `append ${index}\n`, states)),
      );
      for (const [index, outcome] of outcomes.entries()) {
        expect(outputOf(await run("file", outcome.newState, "show\n", states))).to.equal(`x${index}`);
      }
      expect(outputOf(await run("file", newState, "show\n", states))).to.equal("x");
    });
  });
});

function counting(inner: CollectingContentStore): CountingContent {
  const gets: string[] = [];
  const counted: CountingContent = {
    ...inner,
    gets,
    puts: 0,
    get(cid, options) {
      // Programs are content, too.
      if (options.maxBytes !== 32 * KIB * KIB) gets.push(cid);
      return inner.get(cid, options);
    },
    async putDirectory(entries, options) {
      counted.puts += entries.filter(({ file }) => typeof file === "function").length;
      return await inner.putDirectory(entries, options);
    },
  };
  return counted;
}
