import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { followChain } from "../../../src/channel/chain-view.ts";
import { createChannelNode, type ChannelNode } from "../../../src/channel/channel-node.ts";
import { openGenesis } from "../../../src/channel/open-state.ts";
import { exitsSlotOf, ownedSlotOf } from "../../../src/channel/sandbox/protocol-slots.ts";
import { LAND_DIRECTIONS } from "../../../src/client/landcraft/land-sight.ts";
import { fieldsOfWords, LAND_KINDS, parseLand } from "../../../src/domain/landcraft/land-map.ts";
import { equalBytes, fromHex, toHex } from "../../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { callDigest } from "../../../src/wire/channel/call.ts";
import { decodeInboxEntry, INBOX_KINDS } from "../../../src/wire/channel/inbox-entry.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";
import { testKey } from "../channel-scene.ts";
import {
  countKinds,
  itemKey,
  landAssets,
  landState,
  LAND_TOKENS,
  seenOf,
  TICK_MS,
  type SeenLand,
} from "../land-channel.ts";
import { compiledProgram, type TestProgram } from "../program-sandbox.ts";
import { seededRandom, type SeededRandom } from "../seeded-random.ts";
import { createTrace } from "../simulation/trace.ts";
import { createSimulatedChain, type SimulatedChain } from "./chain.ts";
import { createSimulatedDisk } from "./disk.ts";
import { createSimulatedNetwork } from "./network.ts";
import { createLife, createSimulatedTime, type SimulatedTime } from "./time.ts";

const START_MS = 1_800_000_000_000;
const LIMIT_MS = 900_000;
const PLAYERS = 4;
const KIT = [4, 4, 0, 0, 0];
const BLOCK_MS = 1_000;
const LOOK_MS = 100;
const SETTLE_EVERY_MS = 10_000;
const CONFIRMATIONS = 2;
const MAX_CATCH_UP_TICKS = 50;
/** Longer than the others wait for a leader. */
const LEADER_AWAY_MS = 25_000;
const GAS = 2_000_000n;
const ANSWER_TIMEOUT_MS = 5_000;
const RATES = { delayMs: 25, slow: 10, broken: 1, lost: 0, doubled: 0, overtaken: 0 };
const NOBODY = `0x${"0".repeat(40)}`;

/** What happens at which tick. */
export interface LandPlan {
  readonly leaderDies: number;
  readonly banned: number;
  readonly goesHome: number;
  readonly closes: number;
}

/** What came of a play. */
export interface LandOutcome {
  /** Equal in all runs of one seed. */
  readonly traceHash: string;
  readonly breaches: readonly string[];
  readonly ticks: number;
  readonly terms: number;
  readonly virtualMs: number;
  /** What was in the land at the beginning, and at the end; by kind. */
  readonly stock: readonly number[];
  readonly stockAtEnd: readonly number[];
  /** Who owned what when it left, was banned, or the channel closed, as a replay of all that was committed has it. */
  readonly owned: ReadonlyMap<string, readonly number[]>;
  /** What the settled state lets each claim. */
  readonly due: ReadonlyMap<string, readonly number[]>;
  readonly dueToLand: readonly number[];
}

interface Committed {
  readonly hash: string;
  readonly term: number;
  readonly kind: number;
  readonly input: Uint8Array;
  readonly timeMs: number;
}

interface Player {
  readonly account: string;
  readonly signer: string;
  readonly key: Uint8Array;
  node: ChannelNode | undefined;
  start(): void;
  kill(): void;
  readonly cut: Promise<never>;
}

