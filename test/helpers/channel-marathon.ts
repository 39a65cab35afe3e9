import { expect } from "chai";
import { AbiCoder, ZeroAddress, getBytes, keccak256 } from "ethers";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { readFileRecordLog } from "../../src/adapters/record-log/read-file.ts";
import { verifyChannel } from "../../src/channel/verify.ts";
import { messageOf } from "../../src/errors.ts";
import { fromHex, toHex } from "../../src/utils/bytes.ts";
import type { ChannelChain } from "./channel-chain.ts";
import {
  ASK_EVERY_MS,
  startChannelFleet,
  type ChannelFleet,
  type CounterClient,
  type FleetMember,
} from "./channel-fleet.ts";
import { COUNTER } from "./channel-team.ts";
import { recordHashesOf } from "./record-hashes.ts";
import { until } from "./until.ts";

const STAKE_WEI = 10n ** 17n;
const ASSET_WEI = 5n * 10n ** 17n;
const ETHER_KEY = getBytes(keccak256(AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [ZeroAddress, 0n])));
/** Calls of one client on their way at a time. */
const WINDOW = 16;
const PATIENT_MS = 180_000;

/** What a client was told is committed. */
interface Kept {
  readonly height: number;
  readonly hash: string;
}

/**
 * Plays the whole life of a channel whose members are processes: calls through all of them, a late joiner, a follower and the leader
 * killed and back, a settlement in the middle and one at the end, a leave, the close and everybody's money.
 */
export async function runChannelMarathon(
  chain: ChannelChain,
  { members: count, calls }: { readonly members: number; readonly calls: number },
): Promise<void> {
  const fleet = await startChannelFleet(chain, {
    members: count - 1,
    most: count,
    config: { stakeWei: STAKE_WEI, maxMembers: count },
    assets: [{ kind: 0, token: ZeroAddress, id: 0n, amount: ASSET_WEI }],
  });
  try {
    const genesisHash = await fleet.members[0]!.process.hash(0);
    expect(genesisHash).to.not.equal(undefined);
    const { kept, settledInTheMiddle } = await playCalls(fleet, calls);
    await replaySettled(fleet, { kept, calls, settledInTheMiddle, genesisHash: genesisHash! });
    await endAndPay(chain, fleet);
  } catch (error) {
    const where = await Promise.allSettled(fleet.members.map(async ({ process }) => await process.place()));
    throw new Error(`${messageOf(error)}; the members: ${JSON.stringify(where)}`, { cause: error });
  } finally {
    await fleet.close();
  }
}

async function playCalls(
  fleet: ChannelFleet,
  calls: number,
): Promise<{ readonly kept: readonly Kept[]; readonly settledInTheMiddle: number }> {
  const committed: Kept[] = [];
  let taken = 0;
  let allowed = 0;
  let more = Promise.withResolvers<void>();
  const clients: Promise<void>[] = [];
  const run = async (client: CounterClient): Promise<void> => {
    while (taken < calls) {
      const size = Math.min(WINDOW, allowed - taken);
      if (size === 0) {
        await more.promise;
        continue;
      }
      taken += size;
      const results = await Promise.all(Array.from({ length: size }, async () => await client.call("increment", [])));
      const kept = await Promise.all(results.map(async (result) => await result.committed()));
      for (const { receipt } of kept) committed.push({ height: receipt.height, hash: toHex(receipt.recordHash) });
    }
  };
  const add = async (user: number, through: FleetMember): Promise<void> => {
    const running = run(await fleet.client(user, through));
    running.catch(() => undefined);
    clients.push(running);
  };
  /**
   * Something happens in the middle of calls up to a share of all, and the next calls wait for its end: with fast calls and slow
   * processes, all calls would be over before the first thing has happened.
   */
  const during = async <T>(share: number, what: string, act: () => Promise<T>): Promise<T> => {
    allowed = Math.floor(calls * share);
    more.resolve();
    more = Promise.withResolvers();
    const result = await act();
    const isDone = async (): Promise<void> =>
      await until(() => committed.length >= allowed, { timeoutMs: PATIENT_MS, what: `the calls while ${what}` });
    await Promise.race([isDone(), Promise.all(clients).then(isDone)]);
    return result;
  };

  await fleet.same();
  for (const [index, member] of fleet.members.entries()) await add(index, member);
  await during(0.25, "another member joins", async () => await add(fleet.members.length, await fleet.join()));
  const leader = await fleet.leader();
  const follower = fleet.members.find((member) => member !== leader)!;
  const again = async ({ process }: FleetMember): Promise<void> => {
    await process.kill();
    await process.start();
  };
  const settledInTheMiddle = await during(0.5, "a part is settled", async () => await leader.process.settle());
  await during(0.75, "a follower is killed", async () => await again(follower));
  await during(1, "the leader is killed", async () => await again(leader));
  await Promise.all(clients);
  return { kept: committed, settledInTheMiddle };
}

