import { commitmentOf } from "../domain/verdict/commitment.ts";
import {
  gatheringOf,
  isCarried,
  leaderOf,
  planReporting,
  type ReportingPlan,
} from "../domain/verdict/reporting-way.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { Agreement, EpochWindows, SeatReveal, SignedCommit, TesterSeat } from "../ports/chain.ts";
import { toHex } from "../utils/bytes.ts";
import type { Docket, DocketStep } from "./docket.ts";
import type { Duty } from "./duty-store.ts";
import { examine, type ExamineComponents } from "./examine.ts";
import type { Attendance, TesterExchange } from "./exchange.ts";
import type { Favours } from "./favours.ts";

/** Pauses between sendings of what the leader waits for; the last one repeats. */
const SEND_PAUSES_MS = [250, 500, 1_000, 2_000, 4_000];

export interface EpochDocketComponents extends ExamineComponents {
  /** Without it this tester brings its reports alone. */
  readonly exchange?: TesterExchange;
  readonly favours: Favours;
}

export interface EpochDocketInit {
  /** Called when something was heard from the others. */
  readonly onNews: () => void;
  /** Called once it is known how the reports are brought. */
  readonly onPlan?: (plan: ReportingPlan) => void;
}

/**
 * An epoch that this tester was drawn for. Its testers bring their reports together where that saves gas: one of them, in turns,
 * for all who sent it theirs. Whoever is silent, lies or loses messages delays the others until `aloneFrom`, and no longer.
 */
