import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { followChain } from "../../../src/channel/chain-view.ts";
import { openGenesis } from "../../../src/channel/open-state.ts";
import { equalBytes, fromHex, toHex } from "../../../src/utils/bytes.ts";
import { decodeCallInput } from "../../../src/wire/channel/call.ts";
import { INBOX_KINDS } from "../../../src/wire/channel/inbox-entry.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";
import type { MemoryHub } from "../memory-channel-hub.ts";
import { leaveAlone } from "./alone.ts";
import { namesOf, type World } from "./member.ts";
import { BROUGHT, purseOf } from "./purse.ts";

/** Where a call's data name their user: see user.ts. */
const USER_AT = -2;
/** Marks accusations that the simulation itself has brought. */
export const OUSTED = new Uint8Array(32).fill(0xee);

type SettledEvent = Extract<MemoryHub["blocks"][number][number], { readonly kind: "settled" }>;

/** All settlements that the chain has. */
export function settledIn(hub: MemoryHub): readonly SettledEvent[] {
  return hub.blocks.flat().filter((event) => event.kind === "settled");
}

/** Plays all that was committed once more, and holds it against what the chain and the clients were told. */
export async function examine({ chain, watch, plan, trace, alone }: World, code: Uint8Array): Promise<void> {
  const { hub } = chain;
  const stop = new AbortController();
  const view = hub.as("");
  const info = await view.channel(1n);
  if (info === undefined) throw new Error("no channel");
  const logger = createMemoryLogger();
  const follow = {
    hub: view,
    channel: 1n,
    fromBlock: 0,
    confirmations: 0,
    logger,
    onNews: () => undefined,
  };
  const { view: chainView } = await followChain(follow, stop.signal);
  const from = {
    info,
    domain: hub.domain,
    hub: { ...view, programCode: async () => await Promise.resolve(code) },
    chain: chainView,
  };
  const { player } = await openGenesis(from, stop.signal);
  const shown = alone === undefined ? undefined : await leaveAlone(alone, from, stop.signal);
  if (typeof shown === "string") watch.breach(`C5: ${alone?.name} cannot leave alone: ${shown}`);
  stop.abort();
  const settled = new Map(settledIn(hub).map((event) => [event.height, event]));
  const heightsOf = new Map<string, number>();
  for (let height = 1; ; height += 1) {
    const record = watch.committed.get(height);
    if (record === undefined) {
      const above = [...watch.committed.keys()].filter((each) => each > height);
      if (above.length > 0) watch.breach(`C6: nobody called ${height} committed, but ${above.length} above it`);
      break;
    }
    const { term, kind, input, timeMs } = record;
    const played = await player.play(kind, input, { term, timeMs });
    if (toHex(played.hash) !== record.hash)
      return watch.breach(`C2: height ${height} comes to another record when it is played again`);
    if (typeof shown === "object" && alone !== undefined && shown.hash === record.hash) {
      const purse = purseOf(alone.account, (slot) => player.sandbox.slot(slot));
      if (purse !== shown.purse) watch.breach(`C5: ${alone.name} leaves with ${shown.purse} of ${purse}`);
    }
    const final = settled.get(height);
    if (final !== undefined) {
      settled.delete(height);
      if (!equalBytes(final.head, played.hash)) watch.breach(`C2: another record is settled at ${height}`);
      if (!equalBytes(final.stateRoot, played.header.stateRoot))
        watch.breach(`C2: another root is settled at ${height}`);
      if (height === hub.settled.height && plan.mode === 0) {
        for (const [slot, value] of hub.slots) {
          if (!equalBytes(player.sandbox.slot(fromHex(slot)), value))
            watch.breach(`C2: slot ${slot} is settled as another value`);
        }
      }
    }
    if (kind !== RECORD_KINDS.call) continue;
    const data = toHex(decodeCallInput(input).call.data);
    // An empty call takes the number of one that was given up.
    if (data === toHex(new Uint8Array())) continue;
    if (heightsOf.has(data)) watch.breach(`a call was run at ${heightsOf.get(data)} and at ${height}`);
    heightsOf.set(data, height);
  }
  const { entries } = hub;
  const joins = entries.slice(0, player.head.header.inboxCursor).filter(({ kind }) => kind === INBOX_KINDS.join);
  const owners = new Set([...joins.map(({ account }) => account), ...namesUpTo(plan.members)]);
  const owned = [...owners].reduce((sum, each) => sum + purseOf(each, (slot) => player.sandbox.slot(slot)), 0n);
  const brought = BROUGHT.amount * BigInt(joins.length);
  if (owned !== brought) watch.breach(`C4: ${brought} was brought in, and ${owned} is owned`);
  for (const height of settled.keys()) watch.breach(`C2: ${height} is settled, and nobody has called it committed`);
  for (const { user, data, height, hash } of watch.told) {
    if (watch.committed.get(height)?.hash !== hash)
      watch.breach(`user ${user} was told of another record at ${height}`);
    if (heightsOf.get(data) !== height) watch.breach(`user ${user} was told of a call at ${height} that is not there`);
  }
  const sure = Array.from({ length: plan.users }, (_, user) => user).filter((user) => !watch.unsure.has(user));
  const madeBySure = [...heightsOf.keys()].filter((data) => sure.includes(fromHex(data).at(USER_AT) ?? -1));
  if (watch.breaches.length === 0 && madeBySure.length !== sure.length * plan.callsEach) {
    watch.breach(`${sure.length * plan.callsEach} calls were made, and ${madeBySure.length} are committed`);
  }
  const liars = new Set(Array.from({ length: plan.liars }, (_, index) => namesOf(index + 1).account));
  // Whoever was punished for something that was said must have lied.
  for (const { target, recordHash, reason } of hub.punishments) {
    if (equalBytes(recordHash, OUSTED)) continue;
    trace.event("chain", `punished ${target.slice(0, 6)} for ${reason}`);
    if (!liars.has(target)) watch.breach(`C3: ${target} was punished and is honest`);
  }
}

function namesUpTo(members: number): readonly string[] {
  return Array.from({ length: members }, (_, index) => namesOf(index + 1).account);
}
