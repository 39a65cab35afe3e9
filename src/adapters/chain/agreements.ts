import { MaxUint256, ZeroHash, hexlify } from "ethers";

import type { Agreement, AgreementState, Chain, ChainOptions, EpochWindows } from "../../ports/chain.ts";
import { fromHex } from "../../utils/bytes.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import type { Connection } from "./connection.ts";
import type { IWorkAgreement, IWorkerDispatcher } from "./contract-types.ts";
import { IWorkAgreement__factory } from "./factories.ts";
import { agreementStatusOf, outcomeOf, requiredEventOf, seatStatusOf, verdictNumber, verdictOf } from "./values.ts";

const MAX_CACHED_AGREEMENTS = 10_000;
const MAX_CACHED_WINDOWS = 100_000;
/** A re-organised chain can put another purchase at the same address, so terms are kept only once they are this deep. */
const CONFIRMATIONS = 12;

type AgreementMethods = Pick<
  Chain,
  | "agreementCount"
  | "agreements"
  | "agreementCountOf"
  | "agreementsOf"
  | "agreement"
  | "agreementState"
  | "windowsOf"
  | "isOpen"
  | "previewTesters"
  | "seatsOf"
  | "outcomesOf"
  | "tallyOf"
  | "resignedFrom"
  | "creditWei"
  | "bindProgram"
  | "openEpoch"
  | "commit"
  | "reveal"
  | "terminate"
  | "settle"
  | "finalize"
  | "withdraw"
>;

/** Agreements (contracts/interfaces/IWorkAgreement.sol); what never changes is read once. */
export function createAgreements(connection: Connection, dispatcher: IWorkerDispatcher): AgreementMethods {
  const { read, provider } = connection;
  const known = createBoundedCache<Agreement>(MAX_CACHED_AGREEMENTS);
  const windows = createBoundedCache<EpochWindows>(MAX_CACHED_WINDOWS);
  const at = (address: string): IWorkAgreement => IWorkAgreement__factory.connect(address, provider);

  async function agreement(address: string, options?: ChainOptions): Promise<Agreement | undefined> {
    const cached = known.get(address);
    if (cached !== undefined) return cached;
    const [latest, made] = await Promise.all([
      read(() => provider.getBlockNumber(), options),
      read(() => dispatcher.isAgreement(address), options),
    ]);
    if (!made) return undefined;
    const fresh = await readAgreement(connection, at(address), address, options);
    // Bought in its first block of work or earlier.
    if (latest >= fresh.startBlock + CONFIRMATIONS) known.set(address, fresh);
    return fresh;
  }

  return {
    agreementCount: async (options) => Number(await read(() => dispatcher.agreementCount(), options)),
    agreements: (from, count, options) => read(() => dispatcher.agreements(from, count), options),
    agreementCountOf: async (workerId, options) =>
      Number(await read(() => dispatcher.agreementCountOf(workerId), options)),
    agreementsOf: (workerId, from, count, options) =>
      read(() => dispatcher.agreementsOf(workerId, from, count), options),
    agreement,
    agreementState: (address, options) => readState(connection, at(address), options),
    async windowsOf(address, epoch, options) {
      const key = `${address}/${epoch}`;
      const cached = windows.get(key);
      if (cached !== undefined) return cached;
      const fresh = await readWindows(connection, at(address), epoch, options);
      if (known.get(address) !== undefined) windows.set(key, fresh);
      return fresh;
    },
    isOpen: (address, epoch, options) => read(() => at(address).isOpen(epoch), options),
    previewTesters: (address, epoch, options) => read(() => at(address).previewTesters(epoch), options),
    async seatsOf(address, epoch, options) {
      const seats = await read(() => at(address).seatsOf(epoch), options);
      return seats.map((seat) => ({
        tester: seat.tester,
        testerId: Number(seat.testerId),
        status: seatStatusOf(seat.status),
        verdicts: seat.verdicts.map(verdictOf),
      }));
    },
    outcomesOf: async (address, epoch, options) =>
      (await read(() => at(address).outcomesOf(epoch), options)).map(outcomeOf),
    tallyOf: async (address, epoch, options) =>
      (await read(() => at(address).tallyOf(epoch), options)).outcomes.map(outcomeOf),
    async resignedFrom(address, workerIndex, options) {
      const epoch = await read(() => at(address).resignedFrom(workerIndex), options);
      return epoch === MaxUint256 ? undefined : Number(epoch);
    },
    creditWei: (address, account, options) => read(() => at(address).creditOf(account), options),

    async bindProgram(address, ledgerKey, options) {
      await connection.send(() => at(address).bindProgram.populateTransaction(hexlify(ledgerKey)), options);
    },
    async openEpoch(address, epoch, options) {
      await connection.send(() => at(address).openEpoch.populateTransaction(epoch), options);
    },
    async commit(address, epoch, commitment, options) {
      await connection.send(() => at(address).commit.populateTransaction(epoch, hexlify(commitment)), options);
    },
    async reveal(address, epoch, { verdicts, evidenceCid, salt }, options) {
      const numbers = verdicts.map(verdictNumber);
      await connection.send(
        () => at(address).reveal.populateTransaction(epoch, numbers, evidenceCid, hexlify(salt)),
        options,
      );
    },
    async terminate(address, options) {
      await connection.send(() => at(address).terminate.populateTransaction(), options);
    },
    async settle(address, maxEpochs, options) {
      await connection.send(() => at(address).settle.populateTransaction(maxEpochs), options);
    },
    async finalize(address, options) {
      await connection.send(() => at(address).finalize.populateTransaction(), options);
    },
    async withdraw(address, options) {
      const contract = at(address);
      const receipt = await connection.send(() => contract.withdraw.populateTransaction(), options);
      const events = { address, interface: contract.interface };
      return requiredEventOf(receipt, events, "Withdrawn")["amount"] as bigint;
    },
  };
}

