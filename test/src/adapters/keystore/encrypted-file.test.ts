import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { createKeystore, openKeystore } from "../../../../src/adapters/keystore/encrypted-file.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const JUNK = "test test test test test test test test test test test junk";
const COST = { scryptN: 1024 };

describe("adapters/keystore/encrypted-file", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-keystore-"));
    path = join(folder, "keys", "keystore.json");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("should give back the mnemonic, in a file that only its owner reads and other wallets open", async () => {
    await createKeystore(path, JUNK, "open sesame", COST);
    expect(await openKeystore(path, "open sesame")).to.equal(JUNK);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    const json = await readFile(path, "utf8");
    expect(json).not.to.contain("junk");
    const wallet = await Wallet.fromEncryptedJson(json, "open sesame");
    expect(wallet.address).to.equal("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
  });

  it("should refuse a wrong password", async () => {
    await createKeystore(path, JUNK, "open sesame", COST);
    expect(await codeOf(openKeystore(path, "Open sesame"))).to.equal("KEYSTORE_WRONG_PASSWORD");
    expect(await codeOf(openKeystore(path, ""))).to.equal("KEYSTORE_WRONG_PASSWORD");
  });

  it("should never overwrite a file", async () => {
    await createKeystore(path, JUNK, "one", COST);
    expect(await codeOf(createKeystore(path, JUNK, "two", COST))).to.equal("KEYSTORE_EXISTS");
    expect(await openKeystore(path, "one")).to.equal(JUNK);
  });

  it("should refuse an empty password and words that are no mnemonic", async () => {
    expect(await codeOf(createKeystore(path, JUNK, "", COST))).to.equal("INVALID_INPUT");
    expect(await codeOf(createKeystore(path, "abandon ship", "x", COST))).to.equal("INVALID_INPUT");
  });

  it("should say what is wrong with a file", async () => {
    const bad = join(folder, "bad.json");
    expect(await codeOf(openKeystore(bad, "x"))).to.equal("KEYSTORE_INVALID");
    await writeFile(bad, "not json");
    expect(await codeOf(openKeystore(bad, "x"))).to.equal("KEYSTORE_INVALID");
    await writeFile(bad, "x".repeat(20_000));
    expect(await codeOf(openKeystore(bad, "x"))).to.equal("KEYSTORE_INVALID");
    await writeFile(
      bad,
      await Wallet.createRandom()
        .encrypt("x")
        .then((json) => json.replace(/"kdf":"scrypt"/, '"kdf":"none"')),
    );
    expect(await codeOf(openKeystore(bad, "x"))).to.equal("KEYSTORE_INVALID");
  });
});
