import { expect } from "chai";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { packDirectory, unpackDirectory } from "../../../../src/adapters/engine/wasi/directory-state.ts";
import {
  decodeArchive,
  encodeArchiveIndex,
  type ArchiveIndex,
} from "../../../../src/adapters/engine/wasi/sandbox/state-archive.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const MIB = 1024 * 1024;

describe("archives of directories, as a sandbox that was taken over may write them", () => {
  let home: string;
  let archive: string;
  let state: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-archive-test-"));
    archive = join(home, "archive");
    state = join(home, "state");
    await mkdir(join(state, "sub"), { recursive: true });
    await writeFile(join(state, "sub", "file"), "content");
  });
  afterEach(async () => {
    await rm(home, { recursive: true });
  });

  it("hold what a directory holds", async () => {
    await packDirectory(state, archive, MIB);
    const entries = decodeArchive(await readFile(archive));
    expect(entries.map(({ path, content }) => [path, content && Buffer.from(content).toString()])).to.deep.equal([
      ["sub", undefined],
      ["sub/file", "content"],
    ]);
  });

  const HOSTILE: readonly [what: string, index: ArchiveIndex][] = [
    [
      "a way out",
      [
        ["..", -1, -1, false],
        ["escaped", 0, 1, true],
      ],
    ],
    ["a path as a name", [["a/../../escaped", -1, 1, true]]],
    [
      "a name twice",
      [
        ["a", -1, 0, true],
        ["a", -1, 0, true],
      ],
    ],
    [
      "names out of order",
      [
        ["b", -1, 0, true],
        ["a", -1, 0, true],
      ],
    ],
    [
      "an entry in a file",
      [
        ["a", -1, 0, true],
        ["b", 0, 0, true],
      ],
    ],
    [
      "an entry in one that comes later",
      [
        ["a", 1, 0, true],
        ["b", -1, -1, false],
      ],
    ],
    ["a file kept that was not there", [["new", -1, 3, false]]],
    [
      "a file kept that had another size",
      [
        ["sub", -1, -1, false],
        ["file", 0, 3, false],
      ],
    ],
    ["more than there is", [["a", -1, 100, true]]],
    ["more than is allowed", [["a", -1, 2 * MIB, true]]],
    ["a size of a kind that no file has", [["a", -1, 0.5, true]]],
    ["a name that is no text", [["\ud800", -1, 0, true]]],
  ];
  for (const [what, index] of HOSTILE) {
    it(`are refused with ${what}`, async () => {
      const before = await packDirectory(state, archive, MIB);
      await writeFile(archive, Buffer.concat([encodeArchiveIndex(index), Buffer.from("x")]));
      expect(await codeOf(unpackDirectory(archive, state, before, MIB))).to.equal("ENGINE_FAILED");
      expect(await readdir(home)).to.not.include("escaped");
    });
  }

  for (const [what, bytes] of [
    ["nothing in them", Buffer.alloc(0)],
    ["an index without end", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["an index that is no JSON", Buffer.from([2, 0, 0, 0, 0x7b, 0x7b])],
  ] as const) {
    it(`are refused with ${what}`, async () => {
      await writeFile(archive, bytes);
      expect(await codeOf(unpackDirectory(archive, state, [], MIB))).to.equal("ENGINE_FAILED");
    });
  }
});
