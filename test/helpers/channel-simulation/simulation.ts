import { isSprfError } from "../../../src/errors.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { compiledProgram } from "../program-sandbox.ts";
import { seededRandom } from "../seeded-random.ts";
import { createTrace, type Trace } from "../simulation/trace.ts";
import { createSimulatedChain } from "./chain.ts";
import { examine, settledIn } from "./examine.ts";
import { liarOf } from "./liar.ts";
import { lyingRelayOf } from "./lying-relay.ts";
import {
  createSimulatedMember,
  namesOf,
  type Distortion,
  type Running,
  type SimulatedMember,
  type World,
} from "./member.ts";
import { createSimulatedNetwork } from "./network.ts";
import { isLyingRelay, type ChannelPlan, type Mishap } from "./plan.ts";
import { convictLiars, oust, watchTerms } from "./office.ts";
import { BROUGHT } from "./purse.ts";
import { createRunLog } from "./run-log.ts";
import { createSimulatedTime } from "./time.ts";
import { simulateUser } from "./user.ts";
import { createWatch } from "./watch.ts";
import { withholderOf } from "./withholder.ts";

const START_MS = 1_800_000_000_000;
const LIMIT_MS = 1_200_000;
/** Once all is healed, everything must be done within this time. */
const PROGRESS_MS = 240_000;
const LOOK_MS = 100;
const LAST_EVENTS = 80;

/** What came of a simulation. */
export interface ChannelOutcome {
  /** Breaches of the invariants, in words; empty when all is well. */
  readonly breaches: readonly string[];
  /** Equal in all runs of one seed. */
  readonly traceHash: string;
  readonly lastEvents: readonly string[];
  readonly events: number;
  readonly virtualMs: number;
  readonly calls: number;
  readonly committed: number;
  readonly terms: number;
  readonly settlements: number;
  readonly kills: number;
  readonly reorgs: number;
  readonly messages: number;
  /** What members did, as the model has it, each of which was judged. */
  readonly judged: number;
  /** From the block that began a term to its first committed record. */
  readonly failOverMs: readonly number[];
  /** From the end of all faults until everything was done. */
  readonly progressMs: number;
}

/** Plays a plan: the real nodes of a channel and their clients in this process, as `seed` decides; then looks at what came of it. */
export async function simulateChannel(
  seed: number,
  plan: ChannelPlan,
  onEvent?: (line: string) => void,
): Promise<ChannelOutcome> {
  const random = seededRandom(seed);
  const time = createSimulatedTime({ startMs: START_MS, limitMs: LIMIT_MS, random });
  const trace = heard(
    createTrace(() => time.now()),
    onEvent,
  );
  const program = await compiledProgram("FeatureProgram");
  const { code } = program;
  const watch = createWatch(trace, () => time.now());
  const { tickMs, mode, answerSeconds, aliveSeconds, blockMs, reorged, unanswered } = plan;
  const judged = Array.from({ length: plan.members + plan.lateMs.length }, (_, index) => ({
    name: `m${index + 1}`,
    ...namesOf(index + 1),
    isLiar: index < plan.liars,
  }));
  const log = createRunLog({ members: judged, hub: () => chain.hub, complain: (what) => watch.breach(what) });
  const chain = createSimulatedChain({
    time,
    random,
    trace,
    code,
    config: { tickMs, mode, answerSeconds, aliveSeconds },
    blockMs,
    reorged,
    unanswered,
    onEvent: (event) => log.mined(event),
    onSettle(account, settlement, votes) {
      const by = judged.find((each) => each.account === account);
      if (by !== undefined) log.settles(by.name, settlement, votes);
    },
  });
  const network = createSimulatedNetwork({ time, random, rates: plan.network });
  const world: World = { plan, time, random, trace, chain, network, watch, log, program, alone: undefined };
  let counts = { calls: 0, kills: 0, progressMs: 0 };
  try {
    counts = await time.run(play(world));
    await examine(world, code);
  } catch (error) {
    watch.breach(`the simulation ended early: ${error instanceof Error ? error.stack : String(error)}`);
  }
  return {
    ...counts,
    breaches: watch.breaches,
    traceHash: trace.hash(),
    lastEvents: trace.last(LAST_EVENTS),
    events: trace.length,
    virtualMs: time.now() - START_MS,
    committed: watch.committed.size,
    terms: chain.hub.office.term,
    settlements: settledIn(chain.hub).length,
    reorgs: chain.reorgs,
    messages: network.messages,
    judged: log.events,
    failOverMs: watch.failOverMs,
  };
}

