import { expect } from "chai";
import { hexlify, id, randomBytes, SigningKey } from "ethers";
import { network } from "hardhat";

import { deployMarket, makeTwin, messageKeyOf, messageWallet, proveKey, plain } from "../helpers/market.ts";

const { ethers, networkHelpers } = await network.create();

async function fixture() {
  const market = await deployMarket(ethers);
  const [alice, bob] = await ethers.getSigners();
  if (alice === undefined || bob === undefined) throw new Error("the network has no accounts");
  return { market, twins: market.twins, alice, bob };
}

const KEY = messageWallet("a key");
const LEDGER_KEY = id("ledger key");

describe("Twins", () => {
  it("should register a twin, count ids from 1 and find it by account and by key", async () => {
    const { market, twins, alice, bob } = await networkHelpers.loadFixture(fixture);
    const proof = await proveKey(twins, KEY, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
    await expect(twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, proof))
      .to.emit(twins, "TwinRegistered")
      .withArgs(1n, alice.address, messageKeyOf(KEY), LEDGER_KEY);
    expect(await makeTwin(market, bob)).to.equal(2n);

    expect(await twins.twinCount()).to.equal(2n);
    expect(await twins.twinOf(alice.address)).to.equal(1n);
    expect(await twins.twinOfKey(KEY.address)).to.equal(1n);
    const twin = await twins.twin(1n);
    expect(plain(twin)).to.deep.equal({
      twinId: 1n,
      account: alice.address,
      version: 1n,
      messageKey: messageKeyOf(KEY),
      ledgerKey: LEDGER_KEY,
    });
  });

  it("should keep old keys readable after a rotation", async () => {
    const { twins, alice } = await networkHelpers.loadFixture(fixture);
    const first = await proveKey(twins, KEY, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
    await twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, first);
    const next = messageWallet("the next key");
    const second = await proveKey(twins, next, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 1n });
    await expect(twins.connect(alice).update(messageKeyOf(next), LEDGER_KEY, second))
      .to.emit(twins, "TwinUpdated")
      .withArgs(1n, alice.address, 2n, messageKeyOf(next), LEDGER_KEY);

    expect((await twins.twin(1n)).messageKey).to.equal(messageKeyOf(next));
    expect((await twins.twinAt(1n, 1n)).messageKey).to.equal(messageKeyOf(KEY));
    expect(await twins.twinOfKey(KEY.address)).to.equal(1n);
    expect(await twins.twinOfKey(next.address)).to.equal(1n);
  });

  it("should let the message key stay when only the ledger key changes", async () => {
    const { twins, alice } = await networkHelpers.loadFixture(fixture);
    const first = await proveKey(twins, KEY, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
    await twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, first);
    const other = id("another ledger key");
    const second = await proveKey(twins, KEY, { account: alice.address, ledgerKey: other, nonce: 1n });
    await twins.connect(alice).update(messageKeyOf(KEY), other, second);
    expect((await twins.twin(1n)).ledgerKey).to.equal(other);
  });

  it("should refuse a second twin for an account and an update without one", async () => {
    const { market, twins, alice } = await networkHelpers.loadFixture(fixture);
    const proof = await proveKey(twins, KEY, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
    await expect(twins.connect(alice).update(messageKeyOf(KEY), LEDGER_KEY, proof))
      .to.be.revertedWithCustomError(twins, "Twins_NotRegistered")
      .withArgs(alice.address);
    await makeTwin(market, alice);
    await expect(twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, proof))
      .to.be.revertedWithCustomError(twins, "Twins_AlreadyRegistered")
      .withArgs(alice.address, 1n);
  });

  it("should refuse keys of a wrong form", async () => {
    const { twins, alice } = await networkHelpers.loadFixture(fixture);
    const proof = await proveKey(twins, KEY, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
    for (const bytes of [0, 33, 63, 65]) {
      await expect(twins.connect(alice).register(hexlify(randomBytes(bytes)), LEDGER_KEY, proof))
        .to.be.revertedWithCustomError(twins, "Twins_BadKeyLength")
        .withArgs(64n, bytes);
    }
    await expect(
      twins.connect(alice).register(messageKeyOf(KEY), ethers.ZeroHash, proof),
    ).to.be.revertedWithCustomError(twins, "Twins_ZeroLedgerKey");
  });

  describe("proof of possession", () => {
    it("should refuse a proof made by another key", async () => {
      const { twins, alice } = await networkHelpers.loadFixture(fixture);
      const wrong = messageWallet("somebody else's key");
      const proof = await proveKey(twins, wrong, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
      await expect(twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, proof))
        .to.be.revertedWithCustomError(twins, "Twins_BadProof")
        .withArgs(KEY.address, wrong.address);
    });

    it("should refuse a proof made for another account, ledger key, nonce, chain or contract", async () => {
      const { twins, alice, bob } = await networkHelpers.loadFixture(fixture);
      const good = { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n };
      const faults = [
        { account: bob.address },
        { ledgerKey: id("another") },
        { nonce: 1n },
        { chainId: 1n },
        { verifyingContract: bob.address },
      ];
      for (const fault of faults) {
        const proof = await proveKey(twins, KEY, { ...good, ...fault });
        await expect(
          twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, proof),
          Object.keys(fault).join(),
        ).to.be.revertedWithCustomError(twins, "Twins_BadProof");
      }
      await twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, await proveKey(twins, KEY, good));
    });

    it("should refuse a proof that was used before", async () => {
      const { twins, alice } = await networkHelpers.loadFixture(fixture);
      const proof = await proveKey(twins, KEY, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
      await twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, proof);
      expect(await twins.nonces(alice.address)).to.equal(1n);
      await expect(twins.connect(alice).update(messageKeyOf(KEY), LEDGER_KEY, proof)).to.be.revertedWithCustomError(
        twins,
        "Twins_BadProof",
      );
    });

    it("should refuse the malleable twin of a proof and bytes that are no signature", async () => {
      const { twins, alice } = await networkHelpers.loadFixture(fixture);
      const proof = await proveKey(twins, KEY, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
      const s = BigInt(`0x${proof.slice(66, 130)}`);
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
      const flipped = (order - s).toString(16).padStart(64, "0");
      const v = proof.endsWith("1b") ? "1c" : "1b";
      const malleable = `${proof.slice(0, 66)}${flipped}${v}`;
      await expect(
        twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, malleable),
      ).to.be.revertedWithCustomError(twins, "ECDSAInvalidSignatureS");
      await expect(
        twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, "0x1234"),
      ).to.be.revertedWithCustomError(twins, "ECDSAInvalidSignatureLength");
      await expect(
        twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, `0x${"00".repeat(65)}`),
      ).to.be.revertedWithCustomError(twins, "ECDSAInvalidSignature");
    });
  });

  it("should refuse a message key that a twin has, or had", async () => {
    const { twins, alice, bob } = await networkHelpers.loadFixture(fixture);
    const prove = async (wallet: typeof KEY, account: string, nonce: bigint) =>
      await proveKey(twins, wallet, { account, ledgerKey: LEDGER_KEY, nonce });
    await twins.connect(alice).register(messageKeyOf(KEY), LEDGER_KEY, await prove(KEY, alice.address, 0n));
    await expect(twins.connect(bob).register(messageKeyOf(KEY), LEDGER_KEY, await prove(KEY, bob.address, 0n)))
      .to.be.revertedWithCustomError(twins, "Twins_MessageKeyTaken")
      .withArgs(KEY.address, 1n);

    const next = messageWallet("the next key");
    await twins.connect(alice).update(messageKeyOf(next), LEDGER_KEY, await prove(next, alice.address, 1n));
    await expect(
      twins.connect(alice).update(messageKeyOf(KEY), LEDGER_KEY, await prove(KEY, alice.address, 2n)),
    ).to.be.revertedWithCustomError(twins, "Twins_MessageKeyTaken");
  });

  it("should refuse ids and versions that do not exist", async () => {
    const { market, twins, alice } = await networkHelpers.loadFixture(fixture);
    await makeTwin(market, alice);
    for (const twinId of [0n, 2n]) {
      await expect(twins.twin(twinId)).to.be.revertedWithCustomError(twins, "Twins_UnknownTwin").withArgs(twinId);
    }
    for (const version of [0n, 2n]) {
      await expect(twins.twinAt(1n, version))
        .to.be.revertedWithCustomError(twins, "Twins_UnknownVersion")
        .withArgs(1n, version);
    }
    expect(await twins.twinOf(ethers.ZeroAddress)).to.equal(0n);
  });

  it("should derive the key's address as Ethereum does", async () => {
    const { twins, alice } = await networkHelpers.loadFixture(fixture);
    const key = new SigningKey(id("any key"));
    const wallet = new ethers.Wallet(key);
    const proof = await proveKey(twins, wallet, { account: alice.address, ledgerKey: LEDGER_KEY, nonce: 0n });
    await twins.connect(alice).register(messageKeyOf(wallet), LEDGER_KEY, proof);
    expect(await twins.twinOfKey(wallet.address)).to.equal(1n);
  });
});
