import { createHash } from "node:crypto";

import { expect } from "chai";
import { AbiCoder, id, keccak256, Wallet, ZeroAddress, ZeroHash } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import { compiledProgram, openTestChannel } from "../../helpers/program-sandbox.ts";
import { ProgramRun, SYSTEM } from "../helpers/programs.ts";

const { ethers, networkHelpers } = await network.create();
const coder = AbiCoder.defaultAbiCoder();

const ETHER_KEY = keyOf(ZeroAddress, 0n);
const MAX = 2n ** 256n - 1n;
const [ALICE, BOB] = [ethers.getAddress(`0x${"a1".repeat(20)}`), ethers.getAddress(`0x${"b2".repeat(20)}`)];

async function fixture() {
  return await ethers.deployContract("FeatureProgram");
}

/** A program in its first state, and no record yet. */
async function begin() {
  const program = await networkHelpers.loadFixture(fixture);
  return { program, run: new ProgramRun(ethers, program) };
}

function keyOf(token: string, tokenId: bigint): string {
  return keccak256(coder.encode(["address", "uint256"], [token, tokenId]));
}

function etherOf(amount: bigint) {
  return { kind: 0n, token: ZeroAddress, id: 0n, amount };
}

function itemOf(tokenId: bigint, amount = 1n) {
  return { kind: 3n, token: BOB, id: tokenId, amount };
}

