import { createEthersChain, type EthersChain } from "../adapters/chain/ethers.ts";
import { systemClock } from "../adapters/clock/system.ts";
import type { NetworkSettings } from "../create-peer.ts";
import type { TwinKeys } from "../domain/identity/keys.ts";
import { SprfError } from "../errors.ts";
import type { Outcome, TesterSeat } from "../ports/chain.ts";
import { mineBlocks } from "./advance.ts";
import type { Report } from "./main-job.ts";

const POLL_MS = 100;
const SEATS_TIMEOUT_MS = 60_000;
const EPOCH = 0;

export interface SettledJob {
  readonly seats: readonly TesterSeat[];
  /** In the order of the agreement's workers. */
  readonly outcomes: readonly Outcome[];
  readonly reputations: readonly number[];
}

/**
 * Takes an agreement of one epoch from its testers' commitments to its end: reveals, outcomes, settlement, report to the
 * dispatcher. Blocks that only have to pass are mined at once, which a development chain can.
 */
export async function settleJob(
  settings: NetworkSettings["chain"],
  keys: TwinKeys,
  agreementAddress: string,
  report: Report,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<SettledJob> {
  const chain = await createEthersChain({ ...settings, privateKey: keys.accountPrivateKey });
  try {
    return await settle(chain, settings.rpcUrl, agreementAddress, report, signal);
  } finally {
    chain.close();
  }
}

async function settle(
  chain: EthersChain,
  rpcUrl: string,
  agreementAddress: string,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<SettledJob> {
  const clock = systemClock;
  const agreement = await chain.agreement(agreementAddress, { signal });
  if (agreement === undefined)
    throw new SprfError("INVALID_INPUT", `${agreementAddress} is no agreement of this market`);
  const windows = await chain.windowsOf(agreementAddress, EPOCH, { signal });

  /** Waits until all drawn testers got this far. */
  async function seatsReach(status: TesterSeat["status"]): Promise<readonly TesterSeat[]> {
    const deadline = clock.now() + SEATS_TIMEOUT_MS;
    for (;;) {
      const seats = await chain.seatsOf(agreementAddress, EPOCH, { signal });
      const done = seats.length > 0 && seats.every((seat) => seat.status === status || seat.status === "revealed");
      if (done || clock.now() > deadline) return seats;
      await clock.sleep(POLL_MS, { signal });
    }
  }
  async function advanceTo(block: number): Promise<void> {
    const ahead = block - (await chain.blockNumber({ signal }));
    if (ahead > 0) await mineBlocks(rpcUrl, ahead);
  }

  const committed = await seatsReach("committed");
  report(
    `${committed.filter(({ status }) => status !== "drawn").length} testers, drawn by lot, have committed their verdicts`,
  );
  await advanceTo(windows.revealFrom);
  const seats = await seatsReach("revealed");
  report(
    "they revealed them",
    Object.fromEntries(seats.map(({ testerId, verdicts }) => [`tester ${testerId}`, verdicts.join(", ")])),
  );
  await advanceTo(windows.finalFrom);
  const outcomes = await chain.outcomesOf(agreementAddress, EPOCH, { signal });
  await finalized(chain, agreementAddress, signal);
  const credits = await Promise.all(
    agreement.workerIds.map(async (workerId) => (await chain.reputationOf(workerId, { signal })).reputation),
  );
  report(
    "the epoch is final, the workers are paid and their reputation is on the chain",
    Object.fromEntries(
      agreement.workerIds.map((workerId, index) => [
        `worker ${workerId}`,
        `${outcomes[index] ?? "pending"}, reputation ${(credits[index] ?? 0) / 100} %`,
      ]),
    ),
  );
  return { seats, outcomes, reputations: credits };
}

/** The workers' daemons settle and finalize by themselves; this waits until one of them did. */
async function finalized(chain: EthersChain, agreement: string, signal: AbortSignal | undefined): Promise<void> {
  const deadline = systemClock.now() + SEATS_TIMEOUT_MS;
  while ((await chain.agreementState(agreement, { signal })).status !== "finalized") {
    if (systemClock.now() > deadline)
      throw new SprfError("TIMEOUT", `agreement ${agreement} was not finalized in time`);
    await systemClock.sleep(POLL_MS, { signal });
  }
}
