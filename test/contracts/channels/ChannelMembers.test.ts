import { expect } from "chai";
import { AbiCoder, id, keccak256, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import {
  asApp,
  channelOf,
  CONFIG,
  consentOf,
  deployHub,
  Inbox,
  INITIAL_STATE,
  join,
  type HubConfig,
  type Made,
  peerAt,
  settle,
  signConsent,
  STAKE,
} from "../helpers/channels.ts";
import { named } from "../helpers/grid-registry.ts";

const { ethers, networkHelpers } = await network.create();

const ENTRY = "tuple(uint64 index,uint8 kind,address account,uint64 timeMs,bytes data)";
const ASSETS = "tuple(uint8 kind,address token,uint256 id,uint256 amount)[]";
const coder = AbiCoder.defaultAbiCoder();

const fixture = async () => await deployHub(ethers, 4);
const made = async (members: number, config: Partial<HubConfig> = {}): Promise<Made> =>
  await channelOf(await networkHelpers.loadFixture(fixture), members, config);
const isError = (self: Made, name: string) => [self.hub, name] as const;

/** Entries of the inbox from one on, each checked against the hash that the chain keeps. */
async function entriesFrom({ hub, channel }: Made, first: bigint) {
  const events = await hub.queryFilter(hub.filters.InboxAdded(channel));
  const entries = events.map(({ args }) => args).filter(({ index }) => index >= first);
  for (const { index, kind, account, timeMs, data } of entries) {
    const hash = keccak256(coder.encode([ENTRY], [{ index, kind, account, timeMs, data }]));
    expect(await hub.inboxHash(channel, index)).to.equal(hash);
  }
  return entries.map(({ index, kind, account, data }) => ({ index, kind, account, data }));
}

describe("ChannelHub: members", () => {
  describe("a program", () => {
    it("is registered with its code's hash by anyone", async () => {
      const { hub, program, stranger } = await networkHelpers.loadFixture(fixture);
      expect(await hub.programHash(program)).to.equal(keccak256(await ethers.provider.getCode(program)));
      expect(await hub.programHash(stranger)).to.equal(ZeroHash);
      await expect(hub.connect(stranger).registerProgram(program)).to.emit(hub, "ProgramRegistered");
    });

    it("is refused when it is no program", async () => {
      const { hub, app, stranger } = await networkHelpers.loadFixture(fixture);
      await expect(hub.registerProgram(app)).to.revert(ethers);
      await expect(hub.registerProgram(stranger)).to.revert(ethers);
    });

    it("makes no channel unless it is registered, and has the code that was", async () => {
      const base = await networkHelpers.loadFixture(fixture);
      const other = await ethers.deployContract("PostProgram");
      const code = await ethers.provider.getCode(other);
      await expect(base.hub.create(other, "0x", CONFIG, []))
        .to.be.revertedWithCustomError(base.hub, "ChannelHub_UnknownProgram")
        .withArgs(await other.getAddress());
      const registered = await base.hub.programHash(base.program);
      await networkHelpers.setCode(base.program, code);
      await expect(base.hub.create(base.program, "0x", CONFIG, []))
        .to.be.revertedWithCustomError(base.hub, "ChannelHub_ProgramChanged")
        .withArgs(base.program, registered, keccak256(code));
    });
  });

  describe("a channel", () => {
    it("has all that a node needs to begin", async () => {
      const base = await networkHelpers.loadFixture(fixture);
      const config = { ...CONFIG, tickMs: 100n, maxCatchUpTicks: 3n, stakeWei: 7n, fineWei: 5n, maxMembers: 9n };
      const labels = [{ key: id("server_address"), value: id("there") }];
      await asApp(base, 0n, "create", [base.program, INITIAL_STATE, config, labels]);
      const view = await base.hub.channelOf(1n);
      const created = await base.hub.queryFilter(base.hub.filters.ChannelCreated(1n));
      expect([view.app, view.program]).to.deep.equal([await base.app.getAddress(), base.program]);
      expect(view.codeHash).to.equal(await base.hub.programHash(base.program));
      expect(view.initialStateHash).to.equal(keccak256(INITIAL_STATE));
      expect(created[0]?.args.initialState).to.equal(INITIAL_STATE);
      expect(created[0]?.args.store).to.equal(view.store);
      const block = await ethers.provider.getBlock("latest");
      expect([view.createdAtMs, view.createdInBlock]).to.deep.equal([
        BigInt(block?.timestamp ?? 0) * 1_000n,
        BigInt(block?.number ?? 0),
      ]);
      expect(named(view.config)).to.deep.equal(config);
      expect([view.term, view.leader, view.memberCount, view.inboxLength]).to.deep.equal([0n, ZeroAddress, 0n, 0n]);
      expect([view.closing, view.closed]).to.deep.equal([false, false]);
      expect(await base.hub.getLabel(1n, id("server_address"))).to.equal(id("there"));
      expect(await base.hub.getLabel(1n, id("other"))).to.equal(ZeroHash);
      const head = await base.hub.headOf(1n);
      expect([head.height, head.timeMs, head.stateRoot]).to.deep.equal([0n, view.createdAtMs, ZeroHash]);
      const vault = await ethers.getContractAt("ChannelVault", view.vault);
      expect([await vault.hub(), await vault.channel()]).to.deep.equal([await base.hub.getAddress(), 1n]);
    });

    it("refuses settings out of their bounds", async () => {
      const { hub, program } = await networkHelpers.loadFixture(fixture);
      const year = 365n * 24n * 3_600n;
      for (const wrong of [
        { maxMembers: 0n },
        { maxMembers: 65n },
        { windowSeconds: year + 1n },
        { aliveSeconds: year + 1n },
        { stakeWei: 2n ** 128n },
        { tickMs: 1n },
        { maxCatchUpTicks: 1n },
      ]) {
        await expect(
          hub.create(program, "0x", { ...CONFIG, ...wrong }, []),
          JSON.stringify(Object.keys(wrong)),
        ).to.be.revertedWithCustomError(hub, "ChannelHub_BadConfig");
      }
      const labels = Array.from({ length: 33 }, (_, i) => ({ key: id(`${i}`), value: ZeroHash }));
      await expect(hub.create(program, "0x", CONFIG, labels))
        .to.be.revertedWithCustomError(hub, "ChannelHub_TooMany")
        .withArgs(32n);
      await expect(hub.create(program, new Uint8Array(8_193), CONFIG, []))
        .to.be.revertedWithCustomError(hub, "ChannelHub_TooMany")
        .withArgs(8_192n);
    });

    it("is unknown until it is made, to every call", async () => {
      const base = await networkHelpers.loadFixture(fixture);
      const { hub } = base;
      const proof = { siblings: [], leafPath: ZeroHash, leafValue: ZeroHash };
      const settlement = { channel: 1n, fromHeight: 0n, toHeight: 1n, timeMs: 0n, head: ZeroHash } as const;
      const zeros = { recordsRoot: ZeroHash, stateRoot: ZeroHash, changesRoot: ZeroHash, inboxCursor: 0n, mode: 0n };
      const call = { channel: 1n, sender: ZeroAddress, nonce: 0n, gasLimit: 0n, validUntilMs: 0n, data: "0x" };
      for (const unknown of [
        () => hub.channelOf(1n),
        () => hub.channelOf(0n),
        () => hub.headOf(1n),
        () => hub.getLabel(1n, ZeroHash),
        () => hub.membersOf(1n),
        () => hub.memberOf(1n, ZeroAddress),
        () => hub.inboxHash(1n, 1n),
        () => hub.proposalCount(1n),
        () => hub.proposalOf(1n, 1n),
        () => hub.assetOf(1n, ZeroHash),
        () => hub.paidTo(1n, ZeroAddress, ZeroHash),
        () => hub.creditOf(1n, ZeroAddress),
        () => hub.requestExit(1n),
        () => hub.leaveFor(1n, ZeroAddress),
        () => hub.leaveByRequest(1n, ZeroAddress),
        () => hub.leaveByProof(1n, ZeroAddress, proof),
        () => hub.close(1n),
        () => hub.closeByRequest(1n),
        () => hub.closeByProof(1n, proof),
        () => hub.forceCall(call, "0x"),
        () => hub.keepAlive(1n, []),
        () => hub.createProposal(1n, 1n, "0x"),
        () => hub.vote(1n, 1n, 1n),
        () => hub.voteBySignatures(1n, 1n, []),
        () => hub.executeProposal(1n, 1n, []),
        () => hub.applyChanges(1n, 1n, [], 0n, []),
        () => hub.settle({ ...settlement, ...zeros }, [], []),
        () => hub.claim(1n, ZeroAddress, ZeroHash),
        () => hub.claimTo(1n, ZeroHash, ZeroAddress),
        () => hub.claimByProof(1n, ZeroAddress, ZeroHash, proof, proof),
        () => hub.claimByProofTo(1n, ZeroHash, ZeroAddress, proof, proof),
        () => hub.withdrawStake(1n, ZeroAddress),
        () => hub.materialise(1n, [], [], []),
      ]) {
        await expect(unknown()).to.be.revertedWithCustomError(hub, "ChannelHub_UnknownChannel");
      }
    });
  });

  describe("a join", () => {
    it("makes the first member the leader of term 1, and tells the channel", async () => {
      const self = await made(0, { stakeWei: STAKE });
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      const { vault } = await self.hub.channelOf(self.channel);
      await expect(join(self, first)).to.changeEtherBalance(ethers, vault, STAKE);
      await join(self, second);
      const view = await self.hub.channelOf(self.channel);
      expect([view.term, view.leader, view.memberCount]).to.deep.equal([1n, first.account.address, 2n]);
      expect(await self.hub.membersOf(self.channel)).to.deep.equal([first.account.address, second.account.address]);
      const member = await self.hub.memberOf(self.channel, second.account);
      const block = await ethers.provider.getBlock("latest");
      expect(named(member)).to.deep.equal({
        signer: second.key.address,
        joinNumber: 2n,
        candidate: ZeroAddress,
        weight: 1n,
        joinedAt: 2n,
        leftAt: 0n,
        gone: false,
        absent: false,
        absentAt: 0n,
        lastAliveMs: BigInt(block?.timestamp ?? 0) * 1_000n,
        bannedUntilMs: 0n,
        stakeSource: ZeroAddress,
        stakeWei: STAKE,
      });
      const data = (signer: string, joinNumber: bigint) =>
        coder.encode(["address", "uint64", ASSETS], [signer, joinNumber, []]);
      expect(await entriesFrom(self, 1n)).to.deep.equal([
        { index: 1n, kind: Inbox.Join, account: first.account.address, data: data(first.key.address, 1n) },
        { index: 2n, kind: Inbox.Join, account: second.account.address, data: data(second.key.address, 2n) },
      ]);
      expect((await self.hub.memberOf(self.channel, self.stranger)).joinNumber).to.equal(0n);
    });

    it("is the app's alone", async () => {
      const self = await made(0);
      const consent = await consentOf(self, peerAt(self, 0));
      const signature = await signConsent(self, peerAt(self, 0).account, consent);
      await expect(self.hub.join(self.channel, consent.member, consent, signature, []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotApp")
        .withArgs(self.channel, await self.app.getAddress(), self.owner.address);
    });

    it("needs the member's consent to just this", async () => {
      const self = await made(0);
      const peer = peerAt(self, 0);
      for (const consent of [
        { channel: 2n },
        { app: self.owner.address },
        { program: self.owner.address },
        { member: self.owner.address },
        { signer: ZeroAddress },
        { stakeSource: self.owner.address },
      ]) {
        await expect(join(self, peer, { consent, value: 0n }), JSON.stringify(Object.keys(consent)))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadConsent")
          .withArgs(self.channel, peer.account.address);
      }
      await expect(join(self, peer, { member: peerAt(self, 1).account.address })).to.be.revertedWithCustomError(
        ...isError(self, "ChannelHub_BadConsent"),
      );
    });

    it("needs the consent in time, signed by the member, and once", async () => {
      const self = await made(0);
      const peer = peerAt(self, 0);
      const deadline = BigInt(await networkHelpers.time.latest()) + 100n;
      const signature = await signConsent(self, peerAt(self, 1).account, await consentOf(self, peer));
      await expect(join(self, peer, { signature }))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadSignature")
        .withArgs(peer.account.address, ZeroAddress);
      await networkHelpers.time.setNextBlockTimestamp(deadline + 1n);
      await expect(join(self, peer, { consent: { deadline } }))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_ConsentExpired")
        .withArgs(deadline, deadline + 1n);
      await join(self, peer);
      await self.hub.connect(peer.account).requestExit(self.channel);
      await settle(self, [peer]);
      await expect(join(self, peer)).to.be.revertedWithCustomError(...isError(self, "ChannelHub_ConsentUsed"));
      await join(self, peer, { consent: { deadline: 2n ** 41n } });
    });

    it("takes the consent of an account that is a contract (ERC-1271)", async () => {
      const self = await made(0);
      const keeper = peerAt(self, 0);
      const account = await ethers.deployContract("ContractAccount", [keeper.account.address]);
      const member = await account.getAddress();
      await join(self, keeper, { member, consent: { member } });
      expect(await self.hub.membersOf(self.channel)).to.deep.equal([member]);
    });

    it("takes no more stake than was agreed to, and exactly the ether that it needs", async () => {
      const self = await made(0, { stakeWei: STAKE });
      const peer = peerAt(self, 0);
      await expect(join(self, peer, { consent: { maxStake: STAKE - 1n } }))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_StakeTooHigh")
        .withArgs(STAKE - 1n, STAKE);
      for (const value of [STAKE - 1n, STAKE + 1n]) {
        await expect(join(self, peer, { value }))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongValue")
          .withArgs(STAKE, value);
      }
    });

    it("is for who is not in yet, with a signer of its own, while there is room", async () => {
      const self = await made(2, { maxMembers: 3n });
      const [first, second, third] = [peerAt(self, 0), peerAt(self, 1), peerAt(self, 2)];
      await expect(join(self, first, { consent: { deadline: 2n ** 41n } }))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_AlreadyMember")
        .withArgs(self.channel, first.account.address);
      await expect(join(self, third, { consent: { signer: second.key.address } }))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_SignerTaken")
        .withArgs(self.channel, second.key.address);
      await join(self, third);
      await expect(join(self, peerAt(self, 3)))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_Full")
        .withArgs(self.channel, 3n);
      // A leave makes room once it is final, and a signer is free then.
      await self.hub.connect(second.account).requestExit(self.channel);
      await expect(join(self, peerAt(self, 3))).to.be.revertedWithCustomError(...isError(self, "ChannelHub_Full"));
      await settle(self, [first, second, third]);
      await join(self, peerAt(self, 3), { consent: { signer: second.key.address } });
      expect(await self.hub.membersOf(self.channel)).to.deep.equal(
        [first, third, peerAt(self, 3)].map(({ account }) => account.address),
      );
    });

    it("does not let a member act as another one that names its account as signer", async () => {
      const self = await made(1);
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      await join(self, second, { consent: { signer: first.account.address } });
      await expect(self.hub.connect(first.account).keepAlive(self.channel, []))
        .to.emit(self.hub, "KeptAlive")
        .withArgs(self.channel, first.account.address, []);
    });
  });

  describe("a leave", () => {
    it("is asked for by the app or the member, once, and is final with a settlement", async () => {
      const self = await made(3, { stakeWei: STAKE });
      const [first, second, third] = [peerAt(self, 0), peerAt(self, 1), peerAt(self, 2)];
      await expect(self.hub.leaveFor(self.channel, second.account)).to.be.revertedWithCustomError(
        ...isError(self, "ChannelHub_NotApp"),
      );
      await asApp(self, 0n, "leaveFor", [self.channel, second.account.address]);
      await expect(self.hub.connect(second.account).requestExit(self.channel))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_AlreadyLeaving")
        .withArgs(self.channel, second.account.address);
      await expect(self.hub.requestExit(self.channel))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, self.owner.address);
      expect(await entriesFrom(self, 4n)).to.deep.equal([
        { index: 4n, kind: Inbox.Leave, account: second.account.address, data: "0x" },
      ]);
      expect((await self.hub.memberOf(self.channel, second.account)).leftAt).to.equal(4n);

      // One that took the entries up to the one before lets nobody go.
      await settle(self, [first, second, third], { inboxCursor: 3n });
      expect((await self.hub.memberOf(self.channel, second.account)).gone).to.equal(false);
      await expect(settle(self, [first, second, third]))
        .to.emit(self.hub, "MemberLeft")
        .withArgs(self.channel, second.account.address, STAKE);
      expect((await self.hub.memberOf(self.channel, second.account)).gone).to.equal(true);
      await expect(self.hub.connect(second.account).requestExit(self.channel)).to.be.revertedWithCustomError(
        ...isError(self, "ChannelHub_NotMember"),
      );
      const own = self.hub.connect(second.account);
      await expect(own.withdrawStake(self.channel, self.stranger)).to.changeEtherBalance(ethers, self.stranger, STAKE);
      await expect(own.withdrawStake(self.channel, self.stranger))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NothingToClaim")
        .withArgs(self.channel, second.account.address, ZeroHash);
    });

    it("of the leader starts the next term under the member that joined first", async () => {
      const self = await made(3);
      const [first, second, third] = [peerAt(self, 0), peerAt(self, 1), peerAt(self, 2)];
      await self.hub.connect(third.account).requestExit(self.channel);
      expect((await self.hub.channelOf(self.channel)).term).to.equal(1n);
      await expect(self.hub.connect(first.account).requestExit(self.channel))
        .to.emit(self.hub, "TermStarted")
        .withArgs(self.channel, 2n, second.account.address);
      expect(await entriesFrom(self, 5n)).to.deep.equal([
        { index: 5n, kind: Inbox.Leave, account: first.account.address, data: "0x" },
        {
          index: 6n,
          kind: Inbox.Term,
          account: second.account.address,
          data: coder.encode(["uint64", "address"], [2n, second.account.address]),
        },
      ]);
    });

    it("of everybody leaves nobody to lead, until somebody joins", async () => {
      const self = await made(1);
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      await self.hub.connect(first.account).requestExit(self.channel);
      expect((await self.hub.channelOf(self.channel)).leader).to.equal(ZeroAddress);
      await settle(self, [first]);
      await join(self, second);
      const { term, leader } = await self.hub.channelOf(self.channel);
      expect([term, leader]).to.deep.equal([2n, second.account.address]);
      expect((await entriesFrom(self, 3n)).map(({ kind }) => kind)).to.deep.equal([Inbox.Join, Inbox.Term]);
    });
  });

  describe("a close", () => {
    it("ends the channel with the settlement that took it, and lets everybody go", async () => {
      const self = await made(2, { stakeWei: STAKE });
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      await expect(self.hub.close(self.channel)).to.be.revertedWithCustomError(...isError(self, "ChannelHub_NotApp"));
      await asApp(self, 0n, "close", [self.channel]);
      expect((await entriesFrom(self, 3n))[0]).to.deep.include({
        kind: Inbox.Close,
        account: await self.app.getAddress(),
      });
      for (const again of [() => asApp(self, 0n, "close", [self.channel]), () => join(self, peerAt(self, 2))]) {
        await expect(again()).to.be.revertedWithCustomError(self.hub, "ChannelHub_Closed").withArgs(self.channel);
      }
      await self.hub.connect(first.account).requestExit(self.channel);
      await settle(self, [first, second], { inboxCursor: 2n });
      expect((await self.hub.channelOf(self.channel)).closed).to.equal(false);
      await expect(settle(self, [first, second], { inboxCursor: 3n }))
        .to.emit(self.hub, "ChannelClosed")
        .withArgs(self.channel);
      const view = await self.hub.channelOf(self.channel);
      expect([view.closing, view.closed, view.memberCount, view.leader]).to.deep.equal([true, true, 0n, ZeroAddress]);
      for (const { account } of [first, second]) {
        expect(await self.hub.creditOf(self.channel, account)).to.equal(STAKE);
        await expect(self.hub.connect(account).requestExit(self.channel)).to.be.revertedWithCustomError(
          ...isError(self, "ChannelHub_Closed"),
        );
      }
      await expect(settle(self, [first, second])).to.be.revertedWithCustomError(...isError(self, "ChannelHub_Closed"));
    });

    it("is at once where nobody is", async () => {
      const self = await made(0);
      await expect(asApp(self, 0n, "close", [self.channel])).to.emit(self.hub, "ChannelClosed");
      expect((await self.hub.channelOf(self.channel)).closed).to.equal(true);
    });
  });

  describe("a heartbeat", () => {
    it("is the member's or its signer's, and says how far others are", async () => {
      const self = await made(2, { aliveSeconds: 15n });
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      await networkHelpers.time.increase(16n);
      expect((await self.hub.memberOf(self.channel, first.account)).absent).to.equal(true);
      const delays = [{ peer: second.account.address, delayMs: 12n }];
      const signer = first.key.connect(ethers.provider);
      await networkHelpers.setBalance(signer.address, STAKE);
      await expect(self.hub.connect(signer).keepAlive(self.channel, delays))
        .to.emit(self.hub, "KeptAlive")
        .withArgs(self.channel, first.account.address, [[second.account.address, 12n]]);
      expect((await self.hub.memberOf(self.channel, first.account)).absent).to.equal(false);
      expect((await self.hub.memberOf(self.channel, second.account)).absent).to.equal(true);
      await expect(self.hub.keepAlive(self.channel, []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, self.owner.address);
      const many = Array.from({ length: 65 }, () => delays[0] ?? { peer: ZeroAddress, delayMs: 0n });
      await expect(self.hub.connect(first.account).keepAlive(self.channel, many))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_TooMany")
        .withArgs(64n);
    });
  });

  describe("a forced call", () => {
    it("is put into the inbox as it is, unless it is too long or the channel ends", async () => {
      const self = await made(1);
      const call = {
        channel: self.channel,
        sender: self.stranger.address,
        nonce: 3n,
        gasLimit: 100_000n,
        validUntilMs: 5n,
        data: "0x1234",
      };
      await self.hub.forceCall(call, "0xabcd");
      const type = "tuple(uint256 channel,address sender,uint64 nonce,uint64 gasLimit,uint64 validUntilMs,bytes data)";
      expect(await entriesFrom(self, 2n)).to.deep.equal([
        {
          index: 2n,
          kind: Inbox.ForcedCall,
          account: self.stranger.address,
          data: coder.encode([type, "bytes"], [call, "0xabcd"]),
        },
      ]);
      for (const [data, signature] of [
        [new Uint8Array(8_193), "0x"],
        ["0x", new Uint8Array(4_097)],
      ] as const) {
        await expect(self.hub.forceCall({ ...call, data }, signature))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadCall")
          .withArgs(self.channel);
      }
      await asApp(self, 0n, "close", [self.channel]);
      await expect(self.hub.forceCall(call, "0x")).to.be.revertedWithCustomError(...isError(self, "ChannelHub_Closed"));
    });
  });
});