async function replaySettled(
  fleet: ChannelFleet,
  init: {
    readonly kept: readonly Kept[];
    readonly calls: number;
    readonly settledInTheMiddle: number;
    readonly genesisHash: string;
  },
): Promise<void> {
  const { kept, calls, settledInTheMiddle, genesisHash } = init;
  expect(kept).to.have.length(calls);
  expect(new Set(kept.map(({ height }) => height)).size).to.equal(calls);
  const { info } = fleet;
  const place = await fleet.same();
  const height = await (await fleet.leader()).process.settle();
  expect(height).to.be.at.least(place.height);
  await until(
    async () =>
      (await Promise.all(fleet.members.map(async ({ process }) => await process.place()))).every(
        ({ final }) => final === height,
      ),
    { timeoutMs: PATIENT_MS, everyMs: ASK_EVERY_MS, what: "all know what is final" },
  );
  const { hub } = fleet.members[0]!.peer;
  const head = await hub.head(info.channel);
  for (const { directory } of fleet.members) {
    const history = readFileRecordLog(directory);
    const hashes = await recordHashesOf(history, { channel: info.channel, genesisHash });
    const lost = kept.filter((record) => hashes[record.height] !== record.hash);
    expect(lost, "committed records that a member's log has not").to.deep.equal([]);
    const verified = await verifyChannel(
      { hub, clock: systemClock, logger: createMemoryLogger() },
      { channel: info.channel, history },
    );
    expect(verified.fromHeight).to.equal(0);
    expect(verified.settledHeights).to.deep.equal([settledInTheMiddle, height]);
    expect(toHex(verified.stateRoot)).to.equal(toHex(head.stateRoot));
  }
  const view = await hub.readStore(info, fromHex(COUNTER.encodeFunctionData("count")));
  expect(COUNTER.decodeFunctionResult("count", view)[0]).to.equal(BigInt(calls));
}

/** One leaves with what is its own, then the channel ends: what came in has gone out, and nobody got more than it brought. */
async function endAndPay(chain: ChannelChain, fleet: ChannelFleet): Promise<void> {
  const { info, members } = fleet;
  const { channel } = info;
  const leaving = members.at(-1)!;
  const { hub } = leaving.peer;
  await hub.requestExit(channel);
  await until(async () => (await hub.member(channel, leaving.peer.account))?.isGone === true, {
    timeoutMs: PATIENT_MS,
    what: "the leave is settled",
  });
  await chain.closeChannel(channel);
  await until(async () => (await hub.channel(channel))?.isClosed === true, {
    timeoutMs: PATIENT_MS,
    what: "the close is settled",
  });
  for (const { peer } of members) {
    expect(await peer.hub.claim(channel, peer.account, ETHER_KEY)).to.equal(ASSET_WEI);
    expect(await peer.hub.withdrawStake(channel)).to.equal(STAKE_WEI);
  }
  expect(BigInt((await chain.rpc("eth_getBalance", info.vault, "latest")) as string)).to.equal(0n);
}
