import type { IWorkerDispatcher, IWorkerRecords, WorkerTermsStruct, WorkerViewStructOutput } from "./contract-types.ts";

import type { Chain, ChainOptions, WorkerEntry, WorkerTerms } from "../../ports/chain.ts";
import type { Connection } from "./connection.ts";
import { isRevert } from "./errors.ts";
import { IWorkerRecords__factory } from "./factories.ts";
import { requiredEventOf, workerStatusOf } from "./values.ts";

const BASIS_POINTS = 10_000n;

type WorkerMethods = Pick<
  Chain,
  | "registerWorker"
  | "updateWorker"
  | "pauseWorker"
  | "unpauseWorker"
  | "worker"
  | "workerOf"
  | "workers"
  | "requiredStakeWei"
  | "reputationOf"
  | "slashWei"
>;

/** What workers offer (contracts/interfaces/IWorkerDispatcher.sol), and their past (IWorkerRecords.sol). */
export function createWorkers(
  connection: Connection,
  dispatcher: IWorkerDispatcher,
  contracts: { readonly dispatcher: string; readonly records: string },
): WorkerMethods {
  const records = IWorkerRecords__factory.connect(contracts.records, connection.provider);
  const events = { address: contracts.dispatcher, interface: dispatcher.interface };
  const { read } = connection;
  return {
    async registerWorker(terms, stakeWei, options) {
      const receipt = await connection.send(
        () => dispatcher.registerWorker.populateTransaction(structOf(terms), { value: stakeWei }),
        options,
      );
      return Number(requiredEventOf(receipt, events, "WorkerRegistered")["workerId"]);
    },
    async updateWorker(workerId, terms, addStakeWei, options) {
      await connection.send(
        () => dispatcher.updateWorker.populateTransaction(workerId, structOf(terms), { value: addStakeWei }),
        options,
      );
    },
    async pauseWorker(workerId, options) {
      await connection.send(() => dispatcher.pauseWorker.populateTransaction(workerId), options);
    },
    async unpauseWorker(workerId, options) {
      await connection.send(() => dispatcher.unpauseWorker.populateTransaction(workerId), options);
    },
    async worker(workerId, options) {
      try {
        return entryOf(await read(() => dispatcher.worker(workerId), options));
      } catch (error) {
        if (isRevert(error, "WorkerDispatcher_UnknownWorker")) return undefined;
        throw error;
      }
    },
    async workerOf(account, applicationType, options) {
      const workerId = await read(() => dispatcher.workerOf(account, applicationType), options);
      return workerId === 0n ? undefined : Number(workerId);
    },
    async workers(fromId, count, options) {
      const views = await read(() => dispatcher.getFunction("workers")(fromId, count), options);
      return views.map(entryOf).filter((entry) => entry !== undefined);
    },
    async requiredStakeWei(terms, options) {
      const lock = await read(() => dispatcher.lockFor(terms.pricePerBlockWei, terms.maxLengthBlocks), options);
      return lock * BigInt(terms.slots);
    },
    async slashWei({ pricesPerBlockWei, startBlock, endBlock }, workerIndex, options) {
      const priceWei = pricesPerBlockWei[workerIndex] ?? 0n;
      const [{ slashShare }, lockWei] = await Promise.all([
        read(() => dispatcher.settings(), options),
        read(() => dispatcher.lockFor(priceWei, endBlock - startBlock), options),
      ]);
      return (lockWei * slashShare) / BASIS_POINTS;
    },
    reputationOf: (workerId, options) => readReputation(connection, records, workerId, options),
  };
}

async function readReputation(
  { read }: Connection,
  records: IWorkerRecords,
  workerId: number,
  options?: ChainOptions,
): ReturnType<Chain["reputationOf"]> {
  const [reputation, uptime, record] = await Promise.all([
    read(() => records.reputationOf(workerId), options),
    read(() => records.uptimeOf(workerId), options),
    read(() => records.recordOf(workerId), options),
  ]);
  return {
    reputation: Number(reputation),
    uptime: Number(uptime),
    epochsOk: Number(record.epochsOk),
    epochsUnreachable: Number(record.epochsUnreachable),
    epochsWrong: Number(record.epochsWrong),
    agreementsCompleted: Number(record.agreementsCompleted),
    slashedWei: record.slashed,
  };
}

function structOf(terms: WorkerTerms): WorkerTermsStruct {
  return {
    pricePerBlock: terms.pricePerBlockWei,
    maxLength: terms.maxLengthBlocks,
    slots: terms.slots,
    applicationType: terms.applicationType,
    vettedDigests: terms.vettedDigests.map((digest) => `0x${digest}`),
  };
}

function entryOf(view: WorkerViewStructOutput): WorkerEntry | undefined {
  const status = workerStatusOf(view.status);
  if (status === "none") return undefined;
  return {
    workerId: Number(view.workerId),
    operator: view.operator,
    twinId: Number(view.twinId),
    status,
    pricePerBlockWei: view.pricePerBlock,
    maxLengthBlocks: Number(view.maxLength),
    slots: Number(view.slots),
    slotsUsed: Number(view.slotsUsed),
    listed: view.listed,
    applicationType: view.applicationType,
    vettedDigests: view.vettedDigests.map((digest) => digest.slice(2)),
    stakeWei: view.stake,
    lockedWei: view.locked,
    ...(view.lastAgreement === 0n ? {} : { lastAgreement: Number(view.lastAgreement) }),
  };
}
