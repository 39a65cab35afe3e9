import { expect } from "chai";
import { Wallet, hexlify } from "ethers";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger, type LogLine } from "../../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../../src/adapters/messenger/memory.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { commitmentOf } from "../../../src/domain/verdict/commitment.ts";
import type { Chain, SeatReveal } from "../../../src/ports/chain.ts";
import type { Messenger } from "../../../src/ports/messenger.ts";
import { createTesterExchange, type Attendance, type TesterExchange } from "../../../src/tester/exchange.ts";
import { equalBytes, fromHex } from "../../../src/utils/bytes.ts";
import { encodeCanonical, recordCidOf } from "../../../src/wire/canonical.ts";
import { messageKeysOf, type MessageKeys } from "../../helpers/message-keys.ts";
import { until } from "../../helpers/until.ts";

const AGREEMENT = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const CHAIN_ID = 31_337n;
const signal = new AbortController().signal;

interface Peer {
  readonly account: string;
  readonly wallet: ReturnType<typeof Wallet.createRandom>;
  readonly keys: MessageKeys;
  readonly messenger: Messenger;
  readonly exchange: TesterExchange;
  readonly attendance: Attendance;
  readonly lines: LogLine[];
  /** Evidence that it has. */
  readonly evidence: Map<string, Uint8Array>;
}