describe("ChannelProgram", () => {
  it("should know who calls and when, and its system by its address", async () => {
    const { run, program } = await begin();
    run.height = 2n ** 64n - 1n;
    run.timeMs = 2n ** 64n - 2n;
    expect([...(await run.read(ALICE, "context"))]).to.deep.equal([ALICE, run.timeMs, run.height, id(`${run.height}`)]);
    expect((await program.SYSTEM()).toLowerCase()).to.equal(SYSTEM);
    // Without a context everything is zero.
    expect([...(await program.context())]).to.deep.equal([ZeroAddress, 0n, 0n, ZeroHash]);
  });

  it("should let the channel alone call what is the channel's", async () => {
    const { run, program } = await begin();
    const calls: [string, unknown[]][] = [
      ["initialize", ["0x"]],
      ["channelJoin", [ALICE, [], true]],
      ["channelLeave", [ALICE, true]],
      ["channelTick", []],
      ["channelClose", []],
    ];
    for (const [name, args] of calls) {
      await expect(run.read(ALICE, name, args), name)
        .to.be.revertedWithCustomError(program, "ChannelProgram_NotSystem")
        .withArgs(ALICE);
      await run.system(name, args);
    }
  });

  it("should tell the program of joins, leaves, ticks and the end, with the ledger as it should be then", async () => {
    const { run, program } = await begin();
    await run.system("channelJoin", [ALICE, [etherOf(5n), itemOf(1n)], true]);
    expect([await program.lastHook(), await program.lastMember(), await program.lastAssets()]).to.deep.equal([
      "join",
      ALICE,
      2n,
    ]);
    await run.system("channelTick");
    expect(await program.lastHook()).to.equal("tick");
    await run.system("channelLeave", [ALICE, true]);
    // The hook saw what the member still owned.
    expect([await program.lastHook(), await program.lastAssets()]).to.deep.equal(["leave", 2n]);
    await run.system("channelClose");
    expect(await program.lastHook()).to.equal("close");
  });

  it("should keep nobody in or out by a hook that fails", async () => {
    const { run, program } = await begin();
    await run.call(ALICE, "failHooks", [true]);
    await expect(run.read(SYSTEM, "channelJoin", [ALICE, [etherOf(5n)], true])).to.be.revertedWithCustomError(
      program,
      "FeatureProgram_HooksFail",
    );
    await run.system("channelJoin", [ALICE, [etherOf(5n)], false]);
    expect(await program.ownedOf(ALICE, ETHER_KEY)).to.equal(5n);
    await expect(run.read(SYSTEM, "channelLeave", [ALICE, true])).to.be.revertedWithCustomError(
      program,
      "FeatureProgram_HooksFail",
    );
    await run.system("channelLeave", [ALICE, false]);
    expect(await program.exitsOf(ALICE, ETHER_KEY)).to.equal(5n);
  });

  it("should let everything that a member owns leave with it, and add to what left before", async () => {
    const { run, program } = await begin();
    for (const round of [1n, 2n]) {
      await run.system("channelJoin", [ALICE, [etherOf(5n), itemOf(1n, 3n)], true]);
      await run.call(ALICE, "withdraw", [ETHER_KEY, 2n]);
      await run.call(ALICE, "move", [BOB, keyOf(BOB, 1n), 1n]);
      await run.call(ALICE, "requestLeave", [ALICE]);
      expect(await program.isLeaveRequested(ALICE)).to.equal(true);
      await run.system("channelLeave", [ALICE, true]);
      expect(await program.isLeaveRequested(ALICE)).to.equal(false);
      expect([...(await program.assetsOf(ALICE))]).to.deep.equal([]);
      expect(await program.ownedOf(ALICE, ETHER_KEY)).to.equal(0n);
      expect(await program.exitsOf(ALICE, ETHER_KEY)).to.equal(5n * round);
      expect(await program.exitsOf(ALICE, keyOf(BOB, 1n))).to.equal(2n * round);
      expect(await program.ownedOf(BOB, keyOf(BOB, 1n))).to.equal(round);
    }
  });

  it("should keep lists and amounts of the ledger in step, whatever is moved", async () => {
    const people = [ALICE, BOB];
    const person = fc.constantFrom(...people);
    const key = fc.constantFrom(ETHER_KEY, keyOf(BOB, 1n), keyOf(BOB, 2n), keyOf(BOB, 3n));
    const amount = fc.bigInt({ min: 0n, max: 3n });
    const moves = fc.array(fc.tuple(fc.constantFrom("credit", "move", "withdraw"), person, person, key, amount), {
      minLength: 5,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(moves, async (history) => {
        const { run, program } = await begin();
        const owned = new Map<string, bigint>();
        const left = new Map<string, bigint>();
        const add = (map: Map<string, bigint>, place: string, by: bigint): void => {
          map.set(place, (map.get(place) ?? 0n) + by);
        };
        for (const [kind, from, to, asset, by] of history) {
          const place = `${from}${asset}`;
          if (kind === "credit") await run.call(BOB, "credit", [from, asset, by]);
          else if ((owned.get(place) ?? 0n) < by) {
            await expect(run.read(from, "withdraw", [asset, by]))
              .to.be.revertedWithCustomError(program, "ChannelProgram_OwnsTooLittle")
              .withArgs(from, asset, by, owned.get(place) ?? 0n);
            continue;
          } else if (kind === "move") await run.call(from, "move", [to, asset, by]);
          else await run.call(from, "withdraw", [asset, by]);
          if (kind !== "credit") add(owned, place, -by);
          if (kind === "credit") add(owned, place, by);
          if (kind === "move") add(owned, `${to}${asset}`, by);
          if (kind === "withdraw") add(left, place, by);
        }
        for (const account of people) {
          const keys = [...owned].filter(([place, of]) => place.startsWith(account) && of > 0n).map(([place]) => place);
          expect([...(await program.assetsOf(account))].map((one) => account + one).toSorted()).to.deep.equal(
            keys.toSorted(),
          );
          for (const [place, of] of owned) {
            if (place.startsWith(account)) expect(await program.ownedOf(account, place.slice(42))).to.equal(of);
          }
          for (const [place, of] of left) {
            if (place.startsWith(account)) expect(await program.exitsOf(account, place.slice(42))).to.equal(of);
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  it("should let a member have 24 assets, join with more, and leave within the limits of a call", async () => {
    const { run, program } = await begin();
    const items = Array.from({ length: 24 }, (_, index) => itemOf(BigInt(index)));
    const joined = await run.system("channelJoin", [ALICE, items, true]);
    expect(joined.gasUsed).to.be.below(2_000_000n);
    expect((await program.assetsOf(ALICE)).length).to.equal(24);
    await expect(run.read(BOB, "credit", [ALICE, ETHER_KEY, 1n]))
      .to.be.revertedWithCustomError(program, "ChannelProgram_TooManyAssets")
      .withArgs(ALICE, 24n);
    // One that is there already has room; what has none leaves at once.
    await run.system("channelJoin", [ALICE, [itemOf(0n), etherOf(5n)], true]);
    expect(await program.ownedOf(ALICE, keyOf(BOB, 0n))).to.equal(2n);
    expect(await program.ownedOf(ALICE, ETHER_KEY)).to.equal(0n);
    expect(await program.exitsOf(ALICE, ETHER_KEY)).to.equal(5n);
    const left = await run.system("channelLeave", [ALICE, true]);
    expect(left.gasUsed).to.be.below(2_000_000n);
    expect((await run.changesOf(left.hash)).length).to.be.below(128);
    expect(await program.exitsOf(ALICE, keyOf(BOB, 23n))).to.equal(1n);
  });

  it("should join and leave in the nodes' sandbox within its limits, with and without a hook", async () => {
    const channel = await openTestChannel(await compiledProgram("FeatureProgram"));
    await channel.play({ kind: "initialize", state: new Uint8Array() });
    const assets = Array.from({ length: 24 }, (_, index) => ({ kind: 3, token: BOB, id: BigInt(index), amount: 1n }));
    for (const fails of [false, true]) {
      expect((await channel.call(BOB, "failHooks", [fails])).status).to.equal(1);
      for (const effect of [
        { type: "join", member: ALICE, assets },
        { type: "leave", member: ALICE },
      ] as const) {
        const { status, touched, gasUsed } = await channel.play({ kind: "inbox", effect });
        expect(status, `${effect.type} ${fails}`).to.equal(1);
        expect(touched.length).to.be.below(128);
        expect(gasUsed < 2_000_000n).to.equal(true);
      }
    }
    expect(await channel.view("exitsOf", [ALICE, keyOf(BOB, 23n)])).to.deep.equal([2n]);
    expect(await channel.view("lastHook")).to.deep.equal(["leave"]);
    expect(await channel.view("nonceOf", [BOB])).to.deep.equal([2n]);
  });

  it("should keep nobody in by a token of which there is more than a number can say", async () => {
    const { run, program } = await begin();
    for (let round = 0; round < 2; round++) {
      await run.system("channelJoin", [ALICE, [itemOf(1n, MAX)], true]);
      await run.system("channelJoin", [ALICE, [itemOf(1n, MAX)], true]);
      await run.system("channelLeave", [ALICE, true]);
    }
    expect(await program.exitsOf(ALICE, keyOf(BOB, 1n))).to.equal(MAX);
  });

  it("should forget with a join what was asked for before it, and take address zero for nobody", async () => {
    const { run, program } = await begin();
    await run.call(ALICE, "requestLeave", [BOB]);
    await run.call(ALICE, "requestLeave", [ALICE]);
    for (const hook of [true, false]) {
      expect(await program.isLeaveRequested(BOB)).to.equal(true);
      await run.system("channelJoin", [BOB, [], hook]);
      expect(await program.isLeaveRequested(BOB)).to.equal(false);
      await run.call(ALICE, "requestLeave", [BOB]);
    }
    expect(await program.isLeaveRequested(ALICE)).to.equal(true);
    await run.call(ALICE, "requestLeave", [ZeroAddress]);
    expect([await program.isCloseRequested(), await program.isLeaveRequested(ZeroAddress)]).to.deep.equal([
      false,
      false,
    ]);
    await run.call(ALICE, "requestClose");
    expect([await program.isCloseRequested(), await program.isLeaveRequested(ZeroAddress)]).to.deep.equal([
      true,
      false,
    ]);
  });

  it("should ask for the channel's end where nodes look for it", async () => {
    const { run, program } = await begin();
    expect(await program.isCloseRequested()).to.equal(false);
    const receipt = await run.call(ALICE, "requestClose");
    expect(await program.isCloseRequested()).to.equal(true);
    const base = `${keccak256(coder.encode(["uint256"], [BigInt(id("sprf.channel.requests")) - 1n])).slice(0, -2)}00`;
    const slot = keccak256(coder.encode(["address", "bytes32"], [ZeroAddress, base]));
    expect((await run.changesOf(receipt.hash)).map((change) => change.slot)).to.deep.equal([slot]);
    expect(await program.nonceOf(ALICE)).to.equal(0n);
  });
});

describe("ChannelPrecompiles", () => {
  it("should give what the precompiled contracts give", async () => {
    const program = await ethers.deployContract("PrecompileProgram");
    const data = `0x${"a1".repeat(77)}`;
    const wallet = new Wallet(id("somebody"));
    const signature = wallet.signingKey.sign(id("hash"));
    expect(await program.recover(id("hash"), signature.v, signature.r, signature.s)).to.equal(wallet.address);
    expect(await program.recover(id("hash"), 5n, signature.r, signature.s)).to.equal(ZeroAddress);
    expect(await program.sha(data)).to.equal(ethers.sha256(data));
    expect(await program.ripemd(data)).to.equal(ethers.ripemd160(data));
    expect(await program.copy(data)).to.equal(data);
    expect(await program.modexp("0x03", "0x05", "0x00000064")).to.equal("0x0000002b");
    const double = await program.bnAdd(1n, 2n, 1n, 2n);
    expect(await program.bnMul(1n, 2n, 2n)).to.deep.equal(double);
    expect(await program.bnPairing("0x")).to.equal(true);
    await expect(program.bnPairing("0x00"))
      .to.be.revertedWithCustomError(program, "ChannelProgram_PrecompileFailed")
      .withArgs(8n);
    // One block of BLAKE2b, as EIP-152 puts it.
    const state =
      "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b";
    const input = `0x0000000c${state}${"616263".padEnd(256, "0")}${"03".padEnd(32, "0")}01`;
    const [low, high] = await program.blake2f(input);
    expect(ethers.concat([low, high])).to.equal(`0x${createHash("blake2b512").update("abc").digest("hex")}`);
    await expect(program.blake2f("0x00"))
      .to.be.revertedWithCustomError(program, "ChannelProgram_PrecompileFailed")
      .withArgs(9n);
  });

  it("should give the same in the nodes' sandbox", async () => {
    const program = await ethers.deployContract("PrecompileProgram");
    const channel = await openTestChannel(await compiledProgram("PrecompileProgram"));
    const { r, s, v } = new Wallet(id("somebody")).signingKey.sign(id("hash"));
    const data = `0x${"a1".repeat(77)}`;
    const calls: [string, unknown[]][] = [
      ["recover", [id("hash"), v, r, s]],
      ["sha", [data]],
      ["ripemd", [data]],
      ["copy", [data]],
      ["modexp", ["0x03", "0x05", "0x00000064"]],
      ["bnAdd", [1n, 2n, 1n, 2n]],
      ["bnMul", [1n, 2n, 9n]],
      ["bnPairing", ["0x"]],
      ["blake2f", [`0x0000000c${"00".repeat(208)}01`]],
      ["p256Verify", [id("hash"), r, s, r, s]],
    ];
    for (const [name, args] of calls) {
      const expected = await program.getFunction(name).staticCallResult(...args);
      expect(await channel.view(name, args), name).to.deep.equal([...expected]);
    }
  });

  it("should verify signatures of secp256r1", async () => {
    const program = await ethers.deployContract("PrecompileProgram");
    const { subtle } = crypto;
    const keys = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const message = new TextEncoder().encode("message");
    const signature = ethers.hexlify(
      new Uint8Array(await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, message)),
    );
    const point = ethers.hexlify(new Uint8Array(await subtle.exportKey("raw", keys.publicKey)));
    const [r, s] = [ethers.dataSlice(signature, 0, 32), ethers.dataSlice(signature, 32)];
    const [x, y] = [ethers.dataSlice(point, 1, 33), ethers.dataSlice(point, 33)];
    expect(await program.p256Verify(ethers.sha256(message), r, s, x, y)).to.equal(true);
    expect(await program.p256Verify(ethers.sha256("0x00"), r, s, x, y)).to.equal(false);
  });
});