export function createEpochDocket(
  components: EpochDocketComponents,
  init: EpochDocketInit,
  {
    agreement,
    windows,
    epoch,
  }: { readonly agreement: Agreement; readonly windows: EpochWindows; readonly epoch: number },
): Docket {
  const { chain, exchange, favours, clock } = components;
  const { address } = agreement;
  const logger = components.logger.child({ agreement: address, epoch });
  const commitGathering = gatheringOf({ from: windows.commitFrom, to: windows.commitTo });
  const revealGathering = gatheringOf({ from: windows.revealFrom, to: windows.revealTo });
  let plan: Promise<ReportingPlan> | undefined;
  let attendance: Promise<Attendance> | undefined;
  /** What was brought for others failed: from now on alone. */
  const failed = { commit: false, reveal: false };
  /** Keeps sending to the leader until it aborts. */
  let sending: { readonly what: "commit" | "reveal"; readonly over: AbortController } | undefined;

  async function seatsOf(signal: AbortSignal): Promise<readonly TesterSeat[]> {
    return await chain.seatsOf(address, epoch, { signal });
  }

  function isMine({ tester }: TesterSeat): boolean {
    return tester === chain.account;
  }

  async function planFor(seats: number, signal: AbortSignal): Promise<ReportingPlan> {
    plan ??= chain.gasPriceWei({ signal }).then((gasPriceWei) => {
      const made = planReporting({ seats, gasPriceWei, feeWei: agreement.testerFeePerEpochWei });
      init.onPlan?.(made);
      return made;
    });
    try {
      return await plan;
    } catch (error) {
      plan = undefined;
      throw error;
    }
  }

  async function attend(seats: readonly TesterSeat[]): Promise<Attendance | undefined> {
    if (exchange === undefined || seats.length < 2) return undefined;
    attendance ??= exchange.attend(
      {
        agreement: address,
        epoch,
        testers: seats.map(({ tester }) => tester),
        workerCount: agreement.workerIds.length,
      },
      init.onNews,
    );
    try {
      return await attendance;
    } catch (error) {
      // Without the others it goes alone.
      attendance = undefined;
      logger.debug("the other testers cannot be heard", { reason: messageOf(error) });
      return undefined;
    }
  }

  /** Sends again and again, because messages get lost, until it is on the chain or too late. */
  function keepSending(
    what: "commit" | "reveal",
    send: (options: { readonly signal: AbortSignal }) => Promise<void>,
    signal: AbortSignal,
  ): void {
    if (sending?.what === what) return;
    stopSending();
    const over = new AbortController();
    sending = { what, over };
    const until = AbortSignal.any([signal, over.signal]);
    const loop = async (): Promise<void> => {
      for (let sent = 0; !until.aborted; sent += 1) {
        await send({ signal: until }).catch((error: unknown) => {
          if (!until.aborted) logger.debug("the leader cannot be told", { what, reason: messageOf(error) });
        });
        await clock.sleep(SEND_PAUSES_MS[Math.min(sent, SEND_PAUSES_MS.length - 1)] ?? 0, { signal: until });
      }
    };
    loop().catch(() => undefined);
  }

  function stopSending(): void {
    sending?.over.abort();
    sending = undefined;
  }

  async function isWorthCarrying(account: string): Promise<boolean> {
    return isCarried(await favours.of(account));
  }

  /** Who else can still be waited for, and who of them has said something that we bring. */
  async function othersOf<T>(
    seats: readonly TesterSeat[],
    status: TesterSeat["status"],
    heard: ReadonlyMap<number, T>,
  ): Promise<{ readonly carried: readonly T[]; readonly accounts: readonly string[]; readonly complete: boolean }> {
    const carried: T[] = [];
    const accounts: string[] = [];
    let complete = true;
    for (const [seat, each] of seats.entries()) {
      // One who is excused may have no room for the duty, which would refuse the commitments of all.
      if (isMine(each) || each.status !== status || (status === "drawn" && each.excused)) continue;
      if (!(await isWorthCarrying(each.tester))) continue;
      const said = heard.get(seat);
      if (said === undefined) {
        complete = false;
        continue;
      }
      carried.push(said);
      accounts.push(each.tester);
    }
    return { carried, accounts, complete };
  }

  /** True when `work` was done, by us or meanwhile by another. */
  async function doneBy(
    work: Promise<void>,
    isDone: (seat: TesterSeat) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await work;
    } catch (error) {
      const own = (await seatsOf(signal)).find(isMine);
      if (!isSprfError(error, "CHAIN_REVERTED") || own === undefined || !isDone(own)) throw error;
    }
  }

  async function bringCommits(
    { duty, block, save, signal }: DocketStep,
    seats: readonly TesterSeat[],
    own: number,
  ): Promise<boolean> {
    const commitment = commitmentOfDuty(duty, chain.account);
    const alone = async (): Promise<boolean> => {
      stopSending();
      await doneBy(chain.commit(address, epoch, commitment, { signal }), ({ status }) => status !== "drawn", signal);
      return true;
    };
    const { way } = await planFor(seats.length, signal);
    if (way === "alone" || failed.commit || block >= commitGathering.aloneFrom) return await alone();
    const others = await attend(seats);
    if (others === undefined) return await alone();

    let { signature } = duty;
    if (signature === undefined) {
      signature = new Uint8Array(await chain.signCommit(address, epoch, commitment, { signal }));
      await save({ signature });
    }
    const signed: SignedCommit = { seat: own, commitment, signature };
    const leader = leaderOf(epoch, seats.length, "commit");
    if (leader !== own) {
      // A leader that has committed already brings no others.
      if (seats[leader]?.status !== "drawn") return await alone();
      keepSending("commit", async (options) => await others.sendCommit(leader, signed, options), signal);
      return false;
    }
    const { carried, accounts, complete } = await othersOf(seats, "drawn", others.commits());
    if (!complete && block < commitGathering.leadFrom) return false;
    if (carried.length === 0) return await alone();
    const all = [...carried, signed].toSorted((a, b) => a.seat - b.seat);
    await save({ group: all.map((each) => new Uint8Array(each.commitment)) });
    try {
      await chain.commitMany(address, epoch, all, { signal });
    } catch (error) {
      if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
      logger.info("commitments were not taken together", { seats: all.length, reason: messageOf(error) });
      failed.commit = true;
      return await alone();
    }
    logger.info("commitments brought together", { seats: all.length });
    await favours.carried(accounts);
    return true;
  }

  /** The commitments that were brought together, as the chain has them; empty when this one was not among them. */
  async function groupOf(
    { duty, save, signal }: DocketStep,
    seats: readonly TesterSeat[],
  ): Promise<readonly Uint8Array[]> {
    if (!seats.some(({ grouped }) => grouped)) return [];
    const made = await chain.commitmentsOf(address, epoch, { signal });
    const group = seats
      .filter(({ grouped }) => grouped)
      .map(({ tester }) => made.find((each) => each.tester === tester)?.commitment);
    if (group.every((commitment) => commitment !== undefined)) {
      if (!isSameGroup(group, duty.group)) await save({ group: group.map((each) => new Uint8Array(each)) });
      return group;
    }
    // A node that does not keep its logs: what was written down has to do.
    if (duty.group?.length === group.length) return duty.group;
    throw new SprfError("CHAIN_UNREACHABLE", "the node does not know the commitments of the epoch");
  }

  async function bringReveals(step: DocketStep, seats: readonly TesterSeat[], own: number): Promise<boolean> {
    const { duty, block, signal } = step;
    const report = revealOf(duty, own, chain.account);
    const group = await groupOf(step, seats);
    const alone = async (): Promise<boolean> => {
      stopSending();
      const work =
        seats[own]?.grouped === true
          ? chain.revealMany(address, epoch, group, [report], { signal })
          : chain.reveal(address, epoch, report, { signal });
      await doneBy(work, ({ status }) => status === "revealed", signal);
      return true;
    };
    const { way } = await planFor(seats.length, signal);
    if (way === "alone" || failed.reveal || block >= revealGathering.aloneFrom) return await alone();
    const others = await attend(seats);
    if (others === undefined) return await alone();

    const present = [...seats.keys()].filter((seat) => seats[seat]?.status !== "drawn");
    const leader = present[leaderOf(epoch, present.length, "reveal")];
    if (leader !== own) {
      // A leader that has revealed already brings no others.
      if (leader === undefined || seats[leader]?.status !== "committed") return await alone();
      keepSending("reveal", async (options) => await others.sendReport(leader, report, options), signal);
      return false;
    }
    const made = await chain.commitmentsOf(address, epoch, { signal });
    others.expectReports(
      new Map(
        seats.flatMap(({ tester, status }, seat) => {
          const commitment = made.find((each) => each.tester === tester)?.commitment;
          return commitment === undefined || status !== "committed" ? [] : [[seat, commitment] as const];
        }),
      ),
    );
    const { carried, accounts, complete } = await othersOf(seats, "committed", others.reports());
    if (!complete && block < revealGathering.leadFrom) return false;
    if (carried.length === 0) return await alone();
    const all = [...carried, report].toSorted((a, b) => a.seat - b.seat);
    try {
      await chain.revealMany(address, epoch, group, all, { signal });
    } catch (error) {
      if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
      logger.info("reports were not taken together", { seats: all.length, reason: messageOf(error) });
      failed.reveal = true;
      return await alone();
    }
    logger.info("reports brought together", { seats: all.length });
    await favours.carried(accounts);
    return true;
  }

  async function ownSeat(
    signal: AbortSignal,
  ): Promise<{ readonly seats: readonly TesterSeat[]; readonly own: number }> {
    const seats = await seatsOf(signal);
    const own = seats.findIndex(isMine);
    if (own === -1) throw new SprfError("INTERNAL", "a duty for an epoch without this tester");
    return { seats, own };
  }

  return {
    windows,
    seat: async (signal) => (await seatsOf(signal)).find(isMine),
    /** Clients bind their program soon after the purchase; what can only be half examined now waits for half of the window. */
    async isTimely(block, signal) {
      if (block >= Math.floor((windows.commitFrom + windows.commitTo) / 2) - 1) return true;
      const { program } = await chain.agreementState(address, { signal });
      return program !== undefined;
    },
    async examine(parts) {
      // What the others send meanwhile shall not be lost.
      await attend(await seatsOf(parts.signal));
      return await examine({ ...components, logger }, { agreement, ...parts });
    },
    async commit(step) {
      const { seats, own } = await ownSeat(step.signal);
      const done = seats[own]?.status !== "drawn" || (await bringCommits(step, seats, own));
      if (!done) return false;
      if (sending?.what === "commit" && seats[own]?.grouped === true) await thank(seats, "commit");
      stopSending();
      return true;
    },
    async reveal(step) {
      const { seats, own } = await ownSeat(step.signal);
      const done = seats[own]?.status === "revealed" || (await bringReveals(step, seats, own));
      if (!done) return false;
      if (sending?.what === "reveal" && seats[own]?.status === "revealed") await thank(seats, "reveal");
      stopSending();
      return true;
    },
    async leave() {
      stopSending();
      await (await attendance?.catch(() => undefined))?.leave();
    },
  };

  async function thank(seats: readonly TesterSeat[], what: "commit" | "reveal"): Promise<void> {
    const present = what === "commit" ? seats : seats.filter(({ status }) => status !== "drawn");
    const leader = present[leaderOf(epoch, present.length, what)];
    if (leader !== undefined && !isMine(leader)) await favours.carriedUs(leader.tester);
  }
}

function commitmentOfDuty({ agreement, epoch, salt, report }: Duty, tester: string): Uint8Array {
  if (report === undefined) throw new SprfError("INTERNAL", "a duty without its report");
  return commitmentOf({ agreement, epoch, tester, salt, ...report });
}

function revealOf({ salt, report }: Duty, seat: number, tester: string): SeatReveal {
  if (report === undefined) throw new SprfError("INTERNAL", "a duty without its report");
  return { seat, tester, ...report, salt };
}

function isSameGroup(group: readonly Uint8Array[], known: readonly Uint8Array[] | undefined): boolean {
  return known !== undefined && group.map(toHex).join() === known.map(toHex).join();
}