describe("tester/exchange", () => {
  let peers: Peer[];
  let outsiders: string[];

  beforeEach(async () => {
    const hub = createMemoryMessengerHub();
    outsiders = [];
    const wallets = [1, 2, 3].map(() => Wallet.createRandom());
    const keys = wallets.map((_, n) => messageKeysOf(`tester ${n}`));
    const twins = wallets.map(({ address }, n) => ({
      id: n + 1,
      account: address,
      messageKey: keys[n]!.publicKey,
      ledgerKey: new Uint8Array(32),
    }));
    const chain = {
      chainId: CHAIN_ID,
      twinOf: async (account) => await Promise.resolve(twins.find((twin) => twin.account === account)),
      twinOfKey: async (key) => await Promise.resolve(twins.find((twin) => equalBytes(twin.messageKey, key))),
      testerOf: async (account) => await Promise.resolve(outsiders.includes(account) ? undefined : 1),
    } satisfies Partial<Chain> as unknown as Chain;
    peers = [];
    for (const [n, wallet] of wallets.entries()) {
      const lines: LogLine[] = [];
      const logger = createMemoryLogger(lines);
      const evidence = new Map<string, Uint8Array>();
      const messenger = createMemoryMessenger({ hub, messageKey: keys[n]!.privateKey, logger });
      await messenger.start();
      const exchange = createTesterExchange(
        { messenger, messageKeys: keys[n]!, chain, clock: systemClock, random: systemRandom, logger },
        { evidenceOf: async ({ evidenceCid }) => await Promise.resolve(evidence.get(evidenceCid)) },
      );
      const testers = wallets.map(({ address }) => address);
      const epoch = { agreement: AGREEMENT, epoch: 4, testers, workerCount: 2 };
      const attendance = await exchange.attend(epoch, () => undefined);
      peers.push({ account: wallet.address, wallet, keys: keys[n]!, messenger, exchange, attendance, lines, evidence });
    }
  });
  afterEach(async () => {
    for (const { attendance, messenger } of peers) {
      await attendance.leave();
      await messenger.stop();
    }
  });

  const signedBy = async (peer: Peer, commitment: Uint8Array): Promise<Uint8Array> => {
    const domain = { name: "SPRF WorkAgreement", version: "1", chainId: CHAIN_ID, verifyingContract: AGREEMENT };
    const types = {
      Commit: [
        { name: "epoch", type: "uint256" },
        { name: "commitment", type: "bytes32" },
      ],
    };
    return fromHex(await peer.wallet.signTypedData(domain, types, { epoch: 4, commitment: hexlify(commitment) }));
  };
  const refusals = (peer: Peer): number => peer.lines.filter(({ message }) => message.includes("was refused")).length;
  const reportOf = (seat: number): SeatReveal => ({
    seat,
    tester: peers[seat]!.account,
    verdicts: ["ok", "wrong"],
    evidenceCid: "bafy",
    salt: new Uint8Array(32).fill(seat),
  });

  it("should take a commitment that its seat signed, and no other", async () => {
    const [leader, honest, liar] = peers as [Peer, Peer, Peer];
    const commitment = new Uint8Array(32).fill(1);
    // For another's seat, and for its own with another's signature.
    await liar.attendance.sendCommit(
      0,
      { seat: 1, commitment, signature: await signedBy(liar, commitment) },
      { signal },
    );
    await liar.attendance.sendCommit(
      0,
      { seat: 2, commitment, signature: await signedBy(honest, commitment) },
      { signal },
    );
    await until(() => refusals(leader) === 2, { what: "two refusals" });
    expect(leader.attendance.commits().size).to.equal(0);
    const signature = await signedBy(honest, commitment);
    await honest.attendance.sendCommit(0, { seat: 1, commitment, signature }, { signal });
    await until(() => leader.attendance.commits().size === 1, { what: "the commitment" });
    expect(leader.attendance.commits().get(1)).to.deep.equal({ seat: 1, commitment, signature });
  });

  it("should take the reports that match the commitments on the chain, once it is known which those are", async () => {
    const [leader, honest, liar] = peers as [Peer, Peer, Peer];
    const committed = new Map(
      [1, 2].map((seat) => [seat, commitmentOf({ agreement: AGREEMENT, epoch: 4, ...reportOf(seat) })]),
    );
    await honest.attendance.sendReport(0, reportOf(1), { signal });
    await liar.attendance.sendReport(0, { ...reportOf(2), verdicts: ["ok", "ok"] }, { signal });
    expect(leader.attendance.reports().size).to.equal(0);
    leader.attendance.expectReports(committed);
    await until(() => leader.attendance.reports().size === 1, { what: "the report that came early" });
    expect(leader.attendance.reports().get(1)).to.deep.equal(reportOf(1));
    await until(() => refusals(leader) === 1, { what: "the refusal of the lie that came early" });
    await liar.attendance.sendReport(0, { ...reportOf(2), salt: new Uint8Array(32).fill(9) }, { signal });
    await until(() => refusals(leader) === 2, { what: "another refusal" });
    await honest.attendance.sendReport(0, reportOf(2), { signal });
    await until(() => leader.attendance.reports().size === 2, { what: "both reports" });
    expect(leader.attendance.reports().get(2)).to.deep.equal(reportOf(2));
  });

  it("should show evidence to testers who know its CID, and believe nobody else's", async () => {
    const [asker, holder, liar] = peers as [Peer, Peer, Peer];
    const block = encodeCanonical({ some: "evidence" });
    const evidenceCid = recordCidOf(block);
    holder.evidence.set(evidenceCid, block);
    const wanted = { agreement: AGREEMENT, epoch: 4, tester: holder.account, evidenceCid };
    expect(await asker.exchange.evidence(wanted, { signal })).to.deep.equal(block);

    // The one who is asked answers with something else.
    liar.evidence.set(evidenceCid, encodeCanonical({ other: "evidence" }));
    const fromLiar = asker.exchange.evidence({ ...wanted, tester: liar.account }, { signal: AbortSignal.timeout(400) });
    expect(await fromLiar.catch((error: unknown) => (error as { code: string }).code)).to.equal("TIMEOUT");
  });

  it("should not show evidence to who is no tester", async () => {
    const [asker, holder] = peers as [Peer, Peer, Peer];
    outsiders.push(asker.account);
    const block = encodeCanonical({ some: "evidence" });
    holder.evidence.set(recordCidOf(block), block);
    const wanted = { agreement: AGREEMENT, epoch: 4, tester: holder.account, evidenceCid: recordCidOf(block) };
    const answer = asker.exchange.evidence(wanted, { signal: AbortSignal.timeout(400) });
    expect(await answer.catch((error: unknown) => (error as { code: string }).code)).to.equal("TIMEOUT");
  });
});