/** Plays a land on a virtual clock with four members: their leader dies and comes back, one goes, one is banned, and it closes. */
export async function playLand(seed: number, text: string, plan: LandPlan, mode: number): Promise<LandOutcome> {
  const random = seededRandom(seed);
  const time = createSimulatedTime({ startMs: START_MS, limitMs: LIMIT_MS, random });
  const trace = createTrace(() => time.now());
  const program = await compiledProgram("LandCraftProgram");
  const fields = parseLand(text);
  const stock = countKinds(fieldsOfWords(fields));
  const accounts = Array.from({ length: PLAYERS }, (_, index) => addressOfKey(publicKeyOf(accountKey(index))));
  const [lord = "", , leaver = "", outcast = ""] = accounts;
  const chain = createSimulatedChain({
    time,
    random,
    trace,
    code: program.code,
    initialState: landState({ fields, lord }),
    config: { tickMs: TICK_MS, maxCatchUpTicks: MAX_CATCH_UP_TICKS, mode },
    blockMs: BLOCK_MS,
    reorged: 3,
    unanswered: 0,
  });
  const network = createSimulatedNetwork({ time, random, rates: RATES });
  const committed = new Map<number, Committed>();
  const breaches: string[] = [];
  let ticks = 0;

  function see(node: ChannelNode, from: number, to: number): void {
    for (let height = from; height <= to; height += 1) {
      const record = node.record(height);
      if (record === undefined) continue;
      const { term, kind, timeMs } = record.header;
      const known = committed.get(height);
      const hash = toHex(record.hash);
      if (known !== undefined && known.hash !== hash) breaches.push(`C1: height ${height} is committed twice`);
      if (known !== undefined) continue;
      committed.set(height, { hash, term, kind, input: record.body.input, timeMs });
      if (kind === RECORD_KINDS.tick) ticks += 1;
      trace.event("node", `${height} ${hash.slice(0, 8)}`);
    }
  }

  function playerOf(index: number): Player {
    const signerKey = testKey(index + 1);
    const signer = addressOfKey(publicKeyOf(signerKey));
    const account = accounts[index] ?? "";
    const disk = createSimulatedDisk({ time, random, syncMs: 4 });
    let life: ReturnType<typeof createLife> | undefined;
    const player: Player = {
      account,
      signer,
      key: accountKey(index),
      node: undefined,
      get cut() {
        return life?.cut ?? new Promise<never>(() => undefined);
      },
      start() {
        const own = createLife(() => {
          player.node = undefined;
          disk.crash();
        });
        life = own;
        const components = {
          hub: chain.as(account, own),
          network: network.join(signer, own),
          log: disk.open(own),
          clock: time.clockOf(own, 0),
          logger: createMemoryLogger(),
        };
        const init = { channel: 1n, signerKey, confirmations: CONFIRMATIONS, settleEveryMs: SETTLE_EVERY_MS };
        const node = createChannelNode(components, init);
        let upTo = 0;
        node.watch((news) => {
          if (!own.isAlive || news.kind !== "committed") return;
          see(node, upTo + 1, news.height);
          upTo = news.height;
        });
        node.start().then(
          () => {
            if (own.isAlive) player.node = node;
          },
          (error: unknown) => {
            if (own.isAlive) breaches.push(`a node cannot start: ${String(error)}`);
          },
        );
      },
      kill: () => life?.kill("by the plan"),
    };
    return player;
  }

  const players = accounts.map((_, index) => playerOf(index));
  const isOver = { value: false };
  const work = async (): Promise<void> => {
    chain.begin();
    for (const [index, { account, signer }] of players.entries()) {
      const items = KIT.map((amount, kind) => amount + (index === 0 ? (stock[kind] ?? 0) : 0));
      await chain.send("join", (hub) => hub.join(account, signer, landAssets(BigInt(index + 1), items)));
    }
    for (const player of players) player.start();
    const all = players.map(async (player) => await order({ time, random, chain, program, isOver }, player));
    const after = async (tick: number): Promise<void> => {
      while (ticks < tick && breaches.length === 0) await time.sleep(LOOK_MS);
    };
    const [first, , third] = players as [Player, Player, Player, Player];
    await after(plan.leaderDies);
    first.kill();
    time.after(LEADER_AWAY_MS, () => first.start());
    await after(plan.banned);
    await chain.send("ban", (hub) => hub.ban(outcast));
    await after(plan.goesHome);
    while (chain.hub.office.members.includes(leaver) && breaches.length === 0) {
      await submit({ chain, program, time }, third, "goHome", []);
      await time.sleep(BLOCK_MS);
    }
    await after(plan.closes);
    await chain.send("close", (hub) => hub.close());
    while (!isSettledClosed(chain, committed) && breaches.length === 0) await time.sleep(LOOK_MS);
    isOver.value = true;
    await Promise.all(all);
    chain.stop();
    for (const player of players) player.kill();
  };
  try {
    await time.run(work());
  } catch (error) {
    breaches.push(`it ended early: ${error instanceof Error ? error.stack : String(error)}`);
  }
  const replayed = await replay({ chain, committed, program, breaches });
  const due = new Map(accounts.map((account) => [account, dueTo(chain, replayed.slot, account)]));
  return {
    traceHash: trace.hash(),
    breaches,
    ticks,
    terms: Math.max(...[...committed.values()].map(({ term }) => term)),
    virtualMs: time.now() - START_MS,
    stock,
    stockAtEnd: replayed.last.stock,
    owned: replayed.owned,
    due,
    dueToLand: dueTo(chain, replayed.slot, LAND_TOKENS.land),
  };
}

function accountKey(index: number): Uint8Array {
  return testKey(101 + index);
}

interface Desk {
  readonly chain: SimulatedChain;
  readonly program: TestProgram;
  readonly time: SimulatedTime;
}

