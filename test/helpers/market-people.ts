import { commitmentOf } from "../../src/domain/verdict/commitment.ts";
import type { Verdict, WorkerTerms } from "../../src/ports/chain.ts";
import {
  registerTester,
  registerTwin,
  registerWorker,
  startMarketChain,
  TERMS,
  type MarketChain,
} from "./market-chain.ts";

const TESTERS = 3;
const SALT = new Uint8Array(32).fill(3);

type Identity = Awaited<ReturnType<MarketChain["identity"]>>;

/** A worker of the market, and whose it is. */
export interface MarketWorker extends Identity {
  readonly workerId: number;
  readonly terms: WorkerTerms;
}

/** A market with a client, workers of the given terms and as many testers as a purchase draws. */
export interface MarketPeople {
  readonly market: MarketChain;
  readonly client: Identity;
  readonly workers: readonly MarketWorker[];
  /** All testers commit and reveal the same verdicts for an epoch; it is final `appealLength` blocks later. */
  report(agreement: string, epoch: number, verdicts: readonly Verdict[]): Promise<void>;
}

export async function startMarketWithPeople(workers: readonly Partial<WorkerTerms>[]): Promise<MarketPeople> {
  const market = await startMarketChain();
  const client = await market.identity(0);
  await registerTwin(client);
  const people: MarketWorker[] = [];
  for (const [index, given] of workers.entries()) {
    const terms = { ...TERMS, ...given };
    const identity = await market.identity(1 + TESTERS + index);
    people.push({ ...identity, terms, workerId: await registerWorker(identity, terms) });
  }
  const testers: Identity[] = [];
  for (let index = 1; index <= TESTERS; index++) testers.push(await market.identity(index));
  for (const tester of testers) await registerTester(tester);
  return {
    market,
    client,
    workers: people,
    async report(agreement, epoch, verdicts) {
      const windows = await client.chain.windowsOf(agreement, epoch);
      await market.mineTo(windows.commitFrom);
      if (!(await client.chain.isOpen(agreement, epoch))) await client.chain.openEpoch(agreement, epoch);
      const parts = { verdicts, evidenceCid: "", salt: SALT };
      for (const { chain } of testers) {
        const commitment = commitmentOf({ agreement, epoch, tester: chain.account, ...parts });
        await chain.commit(agreement, epoch, commitment);
      }
      await market.mineTo(windows.revealFrom - 1);
      const seats = await client.chain.seatsOf(agreement, epoch);
      for (const { chain } of testers) {
        const seat = seats.findIndex(({ tester }) => tester === chain.account);
        await chain.reveal(agreement, epoch, { seat, tester: chain.account, ...parts });
      }
    },
  };
}