async function play(world: World): Promise<{ calls: number; kills: number; progressMs: number }> {
  const { plan, time, random, trace, chain, network, watch } = world;
  const members = Array.from({ length: plan.members + plan.lateMs.length }, (_, index) =>
    createSimulatedMember(world, index + 1, {
      lies: index < plan.liars ? liarOf(world) : undefined,
      relays: relaysOf(world, index),
    }),
  );
  let kills = 0;
  const joined = members.slice(0, plan.members).map(async ({ account, signer }) => await join(world, account, signer));
  chain.begin();
  await Promise.all(joined);
  for (const member of members.slice(0, plan.members)) member.start();
  watchTerms(world);
  convictLiars(world, members);
  const hands = { healed: false };
  /** A member whose process is gone comes back. */
  const revive = (member: SimulatedMember): void => {
    if (member.isDown) member.start();
  };

  for (const [index, atMs] of plan.lateMs.entries()) {
    const member = members[plan.members + index];
    if (member === undefined) continue;
    time.after(atMs, () => {
      join(world, member.account, member.signer).then(
        () => member.start(),
        () => undefined,
      );
    });
  }
  for (const mishap of plan.mishaps) time.after(mishap.atMs, () => happen(mishap));

  /**
   * Before another member holds something that is committed, the first one commits alone what nobody but itself could miss: nobody
   * takes the office from it then, since nobody has followed it.
   */
  const isShared = (): boolean =>
    members.slice(1).some(({ running }) => (running?.node.committedHeight ?? 0) >= plan.members);

  function kill(member: SimulatedMember, { downMs, steps }: { readonly downMs: number; readonly steps: number }): void {
    kills += 1;
    if (steps > 0) member.arm(steps);
    else member.kill("at once");
    // One that is armed dies when it does; it is looked at until then.
    const back = (): void => {
      if (member.isDown) revive(member);
      else if (!hands.healed) time.after(LOOK_MS, back);
    };
    time.after(downMs, back);
  }

  function happen(mishap: Mishap): void {
    if (hands.healed) return;
    switch (mishap.kind) {
      case "kill": {
        const member = members[mishap.member];
        if (member === undefined || member.isDown) return;
        kill(member, mishap);
        return;
      }
      case "fall": {
        const member = members.find(({ running }) => running?.node.leads === true);
        if (member?.running === undefined) return;
        watch.leaderDied(member.running.node.term);
        kill(member, { ...mishap, steps: 0 });
        return;
      }
      case "part": {
        const side = new Set(mishap.side.flatMap((index) => members[index]?.signer ?? []));
        trace.event("network", `parted: ${mishap.side.map((index) => `m${index + 1}`).join(" ")}`);
        network.part([side]);
        time.after(mishap.forMs, () => {
          if (!hands.healed) network.part([]);
        });
        return;
      }
      case "oust":
        if (!isShared()) return;
        chain.send("oust", async (hub) => await oust(hub, mishap.order, trace)).catch(() => undefined);
        return;
      case "leave": {
        const account = members[mishap.member]?.account ?? "";
        if (!isShared()) return;
        trace.event("chain", `m${mishap.member + 1} wants to leave`);
        chain
          .send("leave", (hub) => void (hub.office.members.includes(account) && hub.leave(account)))
          .catch(() => undefined);
        return;
      }
      case "delegate": {
        const [from, to] = [members[mishap.member]?.account ?? "", members[mishap.to]?.account ?? ""];
        chain
          .send("delegate", (hub) => {
            const { members: now } = hub.office;
            if (from !== to && now.includes(from) && now.includes(to)) hub.delegate(from, to);
          })
          .catch(() => undefined);
        return;
      }
      case "settle":
        members[mishap.member]?.running?.node.settle().catch(() => undefined);
    }
  }

  // A member that has left takes no calls, and nobody would call through one that keeps them back.
  const leaving = new Set(plan.mishaps.flatMap((each) => (each.kind === "leave" ? [each.member] : [])));
  const staying = members
    .slice(0, plan.members)
    .filter((_, index) => !leaving.has(index) && !isLyingRelay(plan, index));
  const users = Array.from({ length: plan.users }, async (_, user) => {
    const at = staying[random.below(staying.length)];
    if (at === undefined) return 0;
    try {
      return await simulateUser(world, user, at);
    } catch (error) {
      // Its node was away for so long that it came back by a snapshot, and says that it does not know.
      if (!isSprfError(error, "CHANNEL_OUTCOME_UNKNOWN")) throw error;
      trace.event(`user ${user}`, "is told that nobody knows");
      watch.unsure.add(user);
      return 0;
    }
  });
  users.forEach((user) => void user.catch(() => undefined));
  await time.sleep(plan.healMs);
  const honest = members.filter(({ account, isLiar }) => !isLiar && chain.hub.office.members.includes(account));
  if (honest.length > 0) {
    const leaver = random.pick(honest);
    world.alone = { name: leaver.name, account: leaver.account, disk: leaver.disk() };
  }
  trace.event("network", "healed");
  hands.healed = true;
  network.heal();
  chain.heal();
  for (const member of members) member.arm(Number.POSITIVE_INFINITY);
  const healedMs = time.now();
  const isLate = (): boolean => time.now() > healedMs + PROGRESS_MS;
  let areDone = false;
  Promise.all(users).then(
    () => void (areDone = true),
    (error: unknown) => watch.breach(`a user gave up: ${String(error)}`),
  );
  const all = Promise.all(users);
  all.catch(() => undefined);
  for (;;) {
    for (const member of members) {
      const hasJoined = chain.hub.office.members.includes(member.account);
      if (hasJoined || plan.members > members.indexOf(member)) revive(member);
    }
    const here = honestOf(world, members);
    if (areDone && here !== undefined && (await settleAll(world, here))) break;
    if (isLate() || watch.breaches.length > 0) {
      const why = isLate() ? `no progress ${PROGRESS_MS} ms after all faults` : "not played on";
      const places = members.map(placeOf).join("; ");
      watch.breach(`${why}: users ${areDone ? "done" : "wait"}; ${places}`);
      break;
    }
    await time.sleep(LOOK_MS);
  }
  const progressMs = time.now() - healedMs;
  const calls = areDone ? (await all).reduce((sum, each) => sum + each, 0) : 0;
  chain.stop();
  for (const member of members) member.kill("at the end");
  return { calls, kills, progressMs };
}