/** One call through the player's own node; whatever becomes of it. */
async function submit({ chain, program, time }: Desk, player: Player, name: string, args: readonly unknown[]) {
  const { node, account, key } = player;
  if (node === undefined) return;
  const call = {
    channel: 1n,
    sender: account,
    nonce: node.nonceOf(account),
    gasLimit: GAS,
    validUntilMs: BigInt(time.now() + ANSWER_TIMEOUT_MS),
    data: fromHex(program.abi.encodeFunctionData(name, args)),
  };
  const sent = node.submit({ call, signature: signDigest(callDigest(chain.hub.domain, call), key) });
  await Promise.race([sent, player.cut, time.sleep(ANSWER_TIMEOUT_MS)]).catch(() => undefined);
}

/** Has a player's hero do this and that until it is over. */
async function order(
  { random, isOver, ...desk }: Desk & { readonly random: SeededRandom; readonly isOver: { readonly value: boolean } },
  player: Player,
): Promise<void> {
  while (!isOver.value) {
    await desk.time.sleep(200 + random.below(600));
    const direction = LAND_DIRECTIONS.indexOf(random.pick(LAND_DIRECTIONS));
    const dice = random.below(10);
    if (dice < 4) await submit(desk, player, "walk", [direction, 1 + random.below(5)]);
    else if (dice < 8) await submit(desk, player, "dig", [direction]);
    else await submit(desk, player, "put", [direction, 1 + random.below(LAND_KINDS.length)]);
  }
}

/** True once a settlement contains the channel's end. */
function isSettledClosed({ hub }: SimulatedChain, committed: ReadonlyMap<number, Committed>): boolean {
  const entry = hub.entries.find(({ kind }) => kind === INBOX_KINDS.close);
  return entry !== undefined && hub.settled.inboxCursor >= entry.index && committed.has(hub.settled.height);
}

/** Plays all that was committed once more, up to what is settled. */
async function replay({
  chain: { hub },
  committed,
  program,
  breaches,
}: {
  readonly chain: SimulatedChain;
  readonly committed: ReadonlyMap<number, Committed>;
  readonly program: TestProgram;
  readonly breaches: string[];
}) {
  const stop = new AbortController();
  const view = hub.as("");
  const info = await view.channel(1n);
  if (info === undefined) throw new Error("no channel");
  const { view: chainView } = await followChain(
    {
      hub: view,
      channel: 1n,
      fromBlock: 0,
      confirmations: 0,
      logger: createMemoryLogger(),
      onNews: () => undefined,
    },
    stop.signal,
  );
  const { player } = await openGenesis({ info, domain: hub.domain, hub: view, chain: chainView }, stop.signal);
  stop.abort();
  const look = async (): Promise<SeenLand> => {
    const { height, timeMs } = player.head.header;
    const data = fromHex(program.abi.encodeFunctionData("look"));
    const context = { height, timeMs, randomness: player.head.hash };
    const { returnData } = await player.sandbox.read({ sender: NOBODY, data, context });
    return seenOf(program.abi.decodeFunctionResult("look", returnData)[0]);
  };
  const owned = new Map<string, readonly number[]>();
  const keep = ({ heroes }: SeenLand, account?: string): void => {
    for (const { owner, items } of heroes) {
      if (account === undefined || owner.toLowerCase() === account) owned.set(owner.toLowerCase(), items);
    }
  };
  for (let height = 1; height <= hub.settled.height; height += 1) {
    const record = committed.get(height);
    if (record === undefined) {
      breaches.push(`C6: nobody called ${height} committed, which is settled`);
      break;
    }
    const { term, kind, input, timeMs, hash } = record;
    const entry = kind === RECORD_KINDS.inbox ? decodeInboxEntry(input) : undefined;
    const gone = entry?.kind === INBOX_KINDS.leave || entry?.kind === INBOX_KINDS.ban ? entry.account : undefined;
    if (gone !== undefined) keep(await look(), gone);
    if (toHex((await player.play(kind, input, { term, timeMs })).hash) !== hash)
      breaches.push(`C2: height ${height} comes to another record when it is played again`);
  }
  if (!equalBytes(player.sandbox.root, hub.settled.stateRoot)) breaches.push("C2: another root is settled");
  const last = await look();
  // Records that follow the channel's end count as far as they are settled.
  keep(last);
  return { owned, last, slot: (slot: Uint8Array) => player.sandbox.slot(slot) };
}

/** What an account can claim of each kind once the channel is closed: by the store, or where there is none by the settled root's state. */
function dueTo({ hub }: SimulatedChain, replayed: (slot: Uint8Array) => Uint8Array, account: string): number[] {
  return LAND_KINDS.map((_, index) => {
    const key = fromHex(itemKey(LAND_TOKENS.items, index + 1));
    const valueOf = (slot: Uint8Array): number => {
      const value = hub.slots.size > 0 ? hub.slots.get(toHex(slot)) : replayed(slot);
      return value === undefined ? 0 : Number(`0x${toHex(value)}`);
    };
    return valueOf(exitsSlotOf(account, key)) + valueOf(ownedSlotOf(account, key));
  });
}