async function readAgreement(
  { read }: Connection,
  contract: IWorkAgreement,
  address: string,
  options?: ChainOptions,
): Promise<Agreement> {
  const [client, seats, start, end, testerCount, testerFee, epochCount] = await Promise.all([
    read(() => contract.client(), options),
    read(() => contract.workerSeats(), options),
    read(() => contract.start(), options),
    read(() => contract.end(), options),
    read(() => contract.testerCount(), options),
    read(() => contract.testerFeePerEpoch(), options),
    read(() => contract.epochCount(), options),
  ]);
  return {
    address,
    client,
    workerIds: seats.map((seat) => Number(seat.workerId)),
    workerTwinIds: seats.map((seat) => Number(seat.twinId)),
    workerOperators: seats.map((seat) => seat.operator),
    pricesPerBlockWei: seats.map((seat) => seat.pricePerBlock),
    startBlock: Number(start),
    endBlock: Number(end),
    testerCount: Number(testerCount),
    testerFeePerEpochWei: testerFee,
    epochCount: Number(epochCount),
  };
}

async function readState(
  { read }: Connection,
  contract: IWorkAgreement,
  options?: ChainOptions,
): Promise<AgreementState> {
  const [status, program, settled] = await Promise.all([
    read(() => contract.status(), options),
    read(() => contract.program(), options),
    read(() => contract.settledEpochs(), options),
  ]);
  return {
    status: agreementStatusOf(status),
    ...(program === ZeroHash ? {} : { program: fromHex(program) }),
    settledEpochs: Number(settled),
  };
}

async function readWindows(
  { read }: Connection,
  contract: IWorkAgreement,
  epoch: number,
  options?: ChainOptions,
): Promise<EpochWindows> {
  const windows = await read(() => contract.windowsOf(epoch), options);
  return {
    from: Number(windows.from),
    to: Number(windows.to),
    commitFrom: Number(windows.commitFrom),
    commitTo: Number(windows.commitTo),
    revealFrom: Number(windows.revealFrom),
    revealTo: Number(windows.revealTo),
    finalFrom: Number(windows.finalFrom),
  };
}
