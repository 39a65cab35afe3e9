import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createKeystores, type Keystores } from "../../src/create-keystores.ts";
import { deriveTwinKeys } from "../../src/domain/identity/keys.ts";
import { codeOf } from "../helpers/code-of.ts";

const WORDS = "test test test test test test test test test test test junk";
const PASSWORD = "correct horse";
/** Encrypting is meant to be slow. */
const TIMEOUT_MS = 60_000;

describe("create-keystores", function () {
  this.timeout(TIMEOUT_MS);
  let folder: string;
  let keystores: Keystores;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "sprf-keystores-")), "keys");
    keystores = createKeystores(folder);
  });
  afterEach(async () => await rm(join(folder, ".."), { recursive: true, force: true }));

  it("should keep words that only the password opens, and list the account without it", async () => {
    expect(await keystores.list()).to.deep.equal([]);
    const entry = await keystores.create("home", PASSWORD, `  ${WORDS.toUpperCase().toLowerCase()}\n`);
    expect(entry.account).to.equal(deriveTwinKeys(WORDS).account.toLowerCase());
    expect(await keystores.list()).to.deep.equal([entry]);
    expect(await readFile(entry.path, "utf8")).not.to.contain("junk");
    expect((await stat(entry.path)).mode & 0o077).to.equal(0);
    expect(await keystores.open("home", PASSWORD)).to.equal(WORDS);
    expect(await codeOf(keystores.open("home", "battery"))).to.equal("KEYSTORE_WRONG_PASSWORD");
    expect(await codeOf(keystores.create("home", PASSWORD))).to.equal("KEYSTORE_EXISTS");
  });

  it("should make new words for each", async () => {
    const [one, two] = [await keystores.create("one", PASSWORD), await keystores.create("two", PASSWORD)];
    expect(one.account).not.to.equal(two.account);
    expect((await keystores.list()).map(({ name }) => name)).to.deep.equal(["one", "two"]);
  });

  it("should take no name that leads elsewhere, and pass over what is no keystore", async () => {
    for (const name of ["", "../out", "a/b", ".hidden", "a".repeat(65)]) {
      expect(await codeOf(keystores.create(name, PASSWORD)), name).to.equal("INVALID_INPUT");
    }
    expect(await codeOf(keystores.create("none", PASSWORD, "no words"))).to.equal("INVALID_INPUT");
    await keystores.create("good", PASSWORD);
    await writeFile(join(folder, "other.json"), "{}");
    await writeFile(join(folder, "notes.txt"), "");
    expect((await keystores.list()).map(({ name }) => name)).to.deep.equal(["good"]);
  });
});
