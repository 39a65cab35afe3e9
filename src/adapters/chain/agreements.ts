import { ZeroHash, hexlify } from "ethers";

import type { Agreement, AgreementState, Chain, ChainOptions } from "../../ports/chain.ts";
import { fromHex } from "../../utils/bytes.ts";
import { agreementContract } from "./agreement-contract.ts";
import { createBoundedCache } from "../../utils/bounded-cache.ts";
import type { Connection } from "./connection.ts";
import type { IWorkAgreement, IWorkerDispatcher } from "./contract-types.ts";
import { agreementStatusOf, requiredEventOf } from "./values.ts";

const MAX_CACHED_AGREEMENTS = 10_000;
/** A re-organised chain can put another purchase at the same address, so terms are kept only once they are this deep. */
const CONFIRMATIONS = 12;
/** How the contracts say "never" of an epoch: the largest number there is. */
const NEVER = 2n ** 256n - 1n;

type AgreementMethods = Pick<
  Chain,
  | "agreementCount"
  | "agreementAt"
  | "agreements"
  | "agreement"
  | "agreementState"
  | "boundFrom"
  | "resignedFrom"
  | "creditWei"
  | "bindProgram"
  | "extend"
  | "terminate"
  | "resign"
  | "settle"
  | "finalize"
  | "withdraw"
>;

/** What is fixed at the purchase; where the work ends is not. */
type Terms = Omit<Agreement, "endBlock" | "epochCount">;

interface TermsOutput {
  readonly client: string;
  readonly number: bigint;
  readonly start: bigint;
  readonly epochLength: bigint;
  readonly testerCount: bigint;
  readonly testerFeePerEpoch: bigint;
  readonly workers: ReadonlyArray<{
    readonly workerId: bigint;
    readonly twinId: bigint;
    readonly previous: bigint;
    readonly operator: string;
    readonly pricePerBlock: bigint;
  }>;
}

/** Agreements (contracts/interfaces/IWorkAgreement.sol); what never changes is read once. */
export function createAgreements(connection: Connection, dispatcher: IWorkerDispatcher): AgreementMethods {
  const { read, provider } = connection;
  const known = createBoundedCache<Terms>(MAX_CACHED_AGREEMENTS);
  // Numbers give the addresses, whatever happens on the chain.
  const addresses = createBoundedCache<string>(MAX_CACHED_AGREEMENTS);
  const at = (address: string): IWorkAgreement => agreementContract(address, provider);

  async function termsOf(address: string, options?: ChainOptions): Promise<Terms | undefined> {
    const cached = known.get(address);
    if (cached !== undefined) return cached;
    const [latest, made] = await Promise.all([
      read(() => provider.getBlockNumber(), options),
      read(() => dispatcher.isAgreement(address), options),
    ]);
    if (!made) return undefined;
    const fresh = await readTerms(connection, at(address), address, options);
    // Bought in its first block of work or earlier.
    if (latest >= fresh.startBlock + CONFIRMATIONS) known.set(address, fresh);
    return fresh;
  }

  return {
    agreementCount: async (options) => Number(await read(() => dispatcher.agreementCount(), options)),
    async agreementAt(number, options) {
      const cached = addresses.get(`${number}`);
      if (cached !== undefined) return cached;
      const address = await read(() => dispatcher.agreementAt(number), options);
      addresses.set(`${number}`, address);
      return address;
    },
    agreements: (fromNumber, count, options) => read(() => dispatcher.agreements(fromNumber, count), options),
    async agreement(address, options) {
      const terms = await termsOf(address, options);
      if (terms === undefined) return undefined;
      const endBlock = Number(await read(() => at(address).end(), options));
      const epochCount = Math.ceil((endBlock - terms.startBlock) / terms.epochLengthBlocks);
      return { ...terms, endBlock, epochCount };
    },
    agreementState: (address, options) => readState(connection, at(address), options),
    boundFrom: async (address, options) => epochOf(await read(() => at(address).boundFrom(), options)),
    resignedFrom: async (address, workerIndex, options) =>
      epochOf(await read(() => at(address).resignedFrom(workerIndex), options)),
    creditWei: (address, account, options) => read(() => at(address).creditOf(account), options),

    async bindProgram(address, ledgerKey, options) {
      await connection.send(() => at(address).bindProgram.populateTransaction(hexlify(ledgerKey)), options);
    },
    async extend(address, lengthBlocks, valueWei, options) {
      const value = { value: valueWei };
      await connection.send(() => at(address).extend.populateTransaction(lengthBlocks, value), options);
    },
    async terminate(address, options) {
      await connection.send(() => at(address).terminate.populateTransaction(), options);
    },
    async resign(address, workerIndex, options) {
      await connection.send(() => at(address).resign.populateTransaction(workerIndex), options);
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

function epochOf(epoch: bigint): number | undefined {
  return epoch === NEVER ? undefined : Number(epoch);
}

async function readTerms(
  { read }: Connection,
  contract: IWorkAgreement,
  address: string,
  options?: ChainOptions,
): Promise<Terms> {
  // Its field `length` makes the generated type one that nothing has.
  const terms: TermsOutput = await read(() => contract.terms(), options);
  const seats = terms.workers;
  return {
    address,
    number: Number(terms.number),
    client: terms.client,
    workerIds: seats.map((seat) => Number(seat.workerId)),
    workerTwinIds: seats.map((seat) => Number(seat.twinId)),
    workerOperators: seats.map((seat) => seat.operator),
    pricesPerBlockWei: seats.map((seat) => seat.pricePerBlock),
    previousAgreements: seats.map((seat) => Number(seat.previous)),
    startBlock: Number(terms.start),
    epochLengthBlocks: Number(terms.epochLength),
    testerCount: Number(terms.testerCount),
    testerFeePerEpochWei: terms.testerFeePerEpoch,
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