/** How a member is not what it should be in what it sends on. */
function relaysOf(world: World, index: number): Distortion | undefined {
  const { plan } = world;
  if (isLyingRelay(plan, index)) return lyingRelayOf(world);
  if (plan.withheldFromMs === 0) return undefined;
  const from = namesOf(1 + ((index + 1) % plan.members)).signer;
  return withholderOf(world, { from, fromMs: plan.withheldFromMs, toMs: plan.healMs });
}

/** The honest members of now, when all of them count and are at one committed record. */
function honestOf({ chain }: World, members: readonly SimulatedMember[]): readonly Running[] | undefined {
  const here = members.filter(({ account, isLiar }) => chain.hub.office.members.includes(account) && !isLiar);
  const running = here.flatMap((member) => member.running ?? []);
  if (running.length < here.length || here.some(({ account }) => chain.hub.absent.includes(account))) return undefined;
  const heads = new Set(running.map(({ node }) => `${node.head.height} ${toHex(node.head.hash)}`));
  const isOne = heads.size === 1 && running.every(({ node }) => node.committedHeight === node.head.height);
  return isOne ? running : undefined;
}

/** Settles all that is committed; true when it is final. */
async function settleAll({ chain, watch }: World, here: readonly Running[]): Promise<boolean> {
  const [first] = here;
  const leader = here.find(({ node }) => node.leads) ?? first;
  if (leader === undefined) return true;
  const { head } = leader.node;
  if (chain.hub.settled.height >= head.height) return true;
  try {
    await leader.node.settle();
  } catch {
    return false;
  }
  return chain.hub.settled.height >= head.height || watch.breaches.length > 0;
}

async function join({ chain }: World, account: string, signer: string): Promise<void> {
  await chain.send("join", (hub) => hub.join(account, signer, [BROUGHT]));
}

function placeOf({ name, running, isDown }: SimulatedMember): string {
  if (running === undefined) return `${name} ${isDown ? "down" : "starting"}`;
  const { node } = running;
  return `${name} term ${node.term} head ${node.head.height} ${toHex(node.head.hash).slice(0, 6)} committed ${node.committedHeight}${node.leads ? " leads" : ""}`;
}

/** A trace that somebody reads while it grows. */
function heard(trace: Trace, onEvent: ((line: string) => void) | undefined): Trace {
  if (onEvent === undefined) return trace;
  return {
    event(who, what) {
      trace.event(who, what);
      onEvent(trace.last(1).join(""));
    },
    get length() {
      return trace.length;
    },
    hash: () => trace.hash(),
    last: (count) => trace.last(count),
  };
}
